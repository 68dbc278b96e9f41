package books

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// Explanation is what stands behind one row.
type Explanation struct {
	Key       string     `json:"row_key"`
	Pipeline  string     `json:"pipeline"`
	Table     string     `json:"table"`
	Start     string     `json:"interval_start"` // UTC
	End       string     `json:"interval_end"`
	Local     string     `json:"local"` // the interval on the tenant's clock
	Row       []Cell     `json:"row"`   // the newest revision that was issued
	Final     bool       `json:"final"`
	Revision  int64      `json:"revision"`
	Facts     []Fact     `json:"facts"`
	Sum       []Cell     `json:"sum"`     // of the facts' contributions; of max_wait_ms the greatest
	Rebuilt   bool       `json:"rebuilt"` // facts that came too late are counted: a rebuild issued the row
	Revisions []Revision `json:"revisions"`
	Problems  []string   `json:"problems"` // what does not add up; empty where all does
	Notes     []string   `json:"notes"`

	key    transform.Key
	issued *Row
	sum    Row
}

// Fact is a fact that the row counts, or counted, or would have.
type Fact struct {
	Kind     string `json:"kind"` // contact, agent_state, shift, or reported: what a source says about the row itself
	ID       string `json:"id"`   // the source's: interaction and segment, or agent and state
	Source   string `json:"source"`
	Revision int64  `json:"revision"`
	Says     string `json:"says"`
	Arrived  string `json:"arrived_at"`
	Position string `json:"position"` // topic/partition@offset
	// Outcome is counted; replaced: a later revision is there; elsewhere: it does not touch the row; retracted, or refused by a
	// filter; duplicate; superseded: a greater revision came before; too_late or rejected, with the Reason.
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitempty"`
	Adds    []Cell `json:"adds"` // its contribution, of what is not zero

	shard   string
	offset  int64
	arrived int64
	live    transform.Outcome // what the pipeline made of it; Outcome says more, and another where a rebuild counts what is TooLate
	agent   string            // name
	adds    *Row
}

// The outcomes of a fact besides those of transform.Outcome.
const (
	outcomeCounted   = "counted"
	outcomeReplaced  = "replaced"
	outcomeElsewhere = "elsewhere"
	outcomeRetracted = "retracted"
)

// ExplainOptions is what Explain needs.
type ExplainOptions struct {
	Progress Progress
	Shelves  []Shelf // where revisions are kept that the log has no more
}

// explaining is an explanation being made.
type explaining struct {
	Explanation
	l        *runtime.Ledger
	o        ExplainOptions
	start    int64
	end      int64
	shards   []runtime.ShardLog
	repeated map[string]map[int64]bool // by shard, the offsets behind promises that say nothing new, as a rebuild makes them
}

// Explain finds the facts behind one row, what each adds to it, and how the row came to say what it does. That the row is not
// the sum of its facts is told in Problems. A row that is not there is a *NoRowError.
func Explain(ctx context.Context, l *runtime.Ledger, k transform.Key, o ExplainOptions) (*Explanation, error) {
	grid, err := transform.NewGrid(l.Pipeline().Zone, gridSize(l.Options()))
	if err != nil {
		return nil, err
	}
	e := &explaining{l: l, o: o, repeated: map[string]map[int64]bool{}}
	e.start, e.end = grid.Bounds(k.Start)
	k.Start = e.start
	e.key, e.Key, e.Pipeline, e.Table = k, transform.FormatKey(k), l.Pipeline().Name, Table(k.Kind)
	e.Facts, e.Problems, e.Notes = []Fact{}, []string{}, []string{}
	e.Start, e.End, e.Local = instant(e.start), instant(e.end), local(e.start, e.end, l.Pipeline().Zone)
	if e.shards, err = l.Shards(ctx); err != nil {
		return nil, err
	}
	if err := e.revisions(ctx); err != nil {
		return nil, err
	}
	if err := e.facts(ctx); err != nil {
		return nil, err
	}
	if e.issued == nil && len(e.Facts) == 0 {
		names, err := nearest(ctx, l, k)
		if err != nil {
			return nil, err
		}
		return nil, &NoRowError{Key: e.Key, Nearest: names}
	}
	e.check()
	e.reasons()
	return &e.Explanation, nil
}

func local(start, end int64, zone *time.Location) string {
	from, to := time.UnixMilli(start).In(zone), time.UnixMilli(end).In(zone)
	return from.Format("Mon 2006-01-02 15:04") + "–" + to.Format("15:04") + " " + from.Format("MST") + " (" + zone.String() + ")"
}

// check adds the contributions up and compares them with the row.
func (e *explaining) check() {
	slices.SortFunc(e.Facts, order)
	e.sum = sumOf(e.key, e.Facts)
	e.Sum = e.sum.All()
	for i := range e.Facts {
		if f := &e.Facts[i]; f.adds != nil {
			f.Adds = []Cell{}
			for _, c := range f.adds.All() {
				if _, name := nameColumns[c.Column]; !name && !nothing(c.Value) {
					f.Adds = append(f.Adds, c)
				}
			}
		}
	}
	if e.issued == nil {
		none := emptyOf(e.sum, 0)
		e.Row = none.All()
		e.Notes = append(e.Notes, "no revision of the row was issued")
		if !e.sum.zero() {
			e.Problems = append(e.Problems, "the row was never issued, and facts contribute to it")
		}
		return
	}
	e.Row, e.Final, e.Revision = e.issued.All(), e.issued.Final, e.issued.Revision
	if e.sum.zero() && e.issued.zero() {
		return
	}
	e.sum.Seconds = e.issued.Seconds
	for _, c := range diff(&e.sum, e.issued) {
		e.Problems = append(e.Problems, fmt.Sprintf("%s: the contributions make %s, the row says %s", c.Column, orNone(c.Before), orNone(c.After)))
	}
}

// nameColumns are names for people: facts have them, and do not add to them.
var nameColumns = map[string]struct{}{"agent_name": {}, "queue_name": {}}

// sumOf is the row that contributions make.
func sumOf(k transform.Key, facts []Fact) Row {
	sum := emptyOf(Row{Key: k, Cells: make([]int64, len(Columns(k.Kind)))}, 0)
	for i := range facts {
		if facts[i].adds != nil {
			addRow(&sum, facts[i].adds)
		}
	}
	return sum
}

// addRow merges a contribution into a row: sums, but of max_wait_ms the greatest; of names the greatest.
func addRow(sum, r *Row) {
	for i, c := range Columns(sum.Key.Kind) {
		v := r.Cells[i]
		switch {
		case v == schemas.Null:
		case sum.Cells[i] == schemas.Null:
			sum.Cells[i] = v
		case c == "max_wait_ms":
			sum.Cells[i] = max(sum.Cells[i], v)
		default:
			sum.Cells[i] += v
		}
	}
	for i := range sum.Names {
		sum.Names[i] = max(sum.Names[i], r.Names[i])
	}
	for _, n := range r.Reasons {
		i := slices.IndexFunc(sum.Reasons, func(o schemas.NamedValue) bool { return o.Name == n.Name })
		if i < 0 {
			sum.Reasons = append(sum.Reasons, schemas.NamedValue{Name: n.Name})
			i = len(sum.Reasons) - 1
		}
		sum.Reasons[i].Value += n.Value
	}
	sum.Reasons = sorted(sum.Reasons)
}
