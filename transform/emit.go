package transform

import "github.com/quarterhour/quarterhour/schemas"

// scratch are the records that rows are emitted in.
type scratch struct {
	queue      schemas.QueueInterval
	agentQueue schemas.AgentQueueInterval
	agent      schemas.AgentInterval
	mark       schemas.ShardMark
}

// Emit hands on the partials that changed since the last Emit or Discard, then the marks that moved. The revision of each is the
// offset behind the last record folded. After an error everything is still to be emitted.
func (s *Shard) Emit(to Emitter) error {
	if s.contacts != nil {
		if err := s.emitContacts(to); err != nil {
			return err
		}
	} else if err := s.agents.emit(to, s.next, &s.out.agent); err != nil {
		return err
	}
	m := &s.out.mark
	for i := range s.sources.all {
		if src := &s.sources.all[i]; src.mark != src.told {
			*m = s.markOf(src)
			if err := to.Mark(m); err != nil {
				return err
			}
		}
	}
	s.settle()
	return nil
}

// Discard forgets what changed: an earlier run has handed it on.
func (s *Shard) Discard() { s.settle() }

func (s *Shard) settle() {
	for i := range s.sources.all {
		s.sources.all[i].told = s.sources.all[i].mark
	}
	if f := s.contacts; f != nil {
		for _, n := range f.dirtyQueues {
			f.refresh(f.queues.at(n))
		}
		f.clean(f.horizon)
		return
	}
	s.agents.clean()
}

func (s *Shard) emitContacts(to Emitter) error {
	f := s.contacts
	for _, n := range f.dirtyQueues {
		f.refresh(f.queues.at(n))
		f.fillQueue(n, &s.out.queue)
		s.out.queue.Revision = s.next
		if err := to.Queue(&s.out.queue); err != nil {
			return err
		}
	}
	for _, n := range f.dirtyAgentQueues {
		f.fillAgentQueue(n, &s.out.agentQueue)
		s.out.agentQueue.Revision = s.next
		if err := to.AgentQueue(&s.out.agentQueue); err != nil {
			return err
		}
	}
	for _, n := range f.dirtyAgentQueues {
		if !f.fillAgent(n, &s.out.agent) {
			continue
		}
		s.out.agent.Revision = s.next
		if err := to.Agent(&s.out.agent); err != nil {
			return err
		}
	}
	return nil
}

func (f *contactFold) seconds(start int64) int32 {
	from, to := f.set.grid.Bounds(start)
	return int32((to - from) / 1000)
}

func (f *contactFold) fillQueue(n uint32, out *schemas.QueueInterval) {
	r := f.queues.at(n)
	*out = schemas.QueueInterval{
		Tenant: f.set.Tenant, IntervalStart: r.start, IntervalSeconds: f.seconds(r.start),
		QueueID: f.names.ids.at(r.queue).text, QueueName: f.text(rowName{nameOfQueue, n}, r.name), Channel: f.channels.texts[r.channel],
		Offered: int64(r.counts[offered]), Answered: int64(r.counts[answered]), Abandoned: int64(r.counts[abandoned]),
		ShortAbandoned: int64(r.counts[shortAbandoned]), AnsweredInSl: int64(r.counts[answeredInSL]), AbandonedInSl: int64(r.counts[abandonedInSL]),
		TransferredOut: int64(r.counts[transferredOut]), Overflowed: int64(r.counts[overflowed]),
		WaitMs: r.wait, AbandonWaitMs: r.abandonWait, MaxWaitMs: r.maxWait, TalkMs: r.talk, HoldMs: r.hold, WrapMs: r.wrap,
		ContactMs: r.talk + r.hold, HandleMs: r.talk + r.hold + r.wrap, Backlog: int64(r.backlog), Facts: int64(r.facts),
	}
}

func (f *contactFold) fillAgentQueue(n uint32, out *schemas.AgentQueueInterval) {
	r := f.agentQueues.at(n)
	c := f.cells(n, r)
	talk, hold, wrap := c.spans[spanTalk], c.spans[spanHold], c.spans[spanWrap]
	*out = schemas.AgentQueueInterval{
		Tenant: f.set.Tenant, IntervalStart: r.start(), IntervalSeconds: f.seconds(r.start()),
		AgentID: f.names.ids.at(r.agent).text, AgentName: f.text(rowName{nameOfAgent, n}, r.agentName),
		QueueID: f.names.ids.at(r.queue).text, QueueName: f.text(rowName{nameOfAgentQueue, n}, r.queueName), Channel: f.channels.texts[r.channel],
		Answered: c.counts[countAnswered], Completed: c.counts[countCompleted], TalkMs: talk, HoldMs: hold, WrapMs: wrap,
		ContactMs: talk + hold, HandleMs: talk + hold + wrap, DirectOut: c.counts[countDirectOut], Facts: int64(r.facts),
	}
	if c.counts[countWrapKnown] == 0 {
		out.Completed = schemas.Null
	}
}

// fillAgent sums the rows of the agent and interval of an agent-queue row. It reports false where another changed row of them
// does so: the first of the list.
func (f *contactFold) fillAgent(n uint32, out *schemas.AgentInterval) bool {
	first := uint32(0)
	f.agentQueues.ofAgent(n, func(m uint32, r *agentQueueRow) bool {
		if r.dirty {
			first = m
		}
		return first == 0
	})
	if first != n {
		return false
	}
	a := f.agentQueues.at(n)
	*out = schemas.AgentInterval{
		Tenant: f.set.Tenant, IntervalStart: a.start(), IntervalSeconds: f.seconds(a.start()), AgentID: f.names.ids.at(a.agent).text,
		NotReadyByReason: out.NotReadyByReason[:0], ScheduledMs: schemas.Null, AdherentMs: schemas.Null,
	}
	f.agentQueues.ofAgent(n, func(m uint32, r *agentQueueRow) bool {
		c := f.cells(m, r)
		out.ConcurrencyMs += c.spans[spanClock]
		out.DirectOut += c.counts[countDirectOut]
		out.Facts += int64(r.facts)
		if r.facts > 0 {
			out.AgentName = max(out.AgentName, f.text(rowName{nameOfAgent, m}, r.agentName))
		}
		return true
	})
	return true
}
