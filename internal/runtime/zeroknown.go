package runtime

import (
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// known is which queues, agents, and agents in queues have rows in which intervals.
type known struct {
	by      map[name]*subject
	touched bool
	newest  int64 // start of the newest row, milliseconds
}

// name is what rows of zeros are about: all of a row's key but the interval.
type name struct {
	kind                              kind
	tenant, queueID, channel, agentID string
}

// subject is one of them.
type subject struct {
	name
	queueName, agentName string
	days                 map[int64]*oneDay
}

// oneDay says of each slot of 5 minutes whether a row begins there, and whether something happened in it.
type oneDay struct{ has, active slotSet }

// slotMs is the finest distance between the starts of intervals; zones move by whole multiples of it since 1985.
const (
	slotMs    = 5 * 60_000
	daySlots  = 288
	dayLength = slotMs * daySlots
	// knownFor is how long after its last row something is still taken to be there.
	knownFor = 7 * dayLength
	// keptFor is how long before the present something may arrive late and still be noticed.
	keptFor = knownFor + 2*dayLength
)

type slotSet [(daySlots + 63) / 64]uint64

func (s *slotSet) set(n int64)     { s[n/64] |= 1 << (n % 64) }
func (s *slotSet) is(n int64) bool { return s[n/64]&(1<<(n%64)) != 0 }

// take notes a row.
func (k *known) take(e entry, payload []byte, zero bool) error {
	var n name
	var start, facts int64
	var queueName, agentName string
	switch e.kind {
	case queueKind:
		var r schemas.QueueInterval
		if err := decode(e, payload, &r); err != nil {
			return err
		}
		n = name{queueKind, r.Tenant, r.QueueID, r.Channel, ""}
		start, facts, queueName = r.IntervalStart, r.Facts, r.QueueName
	case agentQueueKind:
		var r schemas.AgentQueueInterval
		if err := decode(e, payload, &r); err != nil {
			return err
		}
		n = name{agentQueueKind, r.Tenant, r.QueueID, r.Channel, r.AgentID}
		start, facts, queueName, agentName = r.IntervalStart, r.Facts, r.QueueName, r.AgentName
	case agentKind:
		var r schemas.AgentInterval
		if err := decode(e, payload, &r); err != nil {
			return err
		}
		n = name{agentKind, r.Tenant, "", "", r.AgentID}
		start, facts, agentName = r.IntervalStart, r.Facts, r.AgentName
	default:
		return errNoRow
	}
	t := k.subject(n)
	if !zero {
		t.queueName, t.agentName = renamed(t.queueName, queueName), renamed(t.agentName, agentName)
		k.newest = max(k.newest, start)
	}
	d := t.days[start/dayLength]
	if d == nil {
		d = &oneDay{}
		t.days[start/dayLength] = d
	}
	slot := start % dayLength / slotMs
	d.has.set(slot)
	if facts > 0 && !zero {
		d.active.set(slot)
	}
	return nil
}

// renamed is a name that outlives the record it was read from.
func renamed(old, now string) string {
	if now == "" || now == old {
		return old
	}
	return strings.Clone(now)
}

func (k *known) subject(n name) *subject {
	t := k.by[n]
	if t == nil {
		n.tenant, n.queueID, n.channel, n.agentID = strings.Clone(n.tenant), strings.Clone(n.queueID), strings.Clone(n.channel), strings.Clone(n.agentID)
		if k.by == nil {
			k.by = map[name]*subject{}
		}
		t = &subject{name: n, days: map[int64]*oneDay{}}
		k.by[n] = t
	}
	return t
}

// missing lists the intervals that end by the instant and have no row, of all that was known then, and forgets what is too old to
// matter.
func (k *known) missing(grid *transform.Grid, through int64, each func(t *subject, start, end int64)) {
	for n, t := range k.by {
		t.missing(grid, through, each)
		for d := range t.days {
			if (d+1)*dayLength < through-keptFor {
				delete(t.days, d)
			}
		}
		if len(t.days) == 0 {
			delete(k.by, n)
		}
	}
}

func (t *subject) missing(grid *transform.Grid, through int64, each func(t *subject, start, end int64)) {
	first := int64(0)
	for d := range t.days {
		if first == 0 || d < first {
			first = d
		}
	}
	alive := int64(0) // until when it is known
	for _, start := range grid.Starts(first*dayLength, through) {
		d := t.days[start/dayLength]
		slot := start % dayLength / slotMs
		switch {
		case d != nil && d.active.is(slot):
			alive = start + knownFor
		case d != nil && d.has.is(slot):
		case start <= alive:
			if _, end := grid.Bounds(start); end <= through {
				if d == nil {
					d = &oneDay{}
					t.days[start/dayLength] = d
				}
				d.has.set(slot) // it is written, or all begins anew
				each(t, start, end)
			}
		}
	}
}

// zeroRow is a row of zeros.
type zeroRow struct {
	queue      *schemas.QueueInterval
	agentQueue *schemas.AgentQueueInterval
	agent      *schemas.AgentInterval
}

func (t *subject) row(start int64, seconds int32) zeroRow {
	switch t.kind {
	case queueKind:
		return zeroRow{queue: &schemas.QueueInterval{
			Tenant: t.tenant, IntervalStart: start, IntervalSeconds: seconds, QueueID: t.queueID, QueueName: t.queueName, Channel: t.channel, Final: true,
		}}
	case agentQueueKind:
		return zeroRow{agentQueue: &schemas.AgentQueueInterval{
			Tenant: t.tenant, IntervalStart: start, IntervalSeconds: seconds, AgentID: t.agentID, AgentName: t.agentName, QueueID: t.queueID,
			QueueName: t.queueName, Channel: t.channel, Completed: schemas.Null, Final: true,
		}}
	default:
		return zeroRow{agent: &schemas.AgentInterval{
			Tenant: t.tenant, IntervalStart: start, IntervalSeconds: seconds, AgentID: t.agentID, AgentName: t.agentName, ScheduledMs: schemas.Null,
			AdherentMs: schemas.Null, Final: true,
		}}
	}
}

func (z zeroRow) key(dst []byte) []byte {
	switch {
	case z.queue != nil:
		return transform.AppendQueueKey(dst, z.queue)
	case z.agentQueue != nil:
		return transform.AppendAgentQueueKey(dst, z.agentQueue)
	default:
		return transform.AppendAgentKey(dst, z.agent)
	}
}

func (z zeroRow) value(w *writers) []byte {
	switch {
	case z.queue != nil:
		return w.queue.append(nil, z.queue)
	case z.agentQueue != nil:
		return w.agentQueue.append(nil, z.agentQueue)
	default:
		return w.agent.append(nil, z.agent)
	}
}

// takeComplete notes how far a partition says that rows are complete.
func (f *filling) takeComplete(partition int, e entry, payload []byte) error {
	var c schemas.Completeness
	if err := decode(e, payload, &c); err != nil {
		return err
	}
	if c.CompleteThrough != schemas.Null {
		f.complete[partition] = max(f.complete[partition], c.CompleteThrough)
	}
	return nil
}
