package books

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/transform"
)

// Revision is one revision of a row.
type Revision struct {
	Revision int64    `json:"revision"`
	At       string   `json:"at"` // when it was issued
	Position string   `json:"position,omitempty"`
	Final    bool     `json:"final"`
	Changes  []Change `json:"changes"` // from the revision before it
	Why      string   `json:"why,omitempty"`
	Facts    []string `json:"facts"` // positions of the facts that came in between

	at     int64
	row    Row
	folded map[string]int64 // through which offset each shard had folded its log; nil where that is not known any more
}

// revisions collects every revision of the row that the topic of rows or a warehouse still has.
func (e *explaining) revisions(ctx context.Context) error {
	key := string(appendKey(nil, e.key))
	n := e.l.RowPartition([]byte(key))
	wanted := func(k []byte) bool { return string(k) == key }
	found := map[int64]Revision{}
	for _, shelf := range e.o.Shelves {
		rows, err := shelf.revisions(ctx, e.key)
		if err != nil {
			return err
		}
		for _, r := range rows {
			found[r.row.Revision] = r
		}
	}
	ranges, err := e.l.Rows(ctx)
	if err != nil {
		return err
	}
	err = e.l.ReadRows(ctx, n, ranges[n].First, ranges[n].Next, wanted, func(m *runtime.RowMessage) error {
		if row, ok := rowOf(m); ok {
			found[row.Revision] = Revision{row: own(row), at: m.At, Position: position(e.l.RowsTopic(), n, m.Offset)}
		}
		return nil
	})
	if err != nil {
		return err
	}
	folded, err := e.states(ctx, n, wanted)
	if err != nil {
		return err
	}
	e.Revisions = []Revision{}
	var before *Row
	for _, number := range slices.Sorted(maps.Keys(found)) {
		r := found[number]
		r.Revision, r.Final, r.At, r.folded, r.Facts = number, r.row.Final, instantMs(r.at), folded[number/2], []string{}
		if r.Changes = diff(before, &r.row); r.Changes == nil {
			r.Changes = []Change{}
		}
		e.Revisions = append(e.Revisions, r)
		row := r.row
		before = &row
		e.issued = before
	}
	return nil
}

// states replays the partials of the row: by the sum of their revisions, through which offset each shard had folded its log.
// Partials that compaction took away leave sums that no row has.
func (e *explaining) states(ctx context.Context, partition int, wanted func([]byte) bool) (map[int64]map[string]int64, error) {
	ranges, err := e.l.Partials(ctx)
	if err != nil {
		return nil, err
	}
	all, now := map[int64]map[string]int64{}, map[string]int64{}
	err = e.l.ReadPartials(ctx, partition, ranges[partition].First, ranges[partition].Next, wanted, func(m *runtime.RowMessage) error {
		row, ok := rowOf(m)
		if !ok || row.Revision <= now[m.Shard] {
			return nil
		}
		now[m.Shard] = row.Revision
		sum := int64(0)
		for _, r := range now {
			sum += r
		}
		all[sum] = maps.Clone(now)
		return nil
	})
	return all, err
}

// revisions are those of a row that the warehouse has kept.
func (s Shelf) revisions(ctx context.Context, k transform.Key) (all []Revision, err error) {
	var rows []stored
	where := []string{"tenant = ?", "interval_start = toDateTime(?, 'UTC')"}
	args := []any{k.Tenant, k.Start / 1000}
	if k.Kind != transform.KindQueue {
		where, args = append(where, "agent_id = ?"), append(args, k.AgentID)
	}
	if k.Kind != transform.KindAgent {
		where, args = append(where, "queue_id = ?", "channel = ?"), append(args, k.QueueID, k.Channel)
	}
	if err := s.Warehouse.Select(ctx, &rows, s.selection(k.Kind, "_revisions", strings.Join(where, " AND ")), args...); err != nil {
		return nil, err
	}
	for i := range rows {
		all = append(all, Revision{row: rows[i].row(k.Kind, k.Tenant), at: rows[i].At})
	}
	return all, nil
}

// reasons says of each revision which facts came before it and after the one before.
func (e *explaining) reasons() {
	for i := range e.Revisions {
		r := &e.Revisions[i]
		var before *Revision
		if i > 0 {
			before = &e.Revisions[i-1]
		}
		exact := r.folded != nil && (before == nil || before.folded != nil)
		for _, f := range e.Facts {
			if between(f, before, r, exact) {
				r.Facts = append(r.Facts, f.Position)
			}
		}
		r.Why = e.why(before, r, exact)
	}
}

// between says whether a fact came into the log between two revisions of the row.
func between(f Fact, before, r *Revision, exact bool) bool {
	if !exact {
		return f.arrived <= r.at && (before == nil || f.arrived > before.at)
	}
	from := int64(0)
	if before != nil {
		from = before.folded[f.shard]
	}
	return f.offset >= from && f.offset < r.folded[f.shard]
}

func (e *explaining) why(before, r *Revision, exact bool) string {
	var parts []string
	if n := len(r.Facts); n > 0 {
		word := "facts"
		if n == 1 {
			word = "fact"
		}
		about := ""
		if !exact {
			about = ", by the time of arrival"
		}
		parts = append(parts, fmt.Sprintf("%d %s came%s", n, word, about))
	}
	if r.Final && (before == nil || !before.Final) {
		parts = append(parts, "every source is complete through the interval's end")
	}
	if len(parts) == 0 {
		switch {
		case len(r.Changes) > 0 && e.Rebuilt || exact && before != nil && e.everyShardMoved(before, r):
			parts = append(parts, "a rebuild issued it again")
		case len(r.Changes) > 0:
			parts = append(parts, "a promise of a source moved what is still open, or the pipeline's file changed")
		default:
			parts = append(parts, "a shard computed it again, and nothing changed")
		}
	}
	return strings.Join(parts, "; ")
}

// everyShardMoved says whether all shards of the row handed their partials on again, as only a rebuild makes them.
func (e *explaining) everyShardMoved(before, r *Revision) bool {
	for _, s := range e.shards {
		if (s.Fact == "contact" || e.key.Kind == transform.KindAgent) && r.folded[s.Name] <= before.folded[s.Name] {
			return false
		}
	}
	return true
}

// order is for facts: by the log's time, then by position.
func order(a, b Fact) int {
	return cmp.Or(cmp.Compare(a.arrived, b.arrived), cmp.Compare(a.shard, b.shard), cmp.Compare(a.offset, b.offset))
}
