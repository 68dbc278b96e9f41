package simulator

// message counts a question and its answer as profile wfm-messaging does: the question where it arrived, the answer with all
// its times where it was resolved, and for the agent where it was created.
func (t *truth) message(c *Contact) {
	if c.Direction == "outbound" {
		t.contact(c)
		return
	}
	t.queue(c.Offered, c, "offered", 1)
	left := c.Ended
	if c.Answered >= 0 {
		left = c.Answered
		t.queue(c.Ended, c, "answered", 1)
		t.agentQueue(c.Answered, c, "answered", 1)
		t.agentQueue(c.WrapEnd, c, "completed", 1)
		t.answer(c)
	}
	waited := left - c.Offered
	inLevel := waited <= t.rules.ServiceLevel.Milliseconds()
	switch {
	case c.Answered >= 0:
		t.queue(c.Ended, c, "wait_ms", waited)
		t.longest(c.Ended, c, waited)
		if inLevel {
			t.queue(c.Ended, c, "answered_in_sl", 1)
		}
	case c.Outcome == "abandoned":
		t.queue(c.Ended, c, "abandoned", 1)
		t.queue(c.Ended, c, "abandon_wait_ms", waited)
		t.longest(c.Ended, c, waited)
		if inLevel {
			t.queue(c.Ended, c, "abandoned_in_sl", 1)
		}
		if waited < t.rules.ShortAbandon.Milliseconds() {
			t.queue(c.Ended, c, "short_abandoned", 1)
		}
	}
	switch c.Outcome {
	case "transferred":
		t.queue(c.Ended, c, "transferred_out", 1)
	case "overflowed":
		t.queue(c.Ended, c, "overflowed", 1)
	}
	for end := (c.Offered/t.size + 1) * t.size; end <= left; end += t.size {
		t.queue(end-1, c, "backlog", 1)
	}
}

// answer counts the times of an answer, where it was resolved; only the agent's own clock is split.
func (t *truth) answer(c *Contact) {
	contact, wrap := c.Ended-c.Answered, max(c.WrapEnd-c.Ended, 0)
	for measure, n := range map[string]int64{
		"contact_ms": contact, "hold_ms": c.Hold, "talk_ms": contact - c.Hold, "wrap_ms": wrap, "handle_ms": contact + wrap,
	} {
		t.both(c.Ended, c, measure, n)
	}
	for from := c.Answered / t.size * t.size; from <= c.Ended; from += t.size {
		add(t.Agents, AgentKey{t.start(from / t.size), c.Agent.ID}, "concurrency_ms", overlap(c.Answered, c.Ended, from, from+t.size))
	}
}

// login counts from the first instant logged in to the end of the interval; for the rest, an agent logged in is available.
func (t *truth) login(a *Agent) {
	in, out := a.States[0].At, a.States[len(a.States)-1].At
	for from := in / t.size * t.size; from < out; from += t.size {
		key := AgentKey{t.start(from / t.size), a.ID}
		add(t.Agents, key, "login_ms", from+t.size-max(in, from))
		add(t.Agents, key, "available_ms", overlap(in, out, from, from+t.size))
	}
}
