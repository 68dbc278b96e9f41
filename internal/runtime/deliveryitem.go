package runtime

import (
	"context"
	"errors"
	"strings"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/transform"
)

// redriveHeader names, on a record that was written again, the sink that it is for.
const redriveHeader = "redrive"

// item makes what a lane takes of a record; ok is false where a record is not for this sink. A fact that cannot be decoded is the
// transform's to dead-letter.
func (l *lane) item(ctx context.Context, r *broker.Record) (i delivery.Item, ok bool, err error) {
	for _, h := range r.Headers {
		if h.Key == redriveHeader {
			if !l.p.leadsTo(&l.sink, string(h.Value)) {
				return i, false, nil
			}
			i.Again = true
		}
	}
	key := r.Key
	if l.assigned.Topic() == l.p.topics.rows() {
		key, _ = redriven(r.Key)
		if key, i.Zero = zeroKey(key); i.Zero && !l.zeros {
			return i, false, nil
		}
		if over, err := l.overtaken(ctx, r, key, i.Zero && !i.Again); over || err != nil {
			return i, false, err
		}
	}
	ok, err = l.items.fill(&i, r, key)
	return i, ok, err
}

// items makes items of the records of a topic.
type items struct {
	reader *reader
	rows   bool // the topic is that of the rows
}

// fill is false for a record that is none of those that are delivered. key is that of the row, where it is one.
func (l *items) fill(i *delivery.Item, r *broker.Record, key []byte) (ok bool, err error) {
	e, payload, err := l.reader.open(append([]byte(nil), r.Value...)) // the item keeps the strings
	if err == nil {
		ok, err = l.decode(i, r, key, e, payload)
	}
	if err != nil && !l.rows && !errors.Is(err, errAway) {
		return false, nil
	}
	return ok, err
}

func (l *items) decode(i *delivery.Item, r *broker.Record, key []byte, e entry, payload []byte) (ok bool, err error) {
	switch e.kind {
	case queueKind:
		i.Queue = new(schemas.QueueInterval)
		if err = decode(e, payload, i.Queue); err == nil {
			q := i.Queue
			return true, l.row(i, key, q.Tenant, q.IntervalStart, q.IntervalSeconds, q.Revision, q.Final)
		}
	case agentQueueKind:
		i.AgentQueue = new(schemas.AgentQueueInterval)
		if err = decode(e, payload, i.AgentQueue); err == nil {
			q := i.AgentQueue
			return true, l.row(i, key, q.Tenant, q.IntervalStart, q.IntervalSeconds, q.Revision, q.Final)
		}
	case agentKind:
		i.Agent = new(schemas.AgentInterval)
		if err = decode(e, payload, i.Agent); err == nil {
			q := i.Agent
			return true, l.row(i, key, q.Tenant, q.IntervalStart, q.IntervalSeconds, q.Revision, q.Final)
		}
	case contactKind:
		i.Contact = new(schemas.Contact)
		if err = decode(e, payload, i.Contact); err == nil {
			c := i.Contact
			fact(i, r, c.Tenant, c.OfferedAt, c.Revision, "contact", c.Source, c.InteractionID, c.Segment)
			return true, nil
		}
	case agentStateKind:
		i.AgentState = new(schemas.AgentState)
		if err = decode(e, payload, i.AgentState); err == nil {
			s := i.AgentState
			fact(i, r, s.Tenant, s.StartedAt, s.Revision, "agent_state", s.Source, s.AgentID, s.StateID)
			return true, nil
		}
	case workerKind:
		i.Worker = new(schemas.Worker)
		if err = decode(e, payload, i.Worker); err == nil {
			w := i.Worker
			fact(i, r, w.Tenant, schemas.Null, w.Revision, "worker", w.Source, w.WorkerID)
			return true, nil
		}
	}
	return false, err
}

func (l *items) row(i *delivery.Item, rowKey []byte, tenant string, start int64, seconds int32, revision int64, final bool) error {
	key, err := transform.DecodeKey(rowKey)
	if err != nil {
		return err
	}
	i.Key, i.Tenant, i.Start, i.Seconds, i.Revision, i.Final = transform.FormatKey(key), tenant, start, int(seconds), revision, final
	return nil
}

// plain keeps the parts of a key apart.
var plain = strings.NewReplacer("%", "%25", "/", "%2F")

// fact names a fact by its identity. Its revision is the place in the log, which tells corrections of the same revision apart too.
func fact(i *delivery.Item, r *broker.Record, tenant string, at, _ int64, identity ...string) {
	i.Tenant, i.Revision, i.Final = tenant, r.Offset+1, true
	i.Key = identity[0] + "/" + plain.Replace(tenant)
	for _, part := range identity[1:] {
		i.Key += "/" + plain.Replace(part)
	}
	i.Start = r.Time.UnixMilli()
	if at != schemas.Null {
		i.Start = at
	}
}
