package sqs

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// readers is how many read at once: while one waits for messages, what another has read is posted.
const readers = 2

// Pauses after a failure to read.
const (
	firstPause   = time.Second
	longestPause = time.Minute
)

// read reads the queue while there is room, until ctx ends. It does not while the destination is left alone: every time a message is read
// counts towards the redrive policy. One reader waits for messages; the others help while there are some.
func (w *worker) read(ctx context.Context, first bool) {
	pause := firstPause
	for ctx.Err() == nil {
		if !first && !w.busy.Load() || !w.reserve() {
			_ = clock.Sleep(ctx, pace.turn)
			continue
		}
		wait := pace.poll
		if w.to.Fed != nil {
			wait = pace.last
		}
		batch, err := w.poll(ctx, wait)
		w.busy.Store(len(batch) > 0)
		if len(batch) > 0 {
			pause = firstPause
			select {
			case w.arrived <- batch:
			case <-ctx.Done():
				w.giveBackUnread(ctx, batch)
			}
			continue
		}
		w.free()
		if wait < time.Second { // the queue waits for whole seconds only
			_ = clock.Sleep(ctx, wait)
		}
		if err != nil && ctx.Err() == nil {
			w.deps.Log.Warn("the queue could not be read", "err", err, "in", pause)
			_ = clock.Sleep(ctx, pause)
			pause = min(2*pause, longestPause)
		}
	}
}

// poll reads. A worker that ends waits for the answer: the queue would hide what it gives to somebody who has left.
func (w *worker) poll(ctx context.Context, wait time.Duration) ([]types.Message, error) {
	polling, cancel := outlive(ctx, wait+time.Second)
	defer cancel()
	polling, done := context.WithTimeout(polling, wait+w.o.Timeout)
	defer done()
	return w.receive(polling, wait)
}

// giveBackUnread gives messages back that nobody takes any more.
func (w *worker) giveBackUnread(ctx context.Context, batch []types.Message) {
	var list []*held
	for n := range batch {
		list = append(list, read(&batch[n], 0))
	}
	w.release(ctx, list)
}

func (w *worker) reserve() bool {
	if w.engine.State().Pause.After(w.watch.Now()) {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.holding.messages)-w.waitingLater()+w.reserved+mostMessages > w.most {
		return false
	}
	w.reserved += mostMessages
	return true
}

func (w *worker) free() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reserved -= mostMessages
}

// extend keeps what is held hidden, until ctx ends.
func (w *worker) extend(ctx context.Context) {
	every := min(w.o.Inbox.Visibility/6, pace.extend)
	for clock.Sleep(ctx, every) == nil {
		if list := w.expiring(); len(list) > 0 {
			w.keep(ctx, list)
		}
	}
}

// expiring lists what would be seen by others before long.
func (w *worker) expiring() (list []*held) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := clock.Now()
	for _, m := range w.holding.messages {
		switch {
		case m.lost || m.hidden.Sub(now) > time.Duration(pace.share*float64(w.o.Inbox.Visibility)):
		case m.read.Add(longest).Before(m.hidden.Add(time.Second)): // SQS hides nothing for longer
			m.lost = true
		default:
			copied := *m
			list = append(list, &copied)
		}
	}
	return list
}

func (w *worker) keep(ctx context.Context, list []*held) {
	now := clock.Now()
	lasting := func(m *held) time.Duration { return min(w.o.Inbox.Visibility, m.read.Add(longest).Sub(now)) }
	lost, err := w.hide(ctx, list, lasting)
	if err != nil {
		if ctx.Err() == nil {
			w.deps.Log.Warn("messages could not be kept from others: they may be posted twice", "messages", len(list), "err", err)
		}
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range list {
		if own := w.holding.messages[m.id]; own != nil && own.handle == m.handle {
			own.hidden = now.Add(lasting(m))
		}
	}
	for _, m := range lost {
		if own := w.holding.messages[m.id]; own != nil && own.handle == m.handle {
			own.lost = true
		}
	}
}

// giveBack lets others read at once what was not posted.
func (w *worker) giveBack(ctx context.Context) {
	w.mu.Lock()
	var list []*held
	for _, m := range w.holding.messages {
		list = append(list, m)
	}
	w.mu.Unlock()
	w.release(ctx, list)
}

// release lets others read messages, also when ctx has ended.
func (w *worker) release(ctx context.Context, list []*held) {
	if len(list) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
	defer cancel()
	if _, err := w.hide(ctx, list, func(*held) time.Duration { return 0 }); err != nil {
		w.deps.Log.Warn("messages that were not posted come again after the visibility timeout only", "messages", len(list), "err", err)
	}
}

// outlive is a context that goes on for so long after another has ended.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = clock.Sleep(longer, d)
		cancel()
	})
	return longer, func() { stop(); cancel() }
}

// afterwards is how long a worker that ends may take to give messages back.
const afterwards = 3 * time.Second
