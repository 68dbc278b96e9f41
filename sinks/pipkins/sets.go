package pipkins

import (
	"iter"
	"maps"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// standard is what a set is where a user says nothing else.
type standard struct {
	option  string // in sets
	name    string
	columns [][2]string
}

// The names are those of the common interval feeds: they are no layout of Pipkins'.
var defaults = map[string]standard{
	"queue_interval": {"queue", "queue", [][2]string{
		{"intervalStartDateTime", "interval_start"}, {"queueId", "queue_id"}, {"queueName", "queue_name"}, {"offeredContacts", "offered"},
		{"answeredContacts", "answered"}, {"contactTime", "contact_ms"},
	}},
	"agent_queue_interval": {"agent_queue", "agentqueue", [][2]string{
		{"intervalStartDateTime", "interval_start"}, {"queueId", "queue_id"}, {"queueName", "queue_name"}, {"agentId", "agent_id"}, {"agentName", "agent_name"},
		{"contactTime", "contact_ms"}, {"answeredContacts", "answered"}, {"completedContacts", "completed"},
	}},
	"agent_interval": {"agent", "agent", [][2]string{
		{"intervalStartDateTime", "interval_start"}, {"agentId", "agent_id"}, {"agentName", "agent_name"}, {"loginTime", "login_ms"}, {"directOutContacts", "direct_out"},
	}},
}

func (s *Sets) of(kind string) *Set {
	switch kind {
	case "queue_interval":
		return &s.Queue
	case "agent_queue_interval":
		return &s.AgentQueue
	default:
		return &s.Agent
	}
}

func (s *Set) columns(kind string) spec.Exprs {
	if len(s.Columns) > 0 {
		return s.Columns
	}
	var list spec.Exprs
	for _, c := range defaults[kind].columns {
		list = append(list, spec.NamedExpr{Name: c[0], Expr: spec.Expr{Source: c[1]}})
	}
	return list
}

// where is which rows are in the files: what agents handle outside of queues is in no queue's.
func (s *Set) where(kind string) spec.Expr {
	if s.Where.Source == "" && kind == "agent_queue_interval" {
		return spec.Expr{Source: `queue_id != ""`}
	}
	return s.Where
}

func (s *Set) name(kind string) string {
	if s.Name != "" {
		return s.Name
	}
	return defaults[kind].name
}

func keys(m map[string]bool) iter.Seq[string] { return maps.Keys(m) }
