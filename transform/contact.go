package transform

import (
	"cmp"
	"math"

	"github.com/quarterhour/quarterhour/schemas"
)

// times are the instants and durations of a contact as its source gave them; schemas.Null where absent.
type times struct{ offered, answered, ended, wrapEnded, talk, hold, wrap int64 }

func timesOf(c *schemas.Contact) times {
	return times{c.OfferedAt, c.AnsweredAt, c.EndedAt, c.WrapEndedAt, c.TalkMs, c.HoldMs, c.WrapMs}
}

// contact is a retained contact, 80 bytes. It keeps the whole content, so that duplicates and ties are recognised exactly:
// instants as distances from the first of them, and in wideOnes what does not fit 49 days.
type contact struct {
	id       digest
	revision int64
	base     int64     // the first instant
	short    [7]uint32 // of times, in order: 0 absent, else the distance from base (durations: from 0) plus 1

	queue, agent uint32 // pairs of names
	stream       uint16 // source and channel
	flags        uint16

	waitPrev, waitNext uint32 // other contacts whose wait counts in the same queue row
}

// The flags of a contact: the direction in the lowest two bits, then the outcome in three.
const (
	outcomeShift     = 2
	flagRetracted    = 1 << 5
	flagWide         = 1 << 6
	flagWaits        = 1 << 7 // linked into a queue row's waits
	flagDatedByMark  = 1 << 8 // a retraction without instants: base says when it came
	flagOpen         = 1 << 9 // in its source's list of open contacts
	directionMask    = 3
	outcomeMask      = 7
	maxShort         = math.MaxUint32 - 1
	maxContactSpanMs = 366 * 24 * 3600 * 1000
)

func (c *contact) direction() schemas.Direction { return schemas.Direction(c.flags & directionMask) }
func (c *contact) outcome() schemas.Outcome {
	return schemas.Outcome(c.flags >> outcomeShift & outcomeMask)
}
func (c *contact) retracted() bool { return c.flags&flagRetracted != 0 }

// offeredKind says whether contacts of the direction are offered to queues.
func (c *contact) offeredKind() bool {
	d := c.direction()
	return d == schemas.DirectionInbound || d == schemas.DirectionCallback
}

// pack stores the times, and reports whether they fit.
func (c *contact) pack(t times) bool {
	c.base = t.first()
	for i, v := range [...]int64{t.offered, t.answered, t.ended, t.wrapEnded} {
		if !c.packOne(i, v, c.base) {
			return false
		}
	}
	return c.packOne(4, t.talk, 0) && c.packOne(5, t.hold, 0) && c.packOne(6, t.wrap, 0)
}

func (c *contact) packOne(i int, v, base int64) bool {
	c.short[i] = 0
	if v == schemas.Null {
		return true
	}
	if d := v - base; d >= 0 && d < maxShort && v >= base {
		c.short[i] = uint32(d) + 1
		return true
	}
	return false
}

func (c *contact) unpackOne(i int, base int64) int64 {
	if c.short[i] == 0 {
		return schemas.Null
	}
	return base + int64(c.short[i]) - 1
}

func (c *contact) unpack() times {
	return times{
		c.unpackOne(0, c.base), c.unpackOne(1, c.base), c.unpackOne(2, c.base), c.unpackOne(3, c.base),
		c.unpackOne(4, 0), c.unpackOne(5, 0), c.unpackOne(6, 0),
	}
}

// first is the earliest instant, or Null where there is none.
func (t times) first() int64 {
	first := int64(schemas.Null)
	for _, v := range [...]int64{t.offered, t.answered, t.ended, t.wrapEnded} {
		if v != schemas.Null && (first == schemas.Null || v < first) {
			first = v
		}
	}
	return first
}

// latest is the latest instant of the source, or Null where there is none.
func (t times) latest() int64 { return max(t.offered, t.answered, t.ended, t.wrapEnded) }

// last is the end of the contact and its wrap-up, or Null where there is none.
func (t times) last() int64 {
	last := t.latest()
	if t.ended != schemas.Null && t.wrap != schemas.Null && t.wrapEnded == schemas.Null {
		last = max(last, t.ended+t.wrap)
	}
	return last
}

// compareTimes orders by the fields in the schema's order; absent is least.
func compareTimes(a, b times) int {
	return cmp.Or(cmp.Compare(a.offered, b.offered), cmp.Compare(a.answered, b.answered), cmp.Compare(a.ended, b.ended),
		cmp.Compare(a.wrapEnded, b.wrapEnded), cmp.Compare(a.talk, b.talk), cmp.Compare(a.hold, b.hold), cmp.Compare(a.wrap, b.wrap))
}

// compare orders a retained contact and a fact of the same identity: by revision, then by content, field by field in the
// schema's order. Of any two that differ one is the greater, in whatever order they come.
func (f *contactFold) compare(c *contact, t times, n *schemas.Contact) int {
	if d := cmp.Compare(c.revision, n.Revision); d != 0 {
		return d
	}
	retracted := 0
	if n.Retracted {
		retracted = flagRetracted
	}
	if d := cmp.Compare(int(c.flags&flagRetracted), retracted); d != 0 {
		return d
	}
	return cmp.Or(
		cmp.Compare(f.channel(c), n.Channel), cmp.Compare(c.direction(), n.Direction),
		cmp.Compare(f.names.id(c.queue), n.QueueID), cmp.Compare(f.names.text(c.queue), n.QueueName),
		cmp.Compare(f.names.id(c.agent), n.AgentID), cmp.Compare(f.names.text(c.agent), n.AgentName),
		compareTimes(t, timesOf(n)), cmp.Compare(c.outcome(), n.Outcome))
}
