package transform

import "github.com/quarterhour/quarterhour/schemas"

// visit is a contact made ready for counting: its times in order, and how far it goes as far as the source's mark tells.
type visit struct {
	at [5]int64 // by Rule: offered, answered, ended, wrap-up ended, left the queue; Null where it has not happened

	waitTo                  int64 // it waits in [offered, waitTo)
	talkTo                  int64 // the contact lasts over [answered, talkTo)
	contact, hold, wrap     int64 // totals
	wait                    int64
	wrapFrom, wrapTo        int64
	first, last             int64 // it can count in the intervals of these and between
	closed                  bool
	waited                  bool // the wait is over by an answer or an abandonment
	outcome                 schemas.Outcome
	toQueue, byAgent        bool // it counts in a queue row; in rows of an agent
	inbound, inLevel, brief bool
	wrapKnown               bool
}

// visitOf fills v from a contact that is not retracted; mark is how far its source is complete, for contacts without an end.
func (f *contactFold) visitOf(v *visit, c *contact, t times, mark int64) {
	*v = visit{}
	const null = schemas.Null
	t, _, _ = inOrder(t, f.set.skew)
	queue := f.names.pairs.at(c.queue)
	v.at = [5]int64{t.offered, t.answered, t.ended, null, null}
	v.outcome, v.inbound, v.closed = c.outcome(), c.offeredKind(), t.ended != null
	v.toQueue = v.inbound && queue.sym != f.noID
	v.byAgent = f.names.sym(c.agent) != f.noID
	v.first, v.last = t.offered, t.offered
	switch {
	case t.answered != null:
		v.at[AtLeft], v.waited = t.answered, true
	case v.closed:
		v.at[AtLeft] = t.ended
		v.waited = v.outcome != schemas.OutcomeOverflowed && v.outcome != schemas.OutcomeTransferred && v.outcome != schemas.OutcomeVoicemail
	}
	if v.waitTo = v.at[AtLeft]; v.waitTo == null {
		v.waitTo = max(mark, t.offered)
	} else {
		v.wait = v.waitTo - t.offered
		v.inLevel, v.brief = v.wait <= queue.level, v.wait < queue.short
	}
	v.last = v.waitTo
	if t.answered != null {
		v.talked(t, mark)
	}
}

// talked fills what follows the answer.
func (v *visit) talked(t times, mark int64) {
	const null = schemas.Null
	v.wrapKnown = t.wrapEnded != null || t.wrap != null
	if !v.closed {
		v.talkTo = max(mark, t.answered)
		v.contact = v.talkTo - t.answered
		v.last = v.talkTo
		return
	}
	v.talkTo = t.ended
	if v.contact = t.ended - t.answered; t.hold != null {
		v.hold = t.hold
		v.contact = max(v.contact, v.hold)
	}
	if t.talk != null {
		v.contact = t.talk + v.hold
	}
	v.wrapFrom, v.wrapTo = t.ended, t.ended
	switch {
	case t.wrapEnded != null:
		if v.wrapTo, v.wrap = t.wrapEnded, t.wrapEnded-t.ended; t.wrap != null {
			v.wrap = t.wrap
		}
	case t.wrap != null:
		v.wrapTo, v.wrap = t.ended+t.wrap, t.wrap
	}
	if v.wrapKnown {
		v.at[AtWrapEnded] = v.wrapTo
	}
	v.last = v.wrapTo
}

// cell is what one contact adds to one interval.
type cell struct {
	counts               [waitMs]int32 // offered ... overflowed
	backlog              int32
	wait, abandonWait    int64
	talk, hold, wrap     int64
	maxWait              int64
	answered             int32 // in the rows of the agent
	completed, directOut int32
	concurrency          int64
	queue, agentQueue    bool // it adds something to the queue row; to the rows of the agent
}

// cell computes what the visit adds to the interval [start, end). It is the one place that says what is counted where.
func (v *visit) cell(c *cell, r *rules, start, end int64) {
	*c = cell{}
	in := func(m counted) bool { at := v.at[r[m]]; return at >= start && at < end }
	count := func(m counted, when bool) {
		if when && in(m) {
			c.counts[m] = 1
		}
	}
	hasAnswer := v.at[AtAnswered] != schemas.Null
	if v.inbound {
		gone := v.closed && !hasAnswer && v.waited
		count(offered, true)
		count(answered, hasAnswer)
		if hasAnswer && in(agentAnswered) {
			c.answered = 1
		}
		count(answeredInSL, hasAnswer && v.inLevel)
		count(abandoned, gone)
		count(shortAbandoned, gone && v.brief)
		count(abandonedInSL, gone && v.inLevel)
		count(transferredOut, v.closed && v.outcome == schemas.OutcomeTransferred)
		count(overflowed, v.closed && v.outcome == schemas.OutcomeOverflowed)
		if hasAnswer && in(waitMs) {
			c.wait = v.wait
		}
		if gone && in(abandonWaitMs) {
			c.abandonWait = v.wait
		}
		if v.waited && in(maxWaitMs) {
			c.maxWait = v.wait
		}
		if v.at[AtOffered] < end && end <= v.waitTo {
			c.backlog = 1
		}
	} else if in(directOut) {
		c.directOut = 1
	}
	if hasAnswer {
		v.spans(c, r, start, end)
	}
	c.touch(v)
}

// spans fills the parts of talk, hold and wrap-up, and the contact's own clock.
func (v *visit) spans(c *cell, r *rules, start, end int64) {
	from := v.at[AtAnswered]
	contact := v.whole(r[talkMs], v.contact, from, v.talkTo, start, end)
	hold := v.whole(r[talkMs], v.hold, from, v.talkTo, start, end)
	c.talk, c.hold = contact-hold, hold
	if r[holdMs] != r[talkMs] {
		c.hold = v.whole(r[holdMs], v.hold, from, v.talkTo, start, end)
	}
	if v.wrap > 0 {
		c.wrap = v.whole(r[wrapMs], v.wrap, v.wrapFrom, v.wrapTo, start, end)
	}
	c.concurrency = part(v.talkTo-from, from, v.talkTo, start, end)
	if at := v.at[r[completed]]; v.wrapKnown && v.inbound && v.closed && at >= start && at < end {
		c.completed = 1
	}
}

// whole is what of a total counts in the interval: its part where it is split, else all or nothing, once the contact has ended.
func (v *visit) whole(r Rule, total, from, to, start, end int64) int64 {
	if r == Split {
		return part(total, from, to, start, end)
	}
	if at := v.at[r]; v.closed && at >= start && at < end {
		return total
	}
	return 0
}

// touch finds the rows that the cell adds anything to.
func (c *cell) touch(v *visit) {
	spans := c.talk|c.hold|c.wrap != 0
	if v.toQueue {
		c.queue = spans || c.counts != [waitMs]int32{} || c.wait|c.abandonWait|c.maxWait != 0 || c.backlog != 0
	}
	if v.byAgent {
		c.agentQueue = spans || c.answered|c.completed|c.directOut != 0 || c.concurrency != 0
	}
}
