package delivery

import (
	"container/list"
	"context"
	"slices"
	"sync"
	"time"
)

// linger is how long an item waits for others to share its request, and for newer revisions of itself.
const linger = time.Second

// Lane is the delivery of one partition. Take, Passed, Safe, Room and Turn are called from one goroutine.
type Lane struct {
	engine  *Engine
	log     Log
	ctx     context.Context // of the lane's life
	sending sync.WaitGroup
	writing sync.Mutex // what has passed

	mu        sync.Mutex
	keys      map[string]*key
	queues    map[string]*queue // by kind
	unsettled *list.List        // *entry, by offset
	passing   []*entry          // that are not for the destination, and are to be written down as passed
	finals    *Finals
	waiting   int
	next      int64
	recent    *recent
	caught    bool
	left      bool
	err       error
}

// key is what is known of one key that has something unsettled.
type key struct {
	sending, waiting *entry
}

func newLane(ctx context.Context, e *Engine, log Log, committed int64, delivered map[string]int64) *Lane {
	l := &Lane{
		engine: e, log: log, ctx: ctx, keys: map[string]*key{}, queues: map[string]*queue{}, unsettled: list.New(), next: committed, recent: newRecent(delivered),
	}
	for _, k := range e.plan.Kinds {
		l.queues[k] = &queue{}
	}
	return l
}

// Take takes over an item that was read at the offset. Its memory is the lane's from here on. A key's items come in the order
// of the log.
func (l *Lane) Take(i Item, offset int64) {
	kind := i.Kind()
	if l.queues[kind] == nil || !l.wanted(&i) {
		return
	}
	origin := ""
	if name := l.engine.plan.Key; name != nil {
		origin = location(&i)
		i.Key, i.Revision = name(&i)
		i.Again = false // what has been overtaken is not to come back, whoever asks
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if done, ok := l.recent.settled(i.Key); ok && done >= i.Revision && !i.Again {
		return // by an earlier run, or the log repeats itself: the destination is not to go back
	}
	if l.passes(&i) {
		e := &entry{Item: i, offset: offset, index: -1}
		e.place = l.unsettled.PushBack(e)
		l.passing = append(l.passing, e)
		return
	}
	k := l.keys[i.Key]
	if k == nil {
		k = &key{}
		l.keys[i.Key] = k
	}
	if k.sending != nil && k.sending.Revision >= i.Revision && !i.Again {
		return
	}
	if older := k.waiting; older != nil {
		if older.Revision > i.Revision {
			return
		}
		i.Again = i.Again || older.Again
		l.forget(older)
	}
	e := &entry{Item: i, offset: offset, due: l.due(&i), index: -1, origin: origin}
	e.place = l.unsettled.PushBack(e)
	k.waiting = e
	l.waiting++
	if k.sending == nil {
		l.queues[kind].add(e)
	}
}

// wanted says whether a revision is one of those to be sent.
func (l *Lane) wanted(i *Item) bool {
	switch {
	case i.Seconds == 0 || l.engine.options.When == string(Provisional):
		return true
	case i.Zero && l.engine.options.When == string(Corrected):
		return false // it corrects nothing
	}
	return i.Final
}

// due is when an item may be sent.
func (l *Lane) due(i *Item) int64 {
	d := &l.engine.deps
	if d.Drain {
		return 0
	}
	at := d.Watch.Now().Add(linger).UnixMilli()
	if i.Seconds == 0 {
		return at
	}
	return max(at, i.Start+int64(i.Seconds)*1000+l.engine.options.Delay.Milliseconds())
}

// forget settles an entry that waits.
func (l *Lane) forget(e *entry) {
	if e.index >= 0 {
		l.queues[e.Kind()].remove(e)
	}
	l.unsettled.Remove(e.place)
	l.waiting--
}

// Passed says that everything before the offset has been taken.
func (l *Lane) Passed(next int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = max(l.next, next)
}

// Caught says that the lane has read what was there when it began. Before, it sends only where it has no room for more: an
// earlier run may have sent a newer revision whose answer was lost, and the destination is not to go back.
func (l *Lane) Caught() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.caught = true
}

