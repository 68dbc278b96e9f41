package file

import (
	"bytes"
	"cmp"

	"github.com/parquet-go/parquet-go"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

var kinds = []string{"queue_interval", "agent_queue_interval", "agent_interval", "contact", "agent_state", "worker"}

// identity says by which fields a kind's rows are told apart, and by which they are in order.
type identity struct {
	plural string
	fields []string // the key, without the instant where the instant is part of it
	at     []string // the instant; none: rows are in the order of the key
	moves  bool     // the instant is no part of the key: a correction may move the row
}

var identities = map[string]identity{
	"queue_interval":       {"queue_intervals", []string{"tenant", "queue_id", "channel"}, []string{"interval_start"}, false},
	"agent_queue_interval": {"agent_queue_intervals", []string{"tenant", "agent_id", "queue_id", "channel"}, []string{"interval_start"}, false},
	"agent_interval":       {"agent_intervals", []string{"tenant", "agent_id"}, []string{"interval_start"}, false},
	"contact":              {"contacts", []string{"tenant", "source", "interaction_id", "segment"}, []string{"offered_at"}, true},
	"agent_state":          {"agent_states", []string{"tenant", "source", "agent_id", "state_id"}, []string{"started_at"}, true},
	"worker":               {"workers", []string{"tenant", "source", "worker_id"}, nil, false},
}

// row is one record of a file.
type row struct {
	at       int64  // milliseconds since 1970, UTC; schemas.Null where absent, which is first
	key      []byte // the fields of the key, with a zero byte after each
	revision int64
	line     []byte      // csv, jsonl: as in the file, with its end
	values   parquet.Row // parquet
}

// compare orders rows by time and key.
func (r *row) compare(other *row) int {
	return cmp.Or(cmp.Compare(r.at, other.at), bytes.Compare(r.key, other.key))
}

// same says whether rows are equal to the last bit.
func (r *row) same(other *row) bool {
	return r.revision == other.revision && bytes.Equal(r.line, other.line) && r.values.Equal(other.values)
}

// kindOf is the kind of an item.
func kindOf(i *delivery.Item) string {
	switch {
	case i.Queue != nil:
		return "queue_interval"
	case i.AgentQueue != nil:
		return "agent_queue_interval"
	case i.Agent != nil:
		return "agent_interval"
	case i.Contact != nil:
		return "contact"
	case i.AgentState != nil:
		return "agent_state"
	default:
		return "worker"
	}
}

// instant is when an item happened, which says in which day's file it is.
func instant(i *delivery.Item) int64 {
	if c := i.Contact; c != nil {
		for _, at := range []int64{c.OfferedAt, c.AnsweredAt, c.EndedAt, c.WrapEndedAt} {
			if at != schemas.Null {
				return at
			}
		}
	}
	return i.Start
}
