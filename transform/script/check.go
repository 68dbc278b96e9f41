package script

import (
	"fmt"
	"strings"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// Failure is an expectation that did not hold, or a record that was refused without one.
type Failure struct {
	At    spec.Position
	What  string // what it is about: "queue sales 2026-03-02 09:00"
	Diffs []Diff
	Note  string // what there is instead
}

// Diff is one measure that has another value than it should.
type Diff struct {
	Measure string `json:"measure"`
	Want    string `json:"want"`
	Got     string `json:"got"`
}

// String is the failure over several lines, the first with file and line.
func (f Failure) String() string {
	var b strings.Builder
	b.WriteString(f.At.String() + f.What)
	wide, wider := 0, 0
	for _, d := range f.Diffs {
		wide, wider = max(wide, len(d.Measure)), max(wider, len(d.Want))
	}
	for _, d := range f.Diffs {
		fmt.Fprintf(&b, "\n    %-*s  want %-*s  got %s", wide, d.Measure, wider, d.Want, d.Got)
	}
	if f.Note != "" {
		b.WriteString("\n    " + strings.ReplaceAll(f.Note, "\n", "\n    "))
	}
	return b.String()
}

func (x *rowsExpected) about() string {
	parts := []string{x.kind}
	if x.kind != transform.KindQueue {
		parts = append(parts, quoteName(x.agent))
	}
	if x.kind != transform.KindAgent {
		parts = append(parts, quoteName(x.queue))
	}
	parts = append(parts, x.when)
	if x.kind != transform.KindAgent && x.channel != defaultChannel && x.channel != "*" {
		parts = append(parts, "channel="+quoteName(x.channel))
	}
	return strings.Join(parts, " ")
}

func (x *rowsExpected) covers(k transform.Key) bool {
	fits := func(want, is string) bool { return want == "*" || want == is }
	return k.Kind == x.kind && k.Start >= x.from && k.Start < x.to &&
		(x.kind == transform.KindQueue || fits(x.agent, k.AgentID)) &&
		(x.kind == transform.KindAgent || fits(x.queue, k.QueueID) && fits(x.channel, k.Channel))
}

// check sums the rows, and compares what was named.
func (x *rowsExpected) check(r *running, at spec.Position) []Failure {
	rows := r.engine.tables.list(func(r *row) bool { return x.covers(r.key) })
	f := Failure{At: at, What: x.about()}
	if x.none {
		if len(rows) == 0 {
			return nil
		}
		f.Diffs = []Diff{{"rows", "none", fmt.Sprint(len(rows))}}
		f.Note = x.note(r, rows)
		return []Failure{f}
	}
	total := sum(rows)
	if len(rows) == 0 && x.expectsRows() {
		f.Diffs = append(f.Diffs, Diff{"rows", "1 or more", "none"})
	}
	for _, w := range x.wants {
		got, ok := total.values[w.measure]
		if !ok && w.value == schemas.Null {
			continue
		}
		if got != w.value {
			f.Diffs = append(f.Diffs, Diff{strings.TrimSuffix(w.measure, "_ms"), formatValue(w.unit, w.value), formatValue(w.unit, got)})
		}
	}
	f.Diffs = append(f.Diffs, x.others(total)...)
	for _, name := range []string{"queue_name", "agent_name"} {
		if want, ok := x.names[name]; ok && total.names[name] != want {
			f.Diffs = append(f.Diffs, Diff{name, fmt.Sprintf("%q", want), fmt.Sprintf("%q", total.names[name])})
		}
	}
	f.Diffs = append(f.Diffs, x.finality(rows)...)
	if len(f.Diffs) == 0 {
		return nil
	}
	f.Note = x.note(r, rows)
	return []Failure{f}
}

// expectsRows says whether rows must be there: where all that is wanted is zero, none says the same.
func (x *rowsExpected) expectsRows() bool {
	if x.final != nil || len(x.names) > 0 {
		return true
	}
	for _, w := range x.wants {
		if w.value != 0 && w.value != schemas.Null {
			return true
		}
	}
	return false
}

// others are, where only what is named may be there, the measures that are there besides. How many facts a row has is no measure
// of the centre.
func (x *rowsExpected) others(total *row) (diffs []Diff) {
	if !x.only {
		return nil
	}
	named := map[string]bool{"facts": true}
	parts := false
	for _, w := range x.wants {
		named[w.measure] = true
		parts = parts || strings.HasPrefix(w.measure, partPrefix)
	}
	for _, f := range measuresOf[x.kind] {
		if v := total.values[f.name]; v != 0 && v != schemas.Null && !named[f.name] {
			diffs = append(diffs, Diff{f.short, "0", formatValue(f.unit, v)})
		}
	}
	for _, name := range total.parts() {
		if v := total.values[name]; v != 0 && parts && !named[name] {
			diffs = append(diffs, Diff{name, "0", formatLength(v)})
		}
	}
	return diffs
}

func (x *rowsExpected) finality(rows []*row) []Diff {
	if x.final == nil {
		return nil
	}
	words := map[bool]string{true: "final", false: "provisional"}
	for _, r := range rows {
		if r.final != *x.final {
			return []Diff{{"state", words[*x.final], words[r.final]}}
		}
	}
	return nil
}

// noted is how many rows a failure shows.
const noted = 8

// note shows the rows that there are, or else where there are some.
func (x *rowsExpected) note(r *running, rows []*row) string {
	zone := r.c.setting.Options.Zone
	title := "the row is"
	if !x.one || len(rows) > 1 {
		title = "the rows are"
	}
	if len(rows) == 0 {
		any := *x
		any.from, any.to, any.channel = -1<<62, 1<<62, "*"
		title = "there is no such row; there are"
		if rows = r.engine.tables.list(func(r *row) bool { return any.covers(r.key) }); len(rows) == 0 {
			rows = r.engine.tables.list(func(r *row) bool { return r.key.Kind == x.kind })
		}
		if len(rows) == 0 {
			return "there is no row of this kind"
		}
	}
	var b strings.Builder
	b.WriteString(title)
	for i, row := range rows {
		if i == noted {
			fmt.Fprintf(&b, "\n  and %d more", len(rows)-noted)
			break
		}
		b.WriteString("\n  " + row.name(zone) + " " + row.text())
	}
	return b.String()
}

// sum adds up rows: of max_wait_ms the greatest, of the backlog the last interval's; what no row knows is not known.
func sum(rows []*row) *row {
	total := &row{values: map[string]int64{}, names: map[string]string{}}
	last := int64(0)
	for i, r := range rows {
		if i == 0 {
			total.key = r.key
		}
		last = max(last, r.key.Start)
		for name, v := range r.values {
			was, ok := total.values[name]
			switch {
			case !ok || was == schemas.Null:
				total.values[name] = v
			case v == schemas.Null:
			case name == "max_wait_ms":
				total.values[name] = max(was, v)
			default:
				total.values[name] = was + v
			}
		}
		for name, v := range r.names {
			total.names[name] = max(total.names[name], v)
		}
		total.values[lengthField] += r.end - r.key.Start
	}
	if _, ok := total.values["backlog"]; ok {
		total.values["backlog"] = 0
		for _, r := range rows {
			if r.key.Start == last {
				total.values["backlog"] += r.values["backlog"]
			}
		}
	}
	total.values[rowsField] = int64(len(rows))
	return total
}

func (x *refusalExpected) check(r *running, at spec.Position) []Failure {
	f := Failure{At: at, What: x.outcome + " " + quoteName(x.id)}
	var found []string
	for _, refused := range r.engine.refused {
		_, id, _ := strings.Cut(refused.event.what, " ")
		outcome, reason := refused.result.Outcome.String(), refused.result.Reason
		switch {
		case x.id == "" && outcome == x.outcome:
			found = append(found, refused.event.what+" "+reason)
		case x.id != "" && id == x.id && outcome == x.outcome && reason == x.reason:
			r.met[refused.event] = true
			return nil
		case x.id != "" && id == x.id:
			found = append(found, outcome+" "+reason+": "+refused.detail)
		}
	}
	switch {
	case x.id == "" && len(found) == 0:
		return nil
	case x.id == "":
		f.What, f.Diffs = x.outcome, []Diff{{"facts", "none", strings.Join(found, ", ")}}
	case len(found) == 0:
		f.Diffs = []Diff{{"reason", x.reason, "none: it was taken"}}
	default:
		f.Diffs = []Diff{{"reason", x.outcome + " " + x.reason, strings.Join(found, ", ")}}
	}
	return []Failure{f}
}

func (x *numbersExpected) check(r *running, at spec.Position) []Failure {
	f := Failure{At: at, What: x.of}
	got := x.get(r.engine)
	for _, w := range x.wants {
		if got[w.measure] != w.value {
			f.Diffs = append(f.Diffs, Diff{w.measure, fmt.Sprint(w.value), fmt.Sprint(got[w.measure])})
		}
	}
	if f.Diffs == nil {
		return nil
	}
	return []Failure{f}
}

// counted is the bookkeeping of facts, and of marks once for all shards that have them.
func (e *engine) counted() map[string]int64 {
	counts := map[string]int64{}
	for name, n := range e.counts {
		counts[name] = n
	}
	for _, s := range e.order {
		counts["skewed"] += s.Counts().Skewed
	}
	return counts
}

// totals is how many rows of each kind say something.
func (e *engine) totals() map[string]int64 {
	totals := map[string]int64{}
	for _, r := range e.tables.list(func(*row) bool { return true }) {
		totals[r.key.Kind]++
	}
	return totals
}

func (x *completeExpected) check(r *running, at spec.Position) []Failure {
	zone := r.c.setting.Options.Zone
	through := func(ms int64) string {
		if ms == schemas.Null {
			return "none"
		}
		return formatInstant(ms, zone)
	}
	if got := r.engine.tables.complete; got != x.through {
		return []Failure{{At: at, What: "complete", Diffs: []Diff{{"through", through(x.through), through(got)}}}}
	}
	return nil
}