// Safe is the offset before which everything is settled, or why the lane cannot go on: it is then to be begun again from there.
func (l *Lane) Safe() (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if first := l.unsettled.Front(); first != nil {
		return min(l.next, first.Value.(*entry).offset), l.err
	}
	return l.next, l.err
}

// Pending is how many items are not settled.
func (l *Lane) Pending() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unsettled.Len()
}

// Room says whether the lane can take more.
func (l *Lane) Room() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting < l.engine.share()
}

// Turn sends what is due, as far as the destination may be asked now. It does not wait for answers.
func (l *Lane) Turn() {
	l.pass()
	if l.engine.plan.Joint {
		l.engine.turnJointly()
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.sends() {
		now := l.engine.deps.Watch.Now()
		at, ok := l.engine.pace.begin(now)
		if !ok {
			return
		}
		most := l.engine.plan.Items
		if at.trial {
			most = 1
		}
		batch := l.gather(l.oldest(now.UnixMilli()), now.UnixMilli(), most)
		if len(batch) == 0 {
			l.engine.pace.drop()
			return
		}
		l.sending.Add(1)
		go func() {
			l.send(l.ctx, batch, at)
			l.sending.Done()
			l.engine.turn()
		}()
	}
}

// oldest is the queue of the kind that has waited longest; nil: nothing is due.
func (l *Lane) oldest(now int64) (from *queue) {
	for _, kind := range l.engine.plan.Kinds {
		if q := l.queues[kind]; q.first() != nil && q.first().due <= now && (from == nil || q.first().due < from.first().due) {
			from = q
		}
	}
	return from
}

// gather takes the entries of one request out of a queue, the first due first. An entry that failed while others went well travels alone:
// it may be what the destination stumbles over.
func (l *Lane) gather(from *queue, now int64, most int) []*entry {
	if from == nil {
		return nil
	}
	var batch []*entry
	for e := from.first(); e != nil && e.due <= now && len(batch) < most; e = from.first() {
		if e.attempts > 0 && len(batch) > 0 {
			break
		}
		from.remove(e)
		k := l.keys[e.Key]
		k.sending, k.waiting = e, nil
		l.waiting--
		batch = append(batch, e)
		if e.attempts > 0 {
			break
		}
	}
	return batch
}

// Leave ends the lane, whose context has ended, and waits for its requests.
func (l *Lane) Leave() {
	l.engine.leave(l)
	l.mu.Lock()
	l.left = true // and no Turn is about to send
	l.mu.Unlock()
	l.sending.Wait()
}

// settled takes entries off the books: they were delivered, or are dead. What waited behind them may be sent now.
func (l *Lane) settled(entries []*entry) {
	for _, e := range entries {
		l.recent.settle(e.Key, e.Revision)
		l.unsettled.Remove(e.place)
		l.free(e)
	}
}

// free lets the next revision of the key go.
func (l *Lane) free(e *entry) {
	k := l.keys[e.Key]
	k.sending = nil
	if k.waiting == nil {
		delete(l.keys, e.Key)
		return
	}
	l.queues[e.Kind()].add(k.waiting)
}

// back puts entries into the queue again after a failure, those that have a newer revision excepted.
func (l *Lane) back(entries []*entry) {
	for _, e := range entries {
		k := l.keys[e.Key]
		if k.waiting != nil {
			l.unsettled.Remove(e.place)
			l.free(e)
			continue
		}
		k.sending, k.waiting = nil, e
		l.waiting++
		l.queues[e.Kind()].add(e)
	}
}

// kinds are the kinds of record in the order of Item's fields.
var kinds = []string{"queue_interval", "agent_queue_interval", "agent_interval", "contact", "agent_state", "worker"}

// Kind is the kind of the item's record, as queue_interval.
func (i *Item) Kind() string {
	set := []bool{i.Queue != nil, i.AgentQueue != nil, i.Agent != nil, i.Contact != nil, i.AgentState != nil, i.Worker != nil}
	if n := slices.Index(set, true); n >= 0 {
		return kinds[n]
	}
	return ""
}
