package books

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// gather reads the facts of a shard that can be about the row, all their revisions, and the marks, in the order of the log.
func (e *explaining) gather(ctx context.Context, s runtime.ShardLog) ([]logged, error) {
	keys, of := map[string]bool{}, map[string]bool{}
	err := e.l.ReadFacts(ctx, s, s.First, s.Committed, nil, func(m *runtime.FactMessage) error {
		if id, ok := e.about(m); ok {
			keys[string(m.Key)] = true
			of[id] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var found []logged
	err = e.l.ReadFacts(ctx, s, s.First, s.Committed, func(key []byte) bool {
		_, rest, _ := cutZero(key)
		return keys[string(key)] || strings.HasPrefix(string(rest), markKey)
	}, func(m *runtime.FactMessage) error {
		if m.Mark != nil || of[identityOf(m.Contact, m.State, m.Shift)] {
			found = append(found, keep(m))
		}
		return nil
	})
	return found, err
}

// identityOf tells facts apart, as a source does.
func identityOf(c *schemas.Contact, s *schemas.AgentState, sh *schemas.Shift) string {
	switch {
	case c != nil:
		return "c\x00" + c.Source + "\x00" + c.InteractionID + "\x00" + c.Segment
	case s != nil:
		return fmt.Sprintf("s\x00%x", transform.StateIdentity(s))
	case sh != nil:
		return fmt.Sprintf("s\x00%x", transform.ShiftIdentity(sh))
	}
	return ""
}

// about says whether a revision of a fact can contribute to the row, were it the newest. Of agents every state and shift is
// taken, since one may end another.
func (e *explaining) about(m *runtime.FactMessage) (identity string, ok bool) {
	k := e.key
	switch c := m.Contact; {
	case c != nil:
		first, last := span(c)
		ok = first < e.end && last >= e.start && c.Tenant == k.Tenant
		if k.Kind != transform.KindAgent {
			ok = ok && c.QueueID == k.QueueID && c.Channel == k.Channel
		}
		if k.Kind != transform.KindQueue {
			ok = ok && c.AgentID == k.AgentID
		}
	case m.State != nil:
		ok = m.State.AgentID == k.AgentID && m.State.Tenant == k.Tenant
	case m.Shift != nil:
		ok = m.Shift.AgentID == k.AgentID && m.Shift.Tenant == k.Tenant
	}
	if !ok {
		return "", false
	}
	return identityOf(m.Contact, m.State, m.Shift), true
}

// span is the widest stretch that a contact may count in.
func span(c *schemas.Contact) (first, last int64) {
	first, last = math.MaxInt64, math.MinInt64
	for _, ms := range [...]int64{c.OfferedAt, c.AnsweredAt, c.EndedAt, c.WrapEndedAt} {
		if ms != schemas.Null {
			first, last = min(first, ms), max(last, ms)
		}
	}
	for _, ms := range [...]int64{c.WrapMs, c.TalkMs, c.HoldMs} {
		if ms > 0 && last != math.MinInt64 {
			last += ms
		}
	}
	if c.EndedAt == schemas.Null && c.WrapEndedAt == schemas.Null {
		last = math.MaxInt64 // it goes on to the mark
	}
	return first, last
}
