package delivery

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A joint request that can still grow waits restFactor times as long as the last one of its kind took, for rows to gather: what it
// costs the destination hardly depends on how many they are.
const (
	restFactor  = 4
	longestRest = time.Minute
)

// joint is what an engine knows whose requests have items of all lanes.
type joint struct {
	mu    sync.Mutex           // one request is put together at a time
	rests map[string]time.Time // by kind: until when a request that can grow waits
}

// portion is what one lane has in a joint request.
type portion struct {
	lane    *Lane
	entries []*entry
}

// turnJointly sends what is due in all lanes, if the destination may be asked now.
func (e *Engine) turnJointly() {
	e.joint.mu.Lock()
	defer e.joint.mu.Unlock()
	now := e.deps.Watch.Now()
	at, ok := e.pace.begin(now)
	if !ok {
		return
	}
	portions := e.portions(now, at.trial)
	if len(portions) == 0 {
		e.pace.drop()
		return
	}
	go e.sendJointly(portions, at)
}

// portions takes the items of one request out of the lanes: of the kind that has waited longest.
func (e *Engine) portions(now time.Time, trial bool) (list []portion) {
	e.mu.Lock()
	lanes := slices.Clone(e.lanes)
	e.mu.Unlock()
	kind, grows := e.next(lanes, now)
	if kind == "" || grows && !trial && !e.deps.Drain && now.Before(e.joint.rests[kind]) {
		return nil
	}
	most := e.plan.Items
	if trial {
		most = 1
	}
	for _, l := range lanes {
		if entries := l.portion(kind, now.UnixMilli(), most); len(entries) > 0 {
			list = append(list, portion{l, entries})
			most -= len(entries)
		}
	}
	return list
}

// next is the kind whose first item is due first, none where nothing is due; and whether a request may grow while it waits, which it
// cannot once it is full or a lane has no room for more.
func (e *Engine) next(lanes []*Lane, now time.Time) (kind string, grows bool) {
	var first int64
	due := map[string]int{}
	grows = true
	for _, l := range lanes {
		l.mu.Lock()
		if l.sends() {
			grows = grows && l.waiting < e.share()
			for name, q := range l.queues {
				if n := q.first(); n != nil && n.due <= now.UnixMilli() {
					due[name] += q.Len()
					if kind == "" || n.due < first {
						kind, first = name, n.due
					}
				}
			}
		}
		l.mu.Unlock()
	}
	return kind, grows && due[kind] < e.plan.Items
}

// sends says whether the lane may send now. It is locked.
func (l *Lane) sends() bool {
	return l.ctx.Err() == nil && !l.left && l.err == nil && (l.caught || l.waiting >= l.engine.share())
}

// portion takes what is due of a kind for a joint request.
func (l *Lane) portion(kind string, now int64, most int) []*entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if most <= 0 || !l.sends() {
		return nil
	}
	entries := l.gather(l.queues[kind], now, most)
	if len(entries) > 0 {
		l.sending.Add(1)
	}
	return entries
}

// sendJointly makes one request of all portions. Each lane writes down what came of its own.
func (e *Engine) sendJointly(portions []portion, at permit) {
	ctx, cancel := together(portions)
	defer cancel()
	var items []Item
	kind := portions[0].entries[0].Kind()
	for _, p := range portions {
		items = append(items, prepared(p.entries)...)
	}
	began := e.deps.Watch.Now()
	o, known := e.ask(ctx, items, at)
	ended := e.deps.Watch.Now()
	e.joint.mu.Lock()
	e.joint.rests[kind] = ended.Add(min(restFactor*ended.Sub(began), longestRest))
	e.joint.mu.Unlock()
	if known && o.went() && !o.blind() {
		e.turn()
	}
	var lanes sync.WaitGroup
	from := 0
	for _, p := range portions {
		own := o.of(from, len(p.entries))
		from += len(p.entries)
		settle := func() {
			if known {
				p.lane.settle(p.lane.ctx, p.entries, own)
			}
			p.lane.sending.Done()
		}
		if o.blind() {
			settle() // in requests of its own, one after the other
		} else {
			lanes.Go(settle)
		}
	}
	lanes.Wait()
	e.turn()
}

// together is a context that ends when those of all lanes have.
func together(portions []portion) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(portions[0].lane.ctx))
	var alive atomic.Int64
	alive.Store(int64(len(portions)))
	var stops []func() bool
	for _, p := range portions {
		stops = append(stops, context.AfterFunc(p.lane.ctx, func() {
			if alive.Add(-1) == 0 {
				cancel()
			}
		}))
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}
