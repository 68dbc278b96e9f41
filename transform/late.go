package transform

import (
	"github.com/quarterhour/quarterhour/schemas"
)

// late holds back a contact that would change final rows, where the pipeline's late policy says so: what it adds to the intervals
// that its source's mark has made final must be what the revision before it adds.
func (f *contactFold) late(n uint32, c *schemas.Contact, t times, mark int64) Result {
	if mark == schemas.Null {
		return Result{}
	}
	open := f.set.grid.Start(mark - f.set.grace) // every interval before this one is final
	var before, after contribution
	if n != 0 {
		if r := f.contacts.at(n); !r.retracted() {
			before = f.contribution(r, f.times(n), mark)
		}
	}
	if !c.Retracted {
		r := contact{
			queue: f.names.use(c.QueueID, c.QueueName), agent: f.names.use(c.AgentID, c.AgentName),
			flags: uint16(c.Direction)&directionMask | uint16(c.Outcome)&outcomeMask<<outcomeShift,
		}
		defer f.names.release(r.queue)
		defer f.names.release(r.agent)
		after = f.contribution(&r, t, mark)
	}
	if n != 0 && f.channel(f.contacts.at(n)) != c.Channel {
		before.channel++
	}
	from := int64(maxInstant)
	for _, x := range []*contribution{&before, &after} {
		if x.counts {
			from = min(from, x.visit.first)
		}
	}
	for at := max(from, f.horizon); at < open; {
		start, end := f.set.grid.Bounds(at)
		if before.in(f, start, end) != after.in(f, start, end) {
			return held(f.set.Late, start, open)
		}
		at = end
	}
	return Result{}
}

// contribution is what a contact would add to rows.
type contribution struct {
	counts       bool
	visit        visit
	queue, agent uint32
	channel      int
}

func (f *contactFold) contribution(c *contact, t times, mark int64) contribution {
	x := contribution{counts: true, queue: c.queue, agent: c.agent}
	f.visitOf(&x.visit, c, t, mark)
	return x
}

// added is what a contact adds to the rows of one interval, and which rows they are; zero where it adds nothing.
type added struct {
	queue, agent uint32
	channel      int
	toQueue      struct {
		counts                                       [waitMs]int32
		backlog                                      int32
		wait, abandonWait, maxWait, talk, hold, wrap int64
	}
	toAgent struct {
		answered, completed, directOut int32
		talk, hold, wrap, concurrency  int64
		wrapKnown                      bool
	}
}

func (x *contribution) in(f *contactFold, start, end int64) (a added) {
	if !x.counts {
		return a
	}
	c := &f.cell
	x.visit.cell(c, &f.set.rules, start, end)
	if c.queue {
		a.queue, a.channel = x.queue, x.channel
		q := &a.toQueue
		q.counts, q.backlog, q.wait, q.abandonWait, q.maxWait = c.counts, c.backlog, c.wait, c.abandonWait, c.maxWait
		q.talk, q.hold, q.wrap = c.talk, c.hold, c.wrap
	}
	if c.agentQueue {
		a.queue, a.agent, a.channel = x.queue, x.agent, x.channel
		q := &a.toAgent
		q.answered, q.completed, q.directOut, q.wrapKnown = c.answered, c.completed, c.directOut, x.visit.wrapKnown
		q.talk, q.hold, q.wrap, q.concurrency = c.talk, c.hold, c.wrap, c.concurrency
	}
	return a
}

func held(policy string, from, open int64) Result {
	reason := ReasonLateSide
	if policy == LateDrop {
		reason = ReasonLateDrop
	}
	return Result{Outcome: TooLate, Reason: reason, a: from, b: open}
}
