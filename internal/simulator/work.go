package simulator

import (
	"cmp"
	"fmt"
	"slices"
)

// work lets contacts arrive over the day, busiest before noon, and hands each to the agent who is free first.
func (d *Day) work() {
	arrivals := make([]*Contact, 0, d.Options.Contacts)
	for n := range d.Options.Contacts {
		at := int64((12.5 + 2.4*d.rand.NormFloat64()) * float64(hour))
		arrivals = append(arrivals, &Contact{
			Interaction: fmt.Sprintf("%si%06d", d.Prefix, n+1), Segment: 1, Queue: d.rand.IntN(len(d.Queues)), Direction: "inbound",
			Offered: d.whole(min(max(at, 7*hour+d.rand.Int64N(hour)), 20*hour)), Answered: -1, Ended: -1, WrapEnd: -1,
		})
	}
	byArrival := func(a, b *Contact) int {
		return cmp.Or(cmp.Compare(a.Offered, b.Offered), cmp.Compare(a.Interaction, b.Interaction))
	}
	slices.SortFunc(arrivals, byArrival)
	for len(arrivals) > 0 {
		c := arrivals[0]
		arrivals = arrivals[1:]
		d.Contacts = append(d.Contacts, c)
		if next := d.handle(c); next != nil {
			at, _ := slices.BinarySearchFunc(arrivals, next, byArrival)
			arrivals = slices.Insert(arrivals, at, next)
		}
	}
}

// exponential is a random stretch with the given mean, in milliseconds.
func (d *Day) exponential(mean int64) int64 { return int64(d.rand.ExpFloat64() * float64(mean)) }

// handle says how a contact went, and returns the segment that a transfer or an overflow started.
func (d *Day) handle(c *Contact) (next *Contact) {
	q := d.Queues[c.Queue]
	talk, wrap, patience := 30*second+d.exponential(150*second), 5*second+d.exponential(25*second), 2*second+d.exponential(3*minute)
	if q.digital() {
		talk, wrap, patience = minute+d.exponential(9*minute), d.exponential(40*second), 3*minute+d.exponential(d.Patience.Milliseconds())
	}
	talk, wrap, patience = d.whole(talk), d.whole(wrap), d.whole(patience)
	agent, hand, at := d.seek(c, patience, talk+wrap)
	if agent == nil {
		c.Ended, c.Outcome = c.Offered+patience, "abandoned"
		switch roll := d.rand.IntN(20); {
		case roll == 0 && !q.digital():
			c.Outcome = "voicemail"
		case roll < 3:
			c.Outcome = "overflowed"
			return d.segment(c)
		}
		return nil
	}
	c.Agent, c.Answered, c.Ended, c.Outcome = agent, at, at+talk, "handled"
	c.WrapEnd = c.Ended + wrap
	if !q.digital() && d.rand.IntN(5) == 0 {
		c.Hold = d.whole(d.rand.Int64N(talk / 2))
	}
	agent.free[hand] = c.WrapEnd
	agent.busy = append(agent.busy, activity{c.Answered, c.Ended, c.WrapEnd})
	if d.rand.IntN(25) == 0 && c.Ended < 22*hour {
		c.Outcome = "transferred"
		return d.segment(c)
	}
	return nil
}

// segment is the visit to another queue of the same kind that follows c.
func (d *Day) segment(c *Contact) *Contact {
	for {
		q := d.rand.IntN(len(d.Queues))
		if d.Queues[q].Channel == d.Queues[c.Queue].Channel {
			return &Contact{
				Interaction: c.Interaction, Segment: c.Segment + 1, Queue: q, Direction: "inbound",
				Offered: c.Ended, Answered: -1, Ended: -1, WrapEnd: -1,
			}
		}
	}
}

// seek finds the hand that is free first among the agents of the queue, before patience ends.
func (d *Day) seek(c *Contact, patience, length int64) (agent *Agent, hand int, at int64) {
	at = c.Offered + patience
	for _, a := range d.Agents {
		if !slices.Contains(a.queues, c.Queue) {
			continue
		}
		for h := range a.free {
			if t := a.ready(h, c.Offered+second); t < at && t+length < a.to {
				agent, hand, at = a, h, t
			}
		}
	}
	return agent, hand, at
}

// ready is when the agent's hand can answer, at the earliest at the instant given: after what it does, and outside breaks.
func (a *Agent) ready(h int, at int64) int64 {
	at = max(at, a.free[h])
	for _, b := range a.breaks {
		if at >= b.from-5*minute && at < b.to {
			at = b.to
		}
	}
	return at
}

// callOut adds direct calls that agents make themselves, in the time they are free at the end of their shift.
func (d *Day) callOut() {
	for n, a := range d.Agents {
		if a.digital || n%3 != 0 {
			continue
		}
		for k := range 2 {
			from := a.ready(0, a.free[0]+minute)
			end := d.whole(from + minute + d.exponential(2*minute))
			if end >= a.to {
				break
			}
			d.Contacts = append(d.Contacts, &Contact{
				Interaction: fmt.Sprintf("%so%s-%d", d.Prefix, a.ID, k+1), Segment: 1, Queue: -1, Agent: a, Direction: "outbound", Outcome: "handled",
				Offered: from, Answered: from, Ended: end, WrapEnd: -1,
			})
			a.free[0] = end
			a.busy = append(a.busy, activity{from, end, end})
		}
	}
}

// live turns what the agent did into state changes. While several chats run, the agent is on a contact as long as any is; wrap-up
// shows only where no contact is on.
func (a *Agent) live() {
	edges := []int64{a.from, a.to}
	for _, b := range a.busy {
		edges = append(edges, b.from, b.end, b.wrapEnd)
	}
	for i, b := range a.breaks {
		for _, w := range a.busy { // a break starts when the work at hand is done
			if w.from < b.to && w.wrapEnd > b.from {
				b.from = max(b.from, w.wrapEnd)
			}
		}
		a.breaks[i] = b
		if b.from < b.to && b.from >= a.from && b.to <= a.to {
			edges = append(edges, b.from, b.to)
		}
	}
	slices.Sort(edges)
	for _, at := range slices.Compact(edges) {
		s := a.doing(at)
		if n := len(a.States); n == 0 || a.States[n-1].State != s.State || a.States[n-1].Reason != s.Reason {
			a.States = append(a.States, s)
		}
	}
}

func (a *Agent) doing(at int64) State {
	s := State{At: at, State: "available"}
	if at >= a.to {
		return State{At: at, State: "logged_out"}
	}
	for _, b := range a.breaks {
		if at >= b.from && at < b.to && b.to <= a.to {
			s.State, s.Reason = "not_ready", b.reason
		}
	}
	for _, b := range a.busy {
		switch {
		case at >= b.from && at < b.end:
			return State{At: at, State: "on_contact"}
		case at >= b.end && at < b.wrapEnd:
			s.State, s.Reason = "wrap", ""
		}
	}
	return s
}
