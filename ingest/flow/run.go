package flow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/crash"
)

// Run runs the flows until ctx ends; draining, until each has read up to the present once. A flow that fails is tried again
// with growing pauses while the others go on; draining, its failure is Run's. Every read ends with the flow's position committed.
// A failure of out ends the run at once: what was handed over is in doubt, and is read again from the cursor.
func Run(ctx context.Context, flows []Flow, cursor []byte, out ingest.Out, o Options) error {
	n, err := newRun(flows, cursor, out, o)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	n.ctx, n.stop = ctx, stop
	if err := n.recall(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	var group sync.WaitGroup
	failures := make([]error, len(n.workers))
	for i, w := range n.workers {
		group.Go(func() { failures[i] = w.work(ctx) })
	}
	group.Wait()
	if n.broken != nil && !errors.Is(n.broken, context.Canceled) {
		return n.broken
	}
	return errors.Join(failures...)
}

// run is a source at work. What is below mu is only touched with it held.
type run struct {
	deps    ingest.Deps
	watch   clock.Watch
	keepRaw time.Duration
	workers []*worker
	ctx     context.Context //nolint:containedctx // of the run: what is handed over outlives the call that does so
	stop    context.CancelFunc

	mu sync.Mutex
	*describer
	out      ingest.Out
	broken   error // the failure of out, after which nothing is handed over
	cursor   *Cursor
	promised map[string]int64 // marks of this run
	by       map[string]*memory
}

func newRun(flows []Flow, cursor []byte, out ingest.Out, o Options) (*run, error) {
	c, err := ParseCursor(cursor)
	if err != nil {
		return nil, err
	}
	n := &run{
		deps: o.Deps, watch: o.Deps.Watch, keepRaw: o.KeepRaw, describer: newDescriber(), out: out, cursor: c,
		promised: map[string]int64{}, by: map[string]*memory{},
	}
	if n.watch == nil {
		n.watch = clock.Wall
	}
	if n.deps.Log == nil {
		n.deps.Log = slog.New(slog.DiscardHandler)
	}
	if n.deps.Recall == nil {
		n.deps.Recall = func(context.Context, string, time.Time, func(any)) error { return nil }
	}
	if len(flows) > 250 {
		return nil, fmt.Errorf("%d flows: at most 250", len(flows))
	}
	for i := range flows {
		f := &flows[i]
		if err := f.Schedule.Check(); err != nil {
			return nil, fmt.Errorf("flow %q: %w", f.Name, err)
		}
		if slices.ContainsFunc(n.workers, func(w *worker) bool { return w.flow.Name == f.Name }) {
			return nil, fmt.Errorf("two flows are called %q", f.Name)
		}
		p := c.Flows[f.Name]
		if p == nil {
			p = &Position{}
			c.Flows[f.Name] = p
		}
		n.workers = append(n.workers, newWorker(n, f, p, uint8(i+1)))
	}
	return n, nil
}

// usable is the error of whoever hands over to a run that has ended.
func (n *run) usable(ctx context.Context) error {
	if n.broken != nil {
		return n.broken
	}
	if err := n.ctx.Err(); err != nil {
		return err
	}
	return ctx.Err()
}

// fail ends the run: it is not known what of the facts handed over is in the log.
func (n *run) fail(err error) error {
	if n.broken == nil {
		n.broken = err
		n.stop()
	}
	return err
}

// revise is a revision greater than all before.
func (n *run) revise() int64 {
	n.cursor.Revision = max(n.cursor.Revision+1, millis(n.watch.Now()))
	return n.cursor.Revision
}

func (n *run) memory(kind string) *memory {
	m := n.by[kind]
	if m == nil {
		m = newMemory()
		n.by[kind] = m
	}
	return m
}

// ownerOf is the flow that replaces the fact, from 1; 0 where none does.
func (n *run) ownerOf(s *subject) uint8 {
	for _, w := range n.workers {
		if w.flow.Replaces && slices.Contains(w.flow.Facts, s.kind) && (w.flow.Owns == nil || w.flow.Owns(s.fact)) {
			return w.number
		}
	}
	return 0
}

// commit makes all that was handed over safe, then the position of every flow, and then promises what follows from them.
func (n *run) commit() error {
	marks := n.marks()
	for kind, at := range marks {
		n.cursor.Marks[kind] = at
	}
	if err := n.out.Commit(n.ctx, n.cursor.Encode()); err != nil {
		return n.fail(err)
	}
	crash.Point(crash.FlowCommitted)
	for kind, at := range marks {
		if err := n.out.Mark(n.ctx, kind, at); err != nil {
			return n.fail(err)
		}
		n.promised[kind] = at
	}
	return nil
}

// marks is how far the source is complete for each kind that it writes, where that is further than it said: as far as every flow that
// writes the kind. Flows that listen and promise nothing are sooner than the others, not the only ones who know: they do not count. What
// a run before this one stored it may not have said.
func (n *run) marks() map[string]int64 {
	least := map[string]time.Time{}
	for _, w := range n.workers {
		if w.flow.Schedule.listens() && w.position.Through.IsZero() {
			continue
		}
		for _, kind := range w.flow.Facts {
			if at, ok := least[kind]; !ok || w.position.Through.Before(at) {
				least[kind] = w.position.Through
			}
		}
	}
	marks := map[string]int64{}
	for kind, through := range least {
		if through.IsZero() || kind == workerFact {
			continue
		}
		at := min(millis(through), millis(n.watch.Now())) // a position may be ahead, by a reset or a clock that was wrong
		if said, ok := n.promised[kind]; ok && at <= said {
			continue
		}
		if stored, ok := n.cursor.Marks[kind]; ok && at < stored {
			continue
		}
		marks[kind] = at
	}
	return marks
}
