package books

import (
	"context"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// TableBalance compares one table of one sink with the facts, cell by cell.
type TableBalance struct {
	Sink      string `json:"sink"`
	Table     string `json:"table"`
	Rows      int64  `json:"rows"`      // as the facts make them; rows that hold nothing do not count
	Cells     int64  `json:"cells"`     // compared
	Equal     int64  `json:"equal"`     // rows
	Rebuilt   int64  `json:"rebuilt"`   // rows that count facts which came too late, as a rebuild makes them
	Pending   int64  `json:"pending"`   // rows whose newest revision is still on its way to the sink
	Unsettled int64  `json:"unsettled"` // rows that changed while the audit ran
	Closed    int64  `json:"closed"`    // rows older than the retention, as they were issued; late corrections of their facts may be in them or not
	Different int64  `json:"different"` // rows that are not what the facts make: missing, too many, or other cells
	Foreign   int64  `json:"foreign"`   // rows of the tenant that this pipeline has not made
}

// SinkBalance is the bookkeeping of one sink: Rows = Delivered + Pending + Dead + Discarded.
type SinkBalance struct {
	Sink      string `json:"sink"`
	Rows      int64  `json:"rows"`             // of the range, that the pipeline has issued; of a sink that delivers by requests: records it is to deliver
	Delivered int64  `json:"delivered"`        // the newest revision, or a greater one, is there
	Pending   int64  `json:"pending"`          // the newest revision is still on its way
	Dead      int64  `json:"dead"`             // the destination refused it, and it is a dead letter
	Passed    int64  `json:"passed,omitempty"` // became final for the first time, where only corrections are sent: counts as delivered
	Discarded int64  `json:"discarded"`        // the destination refused it, and a person has discarded the dead letter
	Missing   int64  `json:"missing"`          // none of these: an imbalance
}

// examples is how many single rows of a kind of imbalance are named.
const examples = 5

// mismatch is a row that is not what the facts make.
type mismatch struct {
	key   string
	table *TableBalance
	want  *Row // nil: no row
	have  *Row
}

// isIssued says whether the table has what the pipeline issued last.
func (m *mismatch) isIssued(n newest) bool {
	if m.have == nil {
		return n.content == 0
	}
	return m.have.content() == n.content
}

// tables compares every shelf with the facts.
func (a *audit) tables(ctx context.Context) (err error) {
	if a.issued, err = newestRows(ctx, a.l, a.o.Range); err != nil {
		return err
	}
	for _, shelf := range a.o.Shelves {
		balance := SinkBalance{Sink: shelf.Sink, Rows: int64(len(a.issued)), Dead: a.refused[shelf.Sink]}
		committed := a.committed("sink " + shelf.Sink)
		var wrong []mismatch
		delivered := map[string]bool{}
		tables := make([]TableBalance, len(kinds))
		for i, k := range kinds {
			tables[i] = TableBalance{Sink: shelf.Sink, Table: k.table}
			found, err := a.table(ctx, shelf, k.kind, &tables[i], delivered)
			if err != nil {
				return err
			}
			wrong = append(wrong, found...)
		}
		missing := a.undelivered(&balance, committed, delivered)
		if err := a.judge(ctx, wrong, committed, missing); err != nil {
			return err
		}
		for _, t := range tables {
			if t.Closed > 0 {
				a.note("%s, sink %q: %d rows older than the retention are as they were issued, and not what all facts make: `quarterhour rebuild` makes them so", t.Table, t.Sink, t.Closed)
			}
		}
		a.Tables = append(a.Tables, tables...)
		a.Sinks = append(a.Sinks, balance)
	}
	return nil
}

// committed is how far the merge had taken the partials, or a sink the rows, when the audit began, by partition.
func (a *audit) committed(stage string) []int64 {
	for _, lag := range a.lags {
		if lag.Stage == stage && (stage == runtime.StageMerge || lag.Topic == a.l.RowsTopic()) {
			return lag.Committed
		}
	}
	return nil
}

// table compares one table and returns the rows that differ; delivered gets the keys of which the newest revision is there.
func (a *audit) table(ctx context.Context, shelf Shelf, kind string, t *TableBalance, delivered map[string]bool) (wrong []mismatch, err error) {
	seen := map[string]bool{}
	var key []byte
	err = shelf.read(ctx, kind, a.Tenant, a.o.Range, func(have Row) error {
		key = appendKey(key[:0], have.Key)
		want, made := a.rows[string(key)]
		newest, known := a.issued[string(key)]
		if known && have.Revision >= newest.revision {
			delivered[string(key)] = true
		}
		if !made && !known && !have.zero() {
			t.Foreign++
			return nil
		}
		seen[string(key)] = true
		if made && !want.zero() {
			t.Rows++
		}
		t.Cells += int64(len(have.All()))
		if same(&want, made, &have) {
			if made && !want.zero() {
				t.Equal++
			}
			return nil
		}
		m := mismatch{key: string(key), table: t, have: &have}
		if made {
			m.want = &want
		}
		wrong = append(wrong, m)
		return nil
	})
	for key, want := range a.rows {
		if want.Key.Kind == kind && !seen[key] && !want.zero() {
			t.Rows++
			wrong = append(wrong, mismatch{key: key, table: t, want: &want})
		}
	}
	return wrong, err
}

// same says whether a row of a table is what the facts make. Of rows that hold nothing it does not matter whether they are final.
func same(want *Row, made bool, have *Row) bool {
	if !made || want.zero() {
		return have.zero()
	}
	return want.content() == have.content() && want.Final == have.Final
}

// undelivered finds the issued rows that the sink does not have.
func (a *audit) undelivered(b *SinkBalance, committed []int64, delivered map[string]bool) (missing map[string]bool) {
	missing = map[string]bool{}
	for key, n := range a.issued {
		switch {
		case delivered[key]:
			b.Delivered++
		case n.offset >= committed[a.l.RowPartition([]byte(key))]:
			b.Pending++
		default:
			missing[key] = true
		}
	}
	b.Missing = max(0, int64(len(missing))-b.Dead)
	if b.Missing > 0 {
		a.wrong("sink %q: %d rows were issued, %d are delivered, %d pending and %d dead; %d are missing%s",
			b.Sink, b.Rows, b.Delivered, b.Pending, b.Dead, b.Missing, some(missing))
	}
	return missing
}

// some names a few rows.
func some(keys map[string]bool) string {
	var names []string
	for key := range keys {
		if k, err := transform.DecodeKey([]byte(key)); err == nil {
			names = append(names, transform.FormatKey(k))
		}
	}
	slices.Sort(names)
	return ": " + strings.Join(names[:min(len(names), examples)], ", ")
}

// sinks balances the sinks that deliver by requests, by what they have written down, and those whose rows cannot be looked at: what they
// have committed, they have delivered.
func (a *audit) sinks(ctx context.Context) error {
	for _, sink := range a.l.Pipeline().Sinks {
		if slices.ContainsFunc(a.Sinks, func(b SinkBalance) bool { return b.Sink == sink.Name }) {
			continue
		}
		if sink.Registration.Deliver != nil {
			if err := a.delivered(ctx, sink); err != nil {
				return err
			}
			continue
		}
		committed := a.committed("sink " + sink.Name)
		b := SinkBalance{Sink: sink.Name, Rows: int64(len(a.issued)), Dead: a.refused[sink.Name]}
		for key, n := range a.issued {
			if n.offset >= committed[a.l.RowPartition([]byte(key))] {
				b.Pending++
			}
		}
		b.Delivered = b.Rows - b.Pending - b.Dead
		a.note("sink %q: its rows cannot be read back; what it has committed counts as delivered", sink.Name)
		a.Sinks = append(a.Sinks, b)
	}
	return nil
}

// complete compares how far the pipeline is complete by the marks in its log, by its rows, and by its tables.
func (a *audit) complete(ctx context.Context) error {
	t := newTally(a.l.Options(), a.l.Feeds(), a.folded)
	a.told.promise(t)
	facts, rows := int64(schemas.Null), int64(schemas.Null)
	if err := t.Emit(&eachRow{row: func([]byte, Row) error { return nil }, complete: func(c *schemas.Completeness) { facts = c.CompleteThrough }}); err != nil {
		return err
	}
	ranges, err := a.l.Rows(ctx)
	if err != nil {
		return err
	}
	for n, r := range ranges {
		err := a.l.ReadRows(ctx, n, r.First, r.Next, func(key []byte) bool { return len(key) > 0 && key[0] == 'c' }, func(m *runtime.RowMessage) error {
			if m.Complete != nil {
				rows = max(rows, m.Complete.CompleteThrough)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	a.Complete = append(a.Complete, CompleteThrough{"facts", instant(facts)}, CompleteThrough{"rows", instant(rows)})
	if rows < facts && !a.Moving {
		a.wrong("by the marks in the log the pipeline is complete through %s, and its rows say %s", orNone(instant(facts)), orNone(instant(rows)))
	}
	for _, shelf := range a.o.Shelves {
		at, err := shelf.completeThrough(ctx, a.Tenant, a.Pipeline)
		if err != nil {
			return err
		}
		a.Complete = append(a.Complete, CompleteThrough{shelf.Sink, instant(at)})
		if at < rows && !a.Moving {
			a.wrong("sink %q: its table says the pipeline is complete through %s, and the rows say %s", shelf.Sink, orNone(instant(at)), orNone(instant(rows)))
		}
	}
	return nil
}
