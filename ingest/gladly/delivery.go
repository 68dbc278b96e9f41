package gladly

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/ingest/webhook/receive"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/quota"
)

// delivery is one event that the webhook brought, and who waits for the answer.
type delivery struct {
	body   []byte
	remote string
	done   chan error // has room for one
}

// hook takes deliveries.
type hook struct {
	teller
	deliveries chan *delivery
}

// maxBatch is how many deliveries one commit answers.
const maxBatch = 256

func (h *hook) flow() flow.Flow {
	return flow.Flow{Name: "webhook", Read: h.read} // it promises nothing: the event stream does
}

// handle answers a delivery after the log has it, or not at all: then the vendor sends it again. What cannot be used is dead-lettered and
// answered well, since it would not get better, and four failures disable the webhook.
func (h *hook) handle(ctx context.Context, r *receive.Request) error {
	var e event
	if e.parse(r.Body) == "" && string(e.kind) == ping {
		return nil
	}
	d := &delivery{body: append([]byte(nil), r.Body...), remote: r.Remote, done: make(chan error, 1)}
	select {
	case h.deliveries <- d:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-d.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read listens until ctx ends, and keeps the webhook registered and enabled.
func (h *hook) read(ctx context.Context, r *flow.Read) error {
	if r.Drain {
		return nil
	}
	if err := h.directory.load(ctx); err != nil {
		return err
	}
	w := &h.options.Webhook
	listener, err := receive.Open(w.listener(), h.deps.Log)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	if h.listening != nil {
		h.listening(listener.Addr())
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	served := make(chan struct{})
	go func() {
		defer close(served)
		stop(listener.Serve(ctx, h.handle))
	}()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		h.watch(ctx)
	}()
	err = h.deliver(ctx, r)
	stop(err)
	<-served
	<-watched
	return err
}

// deliver hands over what comes, many deliveries at a time where many come.
func (h *hook) deliver(ctx context.Context, r *flow.Read) error {
	for {
		select {
		case <-ctx.Done():
			if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
				return cause
			}
			return nil
		case first := <-h.deliveries:
			batch := []*delivery{first}
			for more := true; more && len(batch) < maxBatch; {
				select {
				case d := <-h.deliveries:
					batch = append(batch, d)
				default:
					more = false
				}
			}
			if err := h.batch(ctx, r, batch); err != nil {
				return err
			}
		}
	}
}

// batch hands over deliveries, and answers them once the log has them.
func (h *hook) batch(ctx context.Context, r *flow.Read, batch []*delivery) error {
	answers := make([]error, len(batch))
	var broken error
	asking, done := context.WithTimeout(ctx, h.options.Webhook.AnswerWithin/2) // of all of them: the others wait
	defer done()
	h.asking = asking
	for i, d := range batch {
		if broken == nil {
			answers[i] = h.one(ctx, r, d)
		}
		if answers[i] != nil && !isCall(answers[i]) { // the log does not take it
			broken = answers[i]
		}
	}
	if broken == nil {
		broken = r.Commit(ctx)
	}
	for i, d := range batch {
		if broken != nil {
			answers[i] = broken
		}
		d.done <- answers[i]
	}
	return broken
}

// isCall says that an error is about a call to the vendor.
func isCall(err error) bool {
	var failed *httpcall.Error
	var spent *quota.Exhausted
	return errors.As(err, &failed) || errors.As(err, &spent) || errors.Is(err, quota.ErrLocked) || errors.Is(err, errSlow)
}

func (h *hook) one(ctx context.Context, r *flow.Read, d *delivery) error {
	if err := r.Raw(ctx, "application/json", d.body); err != nil {
		return err
	}
	var e event
	problem := e.parse(d.body)
	var err error
	if problem == "" {
		problem, err = h.take(ctx, r, &e)
	}
	if err != nil && isCall(err) && h.options.Streams.Contacts.Every > 0 {
		// Refused, it would come again four times at most, and then no delivery would: the event stream tells it too.
		h.deps.Log.Warn("a delivery needs a call that failed: the event stream will tell it", "event", string(e.kind), "err", err)
		return nil
	}
	if err != nil || problem == "" {
		return err
	}
	return h.reject(ctx, r, contactFact, "webhook delivery from "+d.remote, problem, d.body)
}

// watch looks now and then whether the webhook is as it should be. What was missed while it was not, the event stream tells.
func (h *hook) watch(ctx context.Context) {
	failures := 0
	for {
		pause := h.options.Webhook.Watch
		missed, err := h.register(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			failures++
			pause = min(pause, 10*time.Second<<min(failures, 10))
			h.deps.Log.Warn("the webhook is not in use: contacts come from the event stream", "err", err, "again in", pause)
		default:
			failures = 0
			if missed {
				h.deps.Log.Info("the webhook is in use again: the event stream tells what it missed")
			}
		}
		if h.deps.Watch.Sleep(ctx, pause) != nil {
			return
		}
	}
}
