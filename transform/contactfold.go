package transform

import (
	"math"

	"github.com/quarterhour/quarterhour/schemas"
)

// contactFold is the state of a shard of contacts.
type contactFold struct {
	rowTables
	set      *settings
	sources  *sources
	channels words
	contacts table[contact, digest]
	wideOnes map[uint32]times // of contacts whose times do not fit
	streams  []stream
	openAt   map[uint32]int // where open contacts are in their source's list
	noID     uint32         // the symbol of the empty id
	horizon  int64          // intervals before it are closed for good
	counts   *Counts
	saving   *saving // a snapshot under way, or nil

	visit visit // working memory of contribute
	cell  cell
}

// stream is a channel of a source.
type stream struct{ source, channel uint16 }

func (f *contactFold) channel(c *contact) string {
	return f.channels.texts[f.streams[c.stream].channel]
}

// streamOf finds the number of a stream; there are few.
func (f *contactFold) streamOf(source, channel uint16) (uint16, bool) {
	s := stream{source, channel}
	for i := range f.streams {
		if f.streams[i] == s {
			return uint16(i), true
		}
	}
	if len(f.streams) == maxWords {
		return 0, false
	}
	f.streams = append(f.streams, s)
	return uint16(len(f.streams) - 1), true
}

func newContactFold(set *settings, s *sources, counts *Counts) *contactFold {
	n := newNames(set.limits)
	f := &contactFold{rowTables: newRowTables(n), set: set, sources: s, horizon: math.MinInt64, counts: counts, openAt: map[uint32]int{}}
	f.noID = n.sym(n.use("", ""))
	f.contacts.hash = func(d digest) uint64 { return d[0] }
	f.contacts.key = func(c *contact) digest { return c.id }
	return f
}

func (f *contactFold) times(n uint32) times {
	if c := f.contacts.at(n); c.flags&flagWide == 0 {
		return c.unpack()
	}
	return f.wideOnes[n]
}

// fold takes one revision of a contact.
func (f *contactFold) fold(c *schemas.Contact, arrived int64) Result {
	if c.InteractionID == "" {
		return rejected(ReasonNoIdentity, "interaction_id", 0)
	}
	t, moved := timesOf(c), 0
	if !c.Retracted {
		var r Result
		if t, moved, r = checkContact(t, f.set.skew, arrived); r.Outcome != Applied {
			return r
		}
	}
	source, ok := f.sources.find(c.Source, false)
	if !ok {
		return rejected(ReasonTooManyWords, "source", 0)
	}
	src := &f.sources.all[source]
	id := src.seed.add(c.InteractionID).add(c.Segment)
	n := f.contacts.find(id)
	if n != 0 {
		switch d := f.compare(f.contacts.at(n), f.times(n), c); {
		case d > 0:
			return Result{Outcome: Superseded}
		case d == 0:
			return Result{Outcome: Duplicate}
		}
	} else if last := t.last(); last != schemas.Null && last < f.horizon {
		return Result{Outcome: TooLate, Reason: ReasonRetention, a: last, b: f.horizon}
	}
	if f.set.Late == LateSide || f.set.Late == LateDrop {
		if r := f.late(n, c, t, src.mark); r.Outcome != Applied {
			return r
		}
	}
	channel, ok := f.channels.number(c.Channel)
	stream, also := f.streamOf(uint16(source), channel)
	if !ok || !also {
		return rejected(ReasonTooManyWords, "channel", 0)
	}
	f.apply(n, id, src, stream, c, arrived)
	f.counts.Skewed += int64(moved)
	return Result{}
}

// apply puts a revision in place of the one before, if any.
func (f *contactFold) apply(n uint32, id digest, src *source, stream uint16, c *schemas.Contact, arrived int64) {
	queue, agent := f.names.use(c.QueueID, c.QueueName), f.names.use(c.AgentID, c.AgentName)
	if n != 0 {
		f.saving.before(n)
		f.takeBack(n, src)
	} else {
		n = f.contacts.add()
		f.contacts.at(n).id = id
		f.contacts.enter(n)
	}
	r := f.contacts.at(n)
	r.revision, r.queue, r.agent, r.stream = c.Revision, queue, agent, stream
	r.flags = uint16(c.Direction)&directionMask | uint16(c.Outcome)&outcomeMask<<outcomeShift
	t := timesOf(c)
	if !r.pack(t) {
		r.flags |= flagWide
		if f.wideOnes == nil {
			f.wideOnes = map[uint32]times{}
		}
		f.wideOnes[n] = t
	}
	if c.Retracted {
		r.flags |= flagRetracted
		if t.first() == schemas.Null {
			r.flags |= flagDatedByMark
			r.base = max(arrived, src.mark, f.horizon)
		}
		return
	}
	f.contribute(n, src.mark, math.MinInt64, 1)
	if t.ended == schemas.Null && t.wrapEnded == schemas.Null {
		f.openAt[n] = len(src.open)
		src.open = append(src.open, n)
		r.flags |= flagOpen
	}
}

// takeBack removes everything that follows from a retained contact, but for its place.
func (f *contactFold) takeBack(n uint32, src *source) {
	r := f.contacts.at(n)
	if !r.retracted() {
		f.contribute(n, src.mark, math.MinInt64, -1)
	}
	if r.flags&flagOpen != 0 {
		last := src.open[len(src.open)-1]
		src.open[f.openAt[n]], f.openAt[last] = last, f.openAt[n]
		src.open = src.open[:len(src.open)-1]
		delete(f.openAt, n)
	}
	if r.flags&flagWide != 0 {
		delete(f.wideOnes, n)
	}
	f.names.release(r.queue)
	f.names.release(r.agent)
}

// advance lets the open contacts of a source go on to a new mark. Only the intervals from the old mark on change.
func (f *contactFold) advance(src *source, mark int64) {
	for _, n := range src.open {
		if f.times(n).first() >= mark {
			continue // it begins beyond the mark, and counts no more than before
		}
		f.contribute(n, src.mark, src.mark, -1)
		f.contribute(n, mark, src.mark, 1)
	}
}

// moveHorizon closes the intervals before it for good.
func (f *contactFold) moveHorizon(horizon int64) {
	for _, n := range f.dirtyQueues {
		f.refresh(f.queues.at(n)) // contacts of closed rows are no longer kept in their lists
	}
	f.horizon = horizon
}

// sweep frees what is before the horizon.
func (f *contactFold) sweep() {
	f.contacts.each(func(n uint32, c *contact) {
		if last := f.lastOf(n, c); c.flags&flagOpen == 0 && last < f.horizon {
			f.saving.before(n)
			f.names.release(c.queue)
			f.names.release(c.agent)
			delete(f.wideOnes, n)
			f.contacts.remove(n)
		}
	})
	f.rowTables.sweep(f.horizon)
}

func (f *contactFold) lastOf(n uint32, c *contact) int64 {
	if c.flags&flagDatedByMark != 0 {
		return c.base
	}
	return f.times(n).last()
}
