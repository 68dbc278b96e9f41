package books

import (
	"cmp"
	"context"
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
	Facts    []string `json:"facts"` // positions of the facts that are why

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

// order is for facts: by the log's time, then by position.
func order(a, b Fact) int {
	return cmp.Or(cmp.Compare(a.arrived, b.arrived), cmp.Compare(a.shard, b.shard), cmp.Compare(a.offset, b.offset))
}
