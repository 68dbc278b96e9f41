package books

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// Row is an interval row of any kind.
type Row struct {
	Key      transform.Key
	Seconds  int32
	Names    [2]string // of agent and queue
	Cells    []int64   // in the order of Columns; schemas.Null where the row has no value
	Reasons  []schemas.NamedValue
	Final    bool
	Revision int64
}

// kinds are the kinds of row, each with its table in the warehouse and the columns of its numbers.
var kinds = []struct {
	kind, table string
	columns     []string
}{
	{transform.KindQueue, "queue_intervals", []string{"offered", "answered", "abandoned", "short_abandoned", "answered_in_sl", "abandoned_in_sl",
		"transferred_out", "overflowed", "wait_ms", "abandon_wait_ms", "max_wait_ms", "talk_ms", "hold_ms", "wrap_ms", "contact_ms", "handle_ms", "backlog", "facts"}},
	{transform.KindAgentQueue, "agent_queue_intervals", []string{"answered", "completed", "talk_ms", "hold_ms", "wrap_ms", "contact_ms", "handle_ms", "direct_out", "facts"}},
	{transform.KindAgent, "agent_intervals", []string{"login_ms", "available_ms", "on_contact_ms", "wrap_ms", "not_ready_ms", "concurrency_ms", "direct_out",
		"scheduled_ms", "adherent_ms", "facts"}},
}

// Columns are the numbers that rows of a kind have, in the order of Row.Cells.
func Columns(kind string) []string {
	for _, k := range kinds {
		if k.kind == kind {
			return k.columns
		}
	}
	return nil
}

// Table is the view of the warehouse that shows rows of a kind.
func Table(kind string) string {
	for _, k := range kinds {
		if k.kind == kind {
			return k.table
		}
	}
	return ""
}

func queueRow(r *schemas.QueueInterval) Row {
	return Row{
		Key:     transform.Key{Kind: transform.KindQueue, Tenant: r.Tenant, Start: r.IntervalStart, QueueID: r.QueueID, Channel: r.Channel},
		Seconds: r.IntervalSeconds, Names: [2]string{"", r.QueueName}, Final: r.Final, Revision: r.Revision,
		Cells: []int64{r.Offered, r.Answered, r.Abandoned, r.ShortAbandoned, r.AnsweredInSl, r.AbandonedInSl, r.TransferredOut, r.Overflowed,
			r.WaitMs, r.AbandonWaitMs, r.MaxWaitMs, r.TalkMs, r.HoldMs, r.WrapMs, r.ContactMs, r.HandleMs, r.Backlog, r.Facts},
	}
}

func agentQueueRow(r *schemas.AgentQueueInterval) Row {
	return Row{
		Key:     transform.Key{Kind: transform.KindAgentQueue, Tenant: r.Tenant, Start: r.IntervalStart, AgentID: r.AgentID, QueueID: r.QueueID, Channel: r.Channel},
		Seconds: r.IntervalSeconds, Names: [2]string{r.AgentName, r.QueueName}, Final: r.Final, Revision: r.Revision,
		Cells: []int64{r.Answered, r.Completed, r.TalkMs, r.HoldMs, r.WrapMs, r.ContactMs, r.HandleMs, r.DirectOut, r.Facts},
	}
}

func agentRow(r *schemas.AgentInterval) Row {
	return Row{
		Key:     transform.Key{Kind: transform.KindAgent, Tenant: r.Tenant, Start: r.IntervalStart, AgentID: r.AgentID},
		Seconds: r.IntervalSeconds, Names: [2]string{r.AgentName, ""}, Final: r.Final, Revision: r.Revision,
		Cells:   []int64{r.LoginMs, r.AvailableMs, r.OnContactMs, r.WrapMs, r.NotReadyMs, r.ConcurrencyMs, r.DirectOut, r.ScheduledMs, r.AdherentMs, r.Facts},
		Reasons: sorted(r.NotReadyByReason),
	}
}

func sorted(reasons []schemas.NamedValue) []schemas.NamedValue {
	reasons = slices.Clone(reasons)
	slices.SortFunc(reasons, func(a, b schemas.NamedValue) int { return cmp.Compare(a.Name, b.Name) })
	return reasons
}

