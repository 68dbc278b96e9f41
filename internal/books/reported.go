package books

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// reported is what sources say about rows themselves. No fact is behind it: it is taken as it is, on either side of a comparison.
type reported struct {
	rows  map[string]reportedRow // by shard, 0 and the row's key: the newest
	marks []schemas.ShardMark
	books map[string]*ReportedBook // by source
}

type reportedRow struct {
	shard string
	row   Row
}

// ReportedBook is what one source has reported.
type ReportedBook struct {
	Source  string `json:"source"`
	Records int64  `json:"records"` // read, corrections and withdrawals included
	Rows    int64  `json:"rows"`    // of the range, that hold anything as they were reported last
	Through string `json:"through"` // what the source is complete through
}

// readReported reads the rows of a range that sources have reported, each partition through an offset.
func readReported(ctx context.Context, l *runtime.Ledger, to func(partition int, end int64) int64, r Range) (*reported, error) {
	ranges, err := l.Partials(ctx)
	if err != nil {
		return nil, err
	}
	all := &reported{rows: map[string]reportedRow{}, books: map[string]*ReportedBook{}}
	var one sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for n, part := range ranges {
		group.Go(func() error {
			return l.ReadReported(ctx, n, part.First, to(n, part.Next), func(m *runtime.RowMessage) error {
				one.Lock()
				defer one.Unlock()
				all.take(m, r)
				return nil
			})
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, known := range all.rows {
		if !known.row.zero() {
			all.book(known.shard).Rows++
		}
	}
	return all, nil
}

func (p *reported) take(m *runtime.RowMessage, r Range) {
	if m.Mark != nil {
		mark := *m.Mark
		cloneTexts(&mark.Tenant, &mark.Shard, &mark.Source)
		p.marks = append(p.marks, mark)
		b := p.book(mark.Shard)
		b.Through = max(b.Through, instant(mark.CompleteThrough))
		return
	}
	row, ok := rowOf(m)
	if !ok || !r.has(row.Key.Start) {
		return
	}
	id := m.Shard + "\x00" + string(m.Key)
	before, known := p.rows[id]
	if !known || row.Revision > before.row.Revision {
		p.rows[id] = reportedRow{strings.Clone(m.Shard), own(row)}
	}
	p.book(m.Shard).Records++
}

func (p *reported) book(shard string) *ReportedBook {
	source, _ := transform.ReportedBy(shard)
	b := p.books[source]
	if b == nil {
		source = strings.Clone(source)
		b = &ReportedBook{Source: source}
		p.books[source] = b
	}
	return b
}

// tell hands the promises, and the rows of a range, to a tally. A nil one knows none.
func (p *reported) tell(t *tally, r Range) error {
	if p == nil {
		return nil
	}
	p.promise(t)
	for _, known := range p.rows {
		if r.has(known.row.Key.Start) {
			if err := emitRow(t.of(known.shard), known.row); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *reported) promise(t *tally) {
	for i := range p.marks {
		t.Merge.Mark(&p.marks[i])
	}
}

// revision is what the reported partials of a row add to the sum of its partials' revisions.
func (p *reported) revision(key []byte) (sum int64) {
	if p == nil {
		return 0
	}
	for source := range p.books {
		sum += p.rows[transform.ReportedShard(source)+"\x00"+string(key)].row.Revision
	}
	return sum
}

// gatherReported reads what sources have reported, as far as the merge had taken it when the audit began.
func (a *audit) gatherReported(ctx context.Context) (err error) {
	merged := a.committed(runtime.StageMerge)
	a.told, err = readReported(ctx, a.l, func(n int, _ int64) int64 { return merged[n] }, a.o.Range)
	if err != nil {
		return err
	}
	a.Reported = []ReportedBook{}
	for _, b := range a.told.books {
		a.Reported = append(a.Reported, *b)
	}
	slices.SortFunc(a.Reported, func(x, y ReportedBook) int { return strings.Compare(x.Source, y.Source) })
	return nil
}

// kindReported is the kind of what a source says about a row itself.
const kindReported = "reported"

// reportedFacts are what sources have said about the row themselves, in the place of facts.
func (e *explaining) reportedFacts(ctx context.Context) (facts []Fact, err error) {
	key := appendKey(nil, e.key)
	n := e.l.RowPartition(key)
	ranges, err := e.l.Partials(ctx)
	if err != nil {
		return nil, err
	}
	newest := map[string]int{} // of a shard, by place in facts
	err = e.l.ReadReported(ctx, n, ranges[n].First, ranges[n].Next, func(m *runtime.RowMessage) error {
		row, ok := rowOf(m)
		if !ok || string(m.Key) != string(key) {
			return nil
		}
		row = own(row)
		source, _ := transform.ReportedBy(strings.Clone(m.Shard))
		f := Fact{
			Kind: kindReported, ID: "row", Source: source, Revision: row.Revision, Says: "reported by source " + source + sayReported(&row),
			Arrived: instantMs(m.At), Position: position(e.l.PartialsTopic(), n, m.Offset), Outcome: outcomeCounted, adds: &row,
			shard: strings.Clone(m.Shard), offset: row.Revision - 1, arrived: m.At,
		}
		if row.zero() {
			f.Outcome, f.adds = outcomeRetracted, nil
		}
		before, known := newest[f.shard]
		switch {
		case known && facts[before].Revision >= f.Revision:
			f.Outcome, f.adds = transform.Superseded.String(), nil
		case known:
			facts[before].Outcome, facts[before].adds = outcomeReplaced, nil
			fallthrough
		default:
			newest[f.shard] = len(facts)
		}
		facts = append(facts, f)
		return nil
	})
	return facts, err
}

// sayReported lists the values of a reported row that are not zero.
func sayReported(r *Row) string {
	var parts []string
	for i, c := range Columns(r.Key.Kind) {
		if v := r.Cells[i]; v != 0 && v != schemas.Null && c != "facts" {
			parts = append(parts, fmt.Sprintf("%s %d", c, v))
		}
	}
	if len(parts) == 0 {
		return "; withdrawn"
	}
	return ": " + strings.Join(parts, ", ")
}

// wholeLog reads as far as the log goes.
func wholeLog(_ int, end int64) int64 { return end }
