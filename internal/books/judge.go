package books

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// judge finds out why rows differ: they are on their way, they changed meanwhile, a rebuild made them, or they are wrong.
func (a *audit) judge(ctx context.Context, wrong []mismatch, committed []int64, missing map[string]bool) (err error) {
	if len(wrong) == 0 {
		return nil
	}
	if a.again == nil {
		if a.again, _, err = a.recompute(ctx, a.l.Options().Unlimited(), "audit "+a.Pipeline+", facts that came too late included"); err != nil {
			return err
		}
	}
	slices.SortFunc(wrong, func(x, y mismatch) int { return strings.Compare(x.key, y.key) })
	moved, err := a.moved(ctx, wrong)
	if err != nil {
		return err
	}
	said := map[*TableBalance]int{}
	for _, m := range wrong {
		rebuilt, made := a.again[m.key]
		n, known := a.issued[m.key]
		start, _ := startOf([]byte(m.key))
		switch {
		case m.have != nil && same(&rebuilt, made, m.have):
			m.table.Rebuilt++
		case moved[m.key]:
			m.table.Unsettled++
			a.Moving = true
		case known && n.offset >= committed[a.l.RowPartition([]byte(m.key))]:
			m.table.Pending++
		case start < a.horizon && m.isIssued(n):
			m.table.Closed++
		default:
			m.table.Different++
			if said[m.table]++; said[m.table] <= examples {
				a.differs(m, n, known && !missing[m.key])
			}
		}
	}
	for t, n := range said {
		if n > examples {
			a.wrong("%s, sink %q: %d more rows are not what the facts make", t.Table, t.Sink, n-examples)
		}
	}
	return nil
}

// closedBefore is the instant before which facts may have come too late: corrections of what was still in memory counted, others
// did not, and a fold from the log cannot tell when that was.
func (a *audit) closedBefore() int64 {
	latest := int64(math.MinInt64)
	for _, f := range a.folded {
		f.Marks(func(m *schemas.ShardMark) {
			if !strings.HasPrefix(m.Shard, "shift/") { // a schedule is complete weeks ahead, and closes nothing
				latest = max(latest, m.CompleteThrough)
			}
		})
	}
	if latest == math.MinInt64 {
		return latest
	}
	return latest - cmp.Or(a.l.Options().Retention, transform.DefaultRetention).Milliseconds()
}

// differs names a row that is wrong. issued says that the sink has what the pipeline issued last.
func (a *audit) differs(m mismatch, n newest, issued bool) {
	k, err := transform.DecodeKey([]byte(m.key))
	if err != nil {
		a.wrong("%s: a row of key %q: %v", m.table.Table, m.key, err)
		return
	}
	var cells []string
	for _, c := range diff(m.want, m.have) {
		cells = append(cells, c.Column+" is "+orNone(c.After)+", the facts make "+orNone(c.Before))
	}
	if m.want != nil && m.have != nil && m.want.Final != m.have.Final {
		cells = append(cells, map[bool]string{true: "final, and by the marks it is not", false: "not final, and by the marks it is"}[m.have.Final])
	}
	where := "the table does not show what the pipeline issued"
	if issued && m.isIssued(n) {
		where = "it is what the pipeline issued: `quarterhour rebuild` issues it anew"
	}
	a.wrong("%s, sink %q: row %s: %s; %s", m.table.Table, m.table.Sink, transform.FormatKey(k), strings.Join(cells, ", "), where)
}

func orNone(v string) string {
	if v == "" {
		return "nothing"
	}
	return v
}

// moved are the rows of which a running shard has handed on a partial newer than what the audit has folded, or one that the merge
// had still to take when the audit began.
func (a *audit) moved(ctx context.Context, wrong []mismatch) (map[string]bool, error) {
	keys := make(map[string]bool, len(wrong))
	for _, m := range wrong {
		keys[m.key] = true
	}
	folded := map[string]int64{}
	for _, s := range a.shards {
		folded[s.Name] = s.Committed
	}
	ranges, err := a.l.Partials(ctx)
	if err != nil {
		return nil, err
	}
	merged := a.committed(runtime.StageMerge)
	moved := make([]map[string]bool, len(ranges))
	group, ctx := errgroup.WithContext(ctx)
	for n, r := range ranges {
		moved[n] = map[string]bool{}
		group.Go(func() error {
			return a.l.ReadPartials(ctx, n, r.First, r.Next, func(key []byte) bool { return keys[string(key)] }, func(m *runtime.RowMessage) error {
				through, isFold := folded[m.Shard]
				if row, ok := rowOf(m); ok && (isFold && row.Revision > through || m.Offset >= merged[n]) {
					moved[n][string(m.Key)] = true
				}
				return nil
			})
		})
	}
	err = group.Wait()
	for _, m := range moved[1:] {
		for key := range m {
			moved[0][key] = true
		}
	}
	return moved[0], err
}
