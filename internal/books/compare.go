package books

import (
	"cmp"
	"context"
	"math"
	goruntime "runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// compare keeps the rows that are not what was issued.
func (b *Rebuilt) compare(o transform.Options, feeds []transform.Feed, r Range, issued map[string]newest, p Progress) error {
	first, last := b.span(r, issued)
	err := b.eachRow(o, feeds, r.chunks(first, last), p, func(key []byte, row Row) error {
		content := row.content()
		if content != 0 {
			b.Rows++
		}
		was := issued[string(key)]
		delete(issued, string(key))
		if content != was.content {
			b.Changed = append(b.Changed, RowChange{row: own(row)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for key, was := range issued { // no fact is behind these any more
		if was.content == 0 {
			continue
		}
		k, err := transform.DecodeKey([]byte(key))
		if err != nil {
			return err
		}
		b.Changed = append(b.Changed, RowChange{row: emptyRow(k, o, was.final)})
	}
	return nil
}

// eachRow merges the partials, some hours at a time and as many stretches at once as there are processors, and hands over the
// rows one after the other. The key is only valid during the call.
func (b *Rebuilt) eachRow(o transform.Options, feeds []transform.Feed, chunks []Range, p Progress, each func(key []byte, row Row) error) error {
	var group errgroup.Group
	group.SetLimit(goruntime.GOMAXPROCS(0))
	var one sync.Mutex
	rows := eachRow{
		complete: func(c *schemas.Completeness) { one.Lock(); defer one.Unlock(); b.complete = c.CompleteThrough },
		row:      func(key []byte, row Row) error { one.Lock(); defer one.Unlock(); return each(key, row) },
	}
	busy := make([]sync.Mutex, len(b.shards))
	var done atomic.Int64
	for i, c := range chunks {
		group.Go(func() error {
			t := newTally(o, feeds, b.shards)
			for k := range b.shards {
				k = (k + i*len(b.shards)/2) % len(b.shards) // neighbours begin with different shards
				if err := b.emit(&busy[k], b.shards[k], c, t); err != nil {
					return err
				}
			}
			if err := b.told.tell(t, c); err != nil {
				return err
			}
			to := rows
			err := t.Emit(&to)
			p.Report("compare "+b.Pipeline, done.Add(1), int64(len(chunks)), "stretches")
			return err
		})
	}
	return group.Wait()
}

func (b *Rebuilt) emit(busy *sync.Mutex, s *folded, c Range, t *tally) error {
	busy.Lock()
	defer busy.Unlock()
	return s.EmitRange(c.From, c.To, t.of(s.Name()))
}

// Recompute folds logs again, and counts the rows of a range: the part of a rebuild that takes time, for whoever measures it.
func Recompute(ctx context.Context, l FactLog, o transform.Options, feeds []transform.Feed, shards []runtime.ShardLog, r Range, p Progress) (*Rebuilt, error) {
	b := &Rebuilt{Pipeline: o.Pipeline}
	if err := b.fold(ctx, l, o, shards, nil, nil, p); err != nil {
		return nil, err
	}
	first, last := b.span(r, nil)
	return b, b.eachRow(o, feeds, r.chunks(first, last), p, func(_ []byte, row Row) error {
		if row.content() != 0 {
			b.Rows++
		}
		return nil
	})
}

// longRange is a range whose days are not all gone through: it is cut to those that have rows.
const longRange = 400 * dayMs

// span is the first and the last start of an interval in the range that there can be a row of.
func (b *Rebuilt) span(r Range, issued map[string]newest) (first, last int64) {
	if r.From > math.MinInt64/2 && r.To < math.MaxInt64/2 && r.To-r.From < longRange {
		return r.From, r.To
	}
	first, last = math.MaxInt64, math.MinInt64
	note := func(start int64) { first, last = min(first, start), max(last, start) }
	for key := range issued {
		if start, ok := startOf([]byte(key)); ok {
			note(start)
		}
	}
	for _, s := range b.shards {
		_ = s.EmitRange(math.MinInt64, math.MaxInt64, starts(note)) // starts never fails
	}
	return first, last
}

// starts is an emitter that sees only when the rows' intervals start.
type starts func(int64)

func (f starts) Queue(r *schemas.QueueInterval) error           { f(r.IntervalStart); return nil }
func (f starts) AgentQueue(r *schemas.AgentQueueInterval) error { f(r.IntervalStart); return nil }
func (f starts) Agent(r *schemas.AgentInterval) error           { f(r.IntervalStart); return nil }
func (starts) Mark(*schemas.ShardMark) error                    { return nil }

// emptyRow is the row of an interval about which there are no facts.
func emptyRow(k transform.Key, o transform.Options, final bool) Row {
	r := Row{Key: k, Cells: make([]int64, len(Columns(k.Kind))), Final: final}
	for i, c := range Columns(k.Kind) {
		if optional[c] {
			r.Cells[i] = schemas.Null
		}
	}
	if grid, err := transform.NewGrid(o.Zone, cmp.Or(o.Interval, transform.DefaultInterval)); err == nil {
		start, end := grid.Bounds(k.Start)
		r.Seconds = int32((end - start) / 1000)
	}
	return r
}
