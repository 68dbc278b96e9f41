package transform

import (
	"math"

	"github.com/quarterhour/quarterhour/schemas"
)

// late holds back a fact that would change final rows, where the pipeline's late policy says so: the first instant from which
// it changes anything must not lie in an interval that its source's mark has made final.
func (f *contactFold) late(n uint32, c *schemas.Contact, t times, mark int64) Result {
	if mark == schemas.Null {
		return Result{}
	}
	open := f.set.grid.Start(mark - f.set.grace) // every interval before this one is final
	from := t.first()
	switch {
	case n != 0 && !f.contacts.at(n).retracted():
		from = f.changedFrom(n, c, t)
	case c.Retracted:
		return Result{}
	}
	return held(f.set.Late, from, open)
}

func held(policy string, from, open int64) Result {
	if from >= open {
		return Result{}
	}
	reason := ReasonLateSide
	if policy == LateDrop {
		reason = ReasonLateDrop
	}
	return Result{Outcome: TooLate, Reason: reason, a: from, b: open}
}

// changedFrom is the first instant from which a correction changes what a contact contributes.
func (f *contactFold) changedFrom(n uint32, c *schemas.Contact, t times) int64 {
	r := f.contacts.at(n)
	old, _, _ := inOrder(f.times(n), f.set.skew)
	if c.Retracted {
		return old.first()
	}
	if f.names.id(r.queue) != c.QueueID || f.names.id(r.agent) != c.AgentID || f.channel(r) != c.Channel || r.direction() != c.Direction {
		return min(old.first(), t.first())
	}
	from := int64(math.MaxInt64)
	changed := func(differ bool, instants ...int64) {
		for _, ms := range instants {
			if differ && ms != schemas.Null {
				from = min(from, ms)
			}
		}
	}
	changed(old.offered != t.offered, old.offered, t.offered)
	changed(old.answered != t.answered, old.answered, t.answered)
	changed(old.ended != t.ended, old.ended, t.ended)
	changed(old.wrapEnded != t.wrapEnded, old.wrapEnded, t.wrapEnded)
	changed(old.wrap != t.wrap || r.outcome() != c.Outcome, old.ended, t.ended)
	changed(old.talk != t.talk || old.hold != t.hold, old.answered, t.answered)
	return from
}
