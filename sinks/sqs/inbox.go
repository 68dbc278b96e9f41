package sqs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// longestKept is how long SQS keeps messages at most, in a queue or in its dead-letter queue.
const longestKept = 14 * 24 * time.Hour

// inbox reads a queue for a sink that says via.
type inbox struct {
	*client
	deps sinks.Deps
}

func openInbox(ctx context.Context, options any, d sinks.Deps) (sinks.Inbox, error) {
	c, err := newClient(ctx, options.(*Config), d.Watch)
	if err != nil {
		return nil, err
	}
	return &inbox{client: c, deps: d}, nil
}

// worker is an inbox at work. Its lane is fed by the queue; what the lane holds is hidden there from others.
type worker struct {
	*inbox
	to      sinks.Onward
	queue   traits
	engine  *delivery.Engine
	lane    *delivery.Lane
	kinds   []string
	most    int // messages held
	arrived chan []types.Message
	busy    atomic.Bool // there are messages

	mu       sync.Mutex
	done     *delivered
	holding  *holding
	refused  map[string]int64     // keys by the revision that the destination refused
	later    map[string]later     // keys that it takes later
	away     map[string]time.Time // messages that the queue hides until then
	unread   bool                 // something came that nobody can read
	reserved int                  // places for what is being read
	fresh    time.Time            // when something came that had not been refused before
}

// Run implements sinks.Inbox.
func (b *inbox) Run(ctx context.Context, to sinks.Onward) error {
	w, err := b.begin(ctx, to)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	told := ctx
	ctx, cancel := context.WithCancel(ctx)
	w.lane = w.engine.Lane(ctx, w, 0, nil)
	w.lane.Caught()
	var others sync.WaitGroup
	for n := range readers {
		others.Go(func() { w.read(ctx, n == 0) })
	}
	others.Go(func() { w.extend(ctx) })
	err = w.post(ctx)
	cancel()
	w.lane.Leave()
	others.Wait()
	w.giveBack(ctx)
	if told.Err() != nil {
		return nil
	}
	return err
}

// begin learns about the queue and what was delivered from it before.
func (b *inbox) begin(ctx context.Context, to sinks.Onward) (*worker, error) {
	w := &worker{inbox: b, to: to, arrived: make(chan []types.Message), holding: newHolding(), refused: map[string]int64{}, later: map[string]later{}, away: map[string]time.Time{}, fresh: clock.Now()}
	var err error
	var fault *httpcall.Error
	if w.queue, err = b.traits(ctx); errors.As(err, &fault) && fault.Kind == httpcall.Refused {
		b.deps.Log.Warn("the queue's attributes may not be read: when its redrive policy takes a message is not known", "err", err)
		w.queue = traits{retention: longestKept}
	} else if err != nil {
		return nil, err
	} else if w.queue.maxReceives == 0 {
		b.deps.Log.Warn("the queue has no redrive policy: what the destination refuses stays in it until it is too old", "queue", b.o.Queue)
	}
	now := b.watch.Now()
	keep := w.queue.retention + longestKept // a message may have been in the dead-letter queue and moved back
	w.done = newDelivered(keep, now)
	if to.Delivered != nil {
		err := to.Delivered(ctx, now.Add(-keep), func(key string, revision int64) { w.done.add(key, revision, now) })
		if err != nil {
			return nil, fmt.Errorf("read what was delivered: %w", err)
		}
	}
	w.serve()
	return w, nil
}

// serve makes the engine of the destination. What is in the queue is to be posted, all of it and at once: which records come was decided when
// they were put there.
func (w *worker) serve() {
	plan, options, deps := w.to.Plan, w.to.Options, w.to.Deps
	w.kinds = plan.Kinds
	if len(options.Kinds) > 0 {
		w.kinds = slices.DeleteFunc(slices.Clone(w.kinds), func(k string) bool { return !slices.Contains(options.Kinds, k) })
	}
	plan.Key = nil // keys are named as the queue is read
	options.When, options.Delay = string(delivery.Provisional), 0
	deps.Stays, deps.Drain, deps.Attempted = !deps.Drain, true, nil
	w.engine = delivery.New(&sieve{w.to.Destination, w}, plan, options, deps)
	items, at := plan.Items, plan.Concurrency
	if options.Batch > 0 {
		items = min(items, options.Batch)
	}
	if options.Concurrency > 0 {
		at = options.Concurrency
	}
	if w.most = w.o.Inbox.Held; w.most == 0 {
		w.most = min(max(2*items*at, readers*mostMessages), 1000)
	}
	w.most = max(w.most, mostMessages)
}

// tempo is how often a worker looks around, by the machine's clock, as the queue's own times are.
type tempo struct {
	turn time.Duration // the lane
	look time.Duration // whether the queue is empty, in a run that ends then
	poll time.Duration // how long the queue waits for a message before it answers that there is none
	last time.Duration // the same, when nothing more is put into it
	// What is hidden is hidden for longer every so often, when less than a share of the visibility is left.
	extend time.Duration
	share  float64
}

// pace is every worker's tempo. SQS would allow 20 s for a poll, but a worker that is told to end has to wait for the answer.
var pace = tempo{turn: 20 * time.Millisecond, look: time.Second, poll: 3 * time.Second, last: time.Second, extend: 10 * time.Second, share: 2. / 3}