// rowOf is the row of a message; false where it has none.
func rowOf(m *runtime.RowMessage) (Row, bool) {
	switch {
	case m.Queue != nil:
		return queueRow(m.Queue), true
	case m.AgentQueue != nil:
		return agentQueueRow(m.AgentQueue), true
	case m.Agent != nil:
		return agentRow(m.Agent), true
	}
	return Row{}, false
}

// zero says whether the row holds nothing: it then says the same as no row.
func (r *Row) zero() bool {
	for _, c := range r.Cells {
		if c != 0 && c != schemas.Null {
			return false
		}
	}
	return true
}

// content is a digest of all that a row says about its interval, but for its revision and whether it is final. Rows that hold
// nothing have the digest of no row, 0.
func (r *Row) content() uint64 {
	if r.zero() {
		return 0
	}
	var buf [512]byte
	b := append(buf[:0], r.Names[0]...)
	b = append(append(b, 0), r.Names[1]...)
	b = strconv.AppendInt(append(b, 0), int64(r.Seconds), 36)
	for _, c := range r.Cells {
		b = strconv.AppendInt(append(b, ' '), c, 36)
	}
	for _, n := range r.Reasons {
		b = strconv.AppendInt(append(append(b, 0), n.Name...), n.Value, 36)
	}
	return xxhash.Sum64(b) | 1
}

// Cell is one value of a row by name, as text; "" is no value.
type Cell struct {
	Column string `json:"column"`
	Value  string `json:"value"`
}

// All are the row's values by name, those with a name for people first.
func (r *Row) All() []Cell {
	var all []Cell
	if r.Key.Kind != transform.KindQueue {
		all = append(all, Cell{"agent_name", r.Names[0]})
	}
	if r.Key.Kind != transform.KindAgent {
		all = append(all, Cell{"queue_name", r.Names[1]})
	}
	for i, c := range Columns(r.Key.Kind) {
		all = append(all, Cell{c, number(r.Cells[i])})
	}
	for _, n := range r.Reasons {
		all = append(all, Cell{"not_ready_by_reason." + n.Name, strconv.FormatInt(n.Value, 10)})
	}
	return all
}

func number(v int64) string {
	if v == schemas.Null {
		return ""
	}
	return strconv.FormatInt(v, 10)
}

// Change is a cell that two rows differ in.
type Change struct {
	Column string `json:"column"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// diff lists the cells in which two rows of one key differ. A row that is not there, nil, holds nothing.
func diff(before, after *Row) []Change {
	values := map[string][2]string{}
	var order []string
	note := func(r *Row, side int) {
		if r == nil {
			return
		}
		for _, c := range r.All() {
			v, seen := values[c.Column]
			if !seen {
				order = append(order, c.Column)
			}
			v[side] = c.Value
			values[c.Column] = v
		}
	}
	note(before, 0)
	note(after, 1)
	var changes []Change
	for _, c := range order {
		if v := values[c]; v[0] != v[1] && !(nothing(v[0]) && nothing(v[1])) {
			changes = append(changes, Change{c, v[0], v[1]})
		}
	}
	return changes
}

func nothing(v string) bool { return v == "" || v == "0" }

// appendKey writes the row's key as topics have it.
func appendKey(dst []byte, k transform.Key) []byte {
	switch k.Kind {
	case transform.KindQueue:
		return transform.AppendQueueKey(dst, &schemas.QueueInterval{Tenant: k.Tenant, IntervalStart: k.Start, QueueID: k.QueueID, Channel: k.Channel})
	case transform.KindAgentQueue:
		return transform.AppendAgentQueueKey(dst, &schemas.AgentQueueInterval{Tenant: k.Tenant, IntervalStart: k.Start, AgentID: k.AgentID, QueueID: k.QueueID, Channel: k.Channel})
	}
	return transform.AppendAgentKey(dst, &schemas.AgentInterval{Tenant: k.Tenant, IntervalStart: k.Start, AgentID: k.AgentID})
}

// startOf reads the interval's start and the kind from a row's key without its texts; false for other keys, such as those of
// completeness.
func startOf(key []byte) (start int64, ok bool) {
	k, err := transform.DecodeKey(key)
	return k.Start, err == nil
}
