package script

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// The measures of the kinds of row, from the records themselves, so that a new measure can be named at once.
var (
	keyFields       = []string{"tenant", "interval_start", "interval_seconds", "agent_id", "agent_name", "queue_id", "queue_name", "channel", "final", "revision"}
	queueFields     = fieldsOf(schemas.QueueInterval{}, keyFields...)
	agentFields     = fieldsOf(schemas.AgentInterval{}, keyFields...)
	agentQueueField = fieldsOf(schemas.AgentQueueInterval{}, keyFields...)

	measuresOf = map[string][]field{transform.KindQueue: queueFields, transform.KindAgent: agentFields, transform.KindAgentQueue: agentQueueField}
)

// The measures that are no field of a record.
const (
	partPrefix  = "not_ready." // not_ready.lunch: a part of not_ready_by_reason
	lengthField = "interval"   // how long the interval is
	rowsField   = "rows"       // how many rows there are
)

// row is one interval row as it stands in a table.
type row struct {
	key      transform.Key
	end      int64
	values   map[string]int64 // by the measure's full name; schemas.Null where a row has none
	names    map[string]string
	final    bool
	revision int64
}

// zero says whether a row says the same as no row.
func (r *row) zero() bool {
	for _, v := range r.values {
		if v != 0 && v != schemas.Null {
			return false
		}
	}
	return true
}

// text is all that a row says, in the order of the schema.
func (r *row) text() string {
	var parts []string
	add := func(name string, u unit) {
		if v := r.values[name]; v != 0 {
			parts = append(parts, strings.TrimSuffix(name, "_ms")+"="+formatValue(u, v))
		}
	}
	for _, f := range measuresOf[r.key.Kind] {
		if r.values[f.name] != schemas.Null {
			add(f.name, f.unit)
		}
	}
	for _, name := range r.parts() {
		add(name, length)
	}
	for _, name := range []string{"queue_name", "agent_name"} {
		if v := r.names[name]; v != "" {
			parts = append(parts, fmt.Sprintf("%s=%q", name, v))
		}
	}
	if r.final {
		parts = append(parts, "final")
	} else {
		parts = append(parts, "provisional")
	}
	return strings.Join(parts, " ")
}

// parts lists the parts of not_ready_by_reason that the row has.
func (r *row) parts() (names []string) {
	for name := range r.values {
		if strings.HasPrefix(name, partPrefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func formatValue(u unit, v int64) string {
	switch {
	case v == schemas.Null:
		return "none"
	case u == length:
		return formatLength(v)
	}
	return fmt.Sprint(v)
}

// tables are the rows as a sink has them: of each key the greatest revision. It is a transform.RowEmitter.
type tables struct {
	rows     map[transform.Key]*row
	complete int64
}

var _ transform.RowEmitter = (*tables)(nil)

func newTables() *tables { return &tables{rows: map[transform.Key]*row{}, complete: schemas.Null} }

func (t *tables) put(key transform.Key, record any, list []field, seconds int32, final bool, revision int64) *row {
	if was, ok := t.rows[key]; ok && was.revision >= revision {
		return was
	}
	r := &row{key: key, end: key.Start + int64(seconds)*1000, values: map[string]int64{}, names: map[string]string{}, final: final, revision: revision}
	v := reflect.ValueOf(record).Elem()
	for _, f := range list {
		r.values[f.name] = v.Field(f.index).Int()
	}
	t.rows[key] = r
	return r
}

// Queue takes a row.
func (t *tables) Queue(r *schemas.QueueInterval) error {
	key := transform.Key{Kind: transform.KindQueue, Tenant: r.Tenant, Start: r.IntervalStart, QueueID: r.QueueID, Channel: r.Channel}
	t.put(key, r, queueFields, r.IntervalSeconds, r.Final, r.Revision).names["queue_name"] = r.QueueName
	return nil
}

// AgentQueue takes a row.
func (t *tables) AgentQueue(r *schemas.AgentQueueInterval) error {
	key := transform.Key{Kind: transform.KindAgentQueue, Tenant: r.Tenant, Start: r.IntervalStart, AgentID: r.AgentID, QueueID: r.QueueID, Channel: r.Channel}
	names := t.put(key, r, agentQueueField, r.IntervalSeconds, r.Final, r.Revision).names
	names["queue_name"], names["agent_name"] = r.QueueName, r.AgentName
	return nil
}

// Agent takes a row.
func (t *tables) Agent(r *schemas.AgentInterval) error {
	key := transform.Key{Kind: transform.KindAgent, Tenant: r.Tenant, Start: r.IntervalStart, AgentID: r.AgentID}
	to := t.put(key, r, agentFields, r.IntervalSeconds, r.Final, r.Revision)
	to.names["agent_name"] = r.AgentName
	for _, n := range r.NotReadyByReason {
		to.values[partPrefix+n.Name] = n.Value
	}
	return nil
}

// Completeness takes how far the pipeline is complete.
func (t *tables) Completeness(c *schemas.Completeness) error {
	t.complete = c.CompleteThrough
	return nil
}

// list is the rows that say something, ordered by key.
func (t *tables) list(keep func(*row) bool) (list []*row) {
	for _, r := range t.rows {
		if !r.zero() && keep(r) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *row) int {
		return cmp.Or(cmp.Compare(a.key.Kind, b.key.Kind), cmp.Compare(a.key.Start, b.key.Start), cmp.Compare(a.key.AgentID, b.key.AgentID),
			cmp.Compare(a.key.QueueID, b.key.QueueID), cmp.Compare(a.key.Channel, b.key.Channel))
	})
	return list
}

// name is a row's key as expectations write it.
func (r *row) name(zone *time.Location) string {
	parts := []string{r.key.Kind}
	if r.key.Kind != transform.KindQueue {
		parts = append(parts, quoteName(r.key.AgentID))
	}
	if r.key.Kind != transform.KindAgent {
		parts = append(parts, quoteName(r.key.QueueID))
	}
	parts = append(parts, formatInstant(r.key.Start, zone))
	if r.key.Kind != transform.KindAgent && r.key.Channel != defaultChannel {
		parts = append(parts, "channel="+quoteName(r.key.Channel))
	}
	return strings.Join(parts, " ")
}

func quoteName(s string) string {
	if s == "" || strings.ContainsAny(s, " \t\"=#/\\") {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	return s
}
