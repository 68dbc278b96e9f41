package simulator

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Difference is one cell that does not say what happened.
type Difference struct {
	Table, Row, Measure string
	Want, Got           int64
}

func (d Difference) String() string {
	return fmt.Sprintf("%s %s %s: want %d, got %d", d.Table, d.Row, d.Measure, d.Want, d.Got)
}

// Check is the outcome of comparing tables with the truth.
type Check struct {
	Rows, Cells int
	Provisional int // rows that should be final
	Differences []Difference
}

// Tables names what a check reads. Rows of zeros count as no rows.
func (t Truth) Tables() []string {
	return []string{"queue_intervals", "agent_queue_intervals", "agent_intervals"}
}

// Columns is what to select from a table: the key, and `final`, and the measures; times as seconds since 1970.
func (t Truth) Columns(table string) string {
	keys, measures := columnsOf(table)
	list := []string{"toUnixTimestamp(interval_start) AS start", "final"}
	list = append(list, keys...)
	list = append(list, measures...)
	if table == "agent_intervals" {
		list = append(list, "not_ready_by_reason")
	}
	return strings.Join(list, ", ")
}

var spanMeasures = []string{"talk_ms", "hold_ms", "wrap_ms", "contact_ms", "handle_ms"}

func columnsOf(table string) (keys, measures []string) {
	switch table {
	case "queue_intervals":
		return []string{"queue_id", "channel"}, append([]string{"offered", "answered", "abandoned", "short_abandoned", "answered_in_sl", "abandoned_in_sl",
			"transferred_out", "overflowed", "wait_ms", "abandon_wait_ms", "max_wait_ms", "backlog"}, spanMeasures...)
	case "agent_queue_intervals":
		return []string{"agent_id", "queue_id", "channel"}, append([]string{"answered", "completed", "direct_out"}, spanMeasures...)
	}
	return []string{"agent_id"}, []string{"login_ms", "available_ms", "on_contact_ms", "wrap_ms", "not_ready_ms", "concurrency_ms", "direct_out"}
}

// Check compares one table, given as JSONEachRow of Columns, with what happened.
func (t Truth) Check(table string, rows io.Reader) (Check, error) {
	switch table {
	case "queue_intervals":
		return check(table, rows, t.Queues, func(r tableRow) QueueKey { return QueueKey{r.start, r.text["queue_id"], r.text["channel"]} })
	case "agent_queue_intervals":
		return check(table, rows, t.AgentQueues, func(r tableRow) AgentQueueKey {
			return AgentQueueKey{r.start, r.text["agent_id"], r.text["queue_id"], r.text["channel"]}
		})
	case "agent_intervals":
		return check(table, rows, t.Agents, func(r tableRow) AgentKey { return AgentKey{r.start, r.text["agent_id"]} })
	}
	return Check{}, fmt.Errorf("no truth about table %q", table)
}

type tableRow struct {
	start    int64
	final    bool
	text     map[string]string
	measures map[string]int64
}

func check[K comparable](table string, rows io.Reader, want map[K]map[string]int64, keyOf func(tableRow) K) (Check, error) {
	var c Check
	seen := map[K]bool{}
	compare := func(key K, got, want map[string]int64) {
		names := map[string]bool{}
		for name := range got {
			names[name] = true
		}
		for name := range want {
			names[name] = true
		}
		for name := range names {
			c.Cells++
			if got[name] != want[name] {
				c.Differences = append(c.Differences, Difference{table, fmt.Sprintf("%v", key), name, want[name], got[name]})
			}
		}
	}
	lines := bufio.NewScanner(rows)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		r, err := parseRow(lines.Bytes())
		if err != nil {
			return c, fmt.Errorf("row of table %q: %w", table, err)
		}
		key := keyOf(r)
		if seen[key] {
			return c, fmt.Errorf("table %q has two rows of key %v", table, key)
		}
		seen[key] = true
		c.Rows++
		if !r.final {
			c.Provisional++
		}
		compare(key, r.measures, want[key])
	}
	if err := lines.Err(); err != nil {
		return c, fmt.Errorf("read table %q: %w", table, err)
	}
	for key, measures := range want {
		if !seen[key] {
			compare(key, nil, measures)
		}
	}
	slices.SortFunc(c.Differences, func(a, b Difference) int { return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Measure, b.Measure)) })
	return c, nil
}

func parseRow(line []byte) (tableRow, error) {
	var cells map[string]any
	if err := json.Unmarshal(line, &cells); err != nil {
		return tableRow{}, err
	}
	r := tableRow{text: map[string]string{}, measures: map[string]int64{}}
	for name, v := range cells {
		switch v := v.(type) {
		case bool:
			r.final = v
		case map[string]any: // durations by reason
			for reason, n := range v {
				r.measures[name+"."+reason] = whole(n)
			}
		case nil:
		default:
			if name == "start" {
				r.start = whole(v)
			} else if text, ok := v.(string); ok && (strings.HasSuffix(name, "_id") || name == "channel") {
				r.text[name] = text
			} else {
				r.measures[name] = whole(v)
			}
		}
	}
	return r, nil
}

// whole reads a number, which ClickHouse may quote.
func whole(v any) int64 {
	switch v := v.(type) {
	case float64:
		return int64(v)
	case string:
		var n int64
		if _, err := fmt.Sscan(v, &n); err == nil {
			return n
		}
	}
	return -1
}