// post feeds the lane until ctx ends or, draining, the queue is empty.
func (w *worker) post(ctx context.Context) error {
	turn := time.NewTicker(pace.turn)
	defer turn.Stop()
	looked, empty := clock.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case batch := <-w.arrived:
			if err := w.take(ctx, batch); err != nil {
				return err
			}
		case <-turn.C:
			for _, i := range w.resume() {
				w.lane.Take(i, 0)
			}
		}
		w.lane.Turn()
		if _, err := w.lane.Safe(); err != nil {
			return err
		}
		if clock.Since(looked) < pace.look {
			continue
		}
		looked = clock.Now()
		if w.to.Show != nil {
			w.to.Show(w.engine.State())
		}
		if !w.fed() {
			continue
		}
		w.settle(ctx, nil, w.letGo())
		done, err := w.drained(ctx)
		if err != nil {
			return err
		}
		if empty++; !done {
			empty = 0
		}
		if empty == 2 { // the queue's counts are approximate
			return nil
		}
	}
}

// fed says whether nothing more is put into the queue.
func (w *worker) fed() bool {
	select {
	case <-w.to.Fed: // nil where the run goes on
		return true
	default:
		return false
	}
}

// drained says whether the queue is empty. Where no redrive policy takes what the destination refuses, it is enough that nothing else is left.
func (w *worker) drained(ctx context.Context) (bool, error) {
	w.mu.Lock()
	held, refused, fresh := len(w.holding.messages), w.unread || len(w.refused) > 0, w.fresh
	w.mu.Unlock()
	if held > 0 {
		return false, nil
	}
	n, err := w.waiting(ctx)
	if err != nil || n == 0 {
		return err == nil, err
	}
	if later := w.hidden(); n <= later {
		w.deps.Log.Warn("the destination takes what is left in the queue later", "messages", later)
		return true, nil
	}
	if w.queue.maxReceives == 0 && refused && clock.Since(fresh) > 2*w.o.Inbox.Again+pace.look {
		w.deps.Log.Warn("the destination refuses what is left in the queue, and no redrive policy takes it", "messages", n)
		return true, nil
	}
	return false, nil
}

// take takes messages that were read: what is delivered already is deleted, what nobody can read is left to the redrive policy, the rest goes to
// the lane.
func (w *worker) take(ctx context.Context, batch []types.Message) error {
	crash.Point(crash.QueueReceived)
	var old, unreadable []*held
	var letters []schemas.DeadLetter
	var items []delivery.Item
	w.mu.Lock()
	w.reserved -= mostMessages
	for n := range batch {
		m := read(&batch[n], w.o.Inbox.Visibility)
		if again := w.holding.messages[m.id]; again != nil { // it was hidden for too long
			again.handle, again.receives, again.read, again.hidden, again.lost = m.handle, m.receives, m.read, m.hidden, false
			continue
		}
		i, err := w.item(&batch[n])
		if err != nil {
			w.deps.Log.Warn("a message of the queue cannot be used, it is left to the redrive policy", "message", m.id, "receives", m.receives, "err", err)
			m.again, w.unread = w.o.Inbox.Again, true
			unreadable = append(unreadable, m)
			if m.receives == w.tries() {
				letters = append(letters, schemas.DeadLetter{
					Stage: "sink", Source: w.to.Deps.Name, Fact: "message", Reason: "unreadable", Detail: err.Error(), Location: "message/" + m.id,
				})
			}
			continue
		}
		if w.to.Plan.Key != nil {
			m.origin = fmt.Sprintf("%s@%d", i.Key, i.Revision)
			i.Key, i.Revision = w.to.Plan.Key(&i)
		}
		m.key, m.revision = i.Key, i.Revision
		if w.done.has(i.Key, i.Revision) {
			old = append(old, m)
			continue
		}
		at, refused := w.refused[i.Key]
		i.Again = refused && at >= i.Revision
		if !i.Again {
			w.fresh = clock.Now()
		}
		newest, ok := w.holding.newest(i.Key)
		w.holding.add(m)
		if !ok || newest < i.Revision {
			items = append(items, i)
		}
	}
	w.mu.Unlock()
	if len(letters) > 0 {
		if err := w.to.Log.DeadLetters(ctx, letters); err != nil {
			return err
		}
	}
	for _, i := range items {
		w.lane.Take(i, 0)
	}
	w.settle(ctx, old, unreadable)
	return nil
}

// item reads a message as the lane takes it.
func (w *worker) item(m *types.Message) (delivery.Item, error) {
	i, err := decode([]byte(aws.ToString(m.Body)), w.deps.Tenant, w.deps.Pipeline)
	if err != nil {
		return i, err
	}
	if kind, _ := record(&i); !slices.Contains(w.kinds, kind) {
		return i, fmt.Errorf("it is of kind %q, which sink %q does not take", kind, w.to.Deps.Name)
	}
	return i, nil
}

// settle deletes what is done with, and hides for a while what is not.
func (w *worker) settle(ctx context.Context, done, back []*held) {
	ctx, cancel := outlive(ctx, afterwards)
	defer cancel()
	if len(done) > 0 {
		if n, err := w.remove(ctx, done); err != nil {
			w.deps.Log.Warn("messages that are delivered could not be deleted: they come again and are deleted then", "messages", n, "err", err)
		}
		crash.Point(crash.QueueDeleted)
	}
	if len(back) > 0 {
		now := clock.Now()
		lasting := func(m *held) time.Duration { return max(0, min(m.again, m.read.Add(longest-time.Second).Sub(now))) }
		if _, err := w.hide(ctx, back, lasting); err != nil {
			w.deps.Log.Warn("refused messages come again after the visibility timeout: it could not be changed", "messages", len(back), "err", err)
		}
		crash.Point(crash.QueuePutBack)
	}
}
