package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/sqs"
	"github.com/quarterhour/quarterhour/sinks/sqs/sqstest"
)

// place is the destination behind a queue. It holds what it was sent last, so that going back shows.
type place struct {
	mu    sync.Mutex
	holds map[string]string
	posts []string // key@revision
	fault func(items []delivery.Item) error
	took  time.Duration

	before func(items []delivery.Item) // outside of the lock
}

func newPlace() *place { return &place{holds: map[string]string{}} }

func (p *place) Close() error { return nil }

func (p *place) Send(ctx context.Context, items []delivery.Item) error {
	if err := clock.Sleep(ctx, p.took); err != nil {
		return err
	}
	if p.before != nil {
		p.before(items)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	if p.fault != nil {
		err = p.fault(items)
	}
	var refused *delivery.Refused
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	for n, i := range items {
		if refused != nil && slices.ContainsFunc(refused.Items, func(r delivery.RefusedItem) bool { return r.Index == n }) {
			continue
		}
		p.posts = append(p.posts, fmt.Sprintf("%s@%d", i.Key, i.Revision))
		p.holds[i.Key] = said(i)
	}
	return err
}

func said(i delivery.Item) string {
	body, err := sqs.Encode(&i, "pipeline")
	return fmt.Sprint(string(body), err)
}

func (p *place) held() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.holds)
}

func (p *place) posted() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.posts)
}

// books are the deliveries, which outlive a worker.
type books struct {
	mu       sync.Mutex
	attempts []schemas.Delivery
	letters  []schemas.DeadLetter
	dead     func() bool // nothing is written any more
}

func (b *books) Deliveries(_ context.Context, a []schemas.Delivery) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead != nil && b.dead() {
		return errors.New("killed")
	}
	b.attempts = append(b.attempts, a...)
	return nil
}

func (b *books) DeadLetters(_ context.Context, d []schemas.DeadLetter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead != nil && b.dead() {
		return errors.New("killed")
	}
	b.letters = append(b.letters, d...)
	return nil
}

// buried lists the dead letters as location and reason.
func (b *books) buried() (list []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.letters {
		list = append(list, d.Location+" "+d.Reason)
	}
	return list
}

func (b *books) delivered(_ context.Context, _ time.Time, each func(string, int64)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.attempts {
		if a.Outcome != delivery.Delivered {
			a.Revision--
		}
		each(a.RowKey, a.Revision)
	}
	return nil
}

// of lists the attempts of a key as outcome and attempt.
func (b *books) of(key string) (list []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.attempts {
		if a.RowKey == key {
			list = append(list, fmt.Sprintf("%d %s %d", a.Revision, a.Outcome, a.Attempt))
		}
	}
	return list
}

// world is a queue, with an outbox in front and a destination behind it.
type world struct {
	*sqstest.Queue
	options sqs.Config
	place   *place
	books   *books
	out     delivery.Destination
	plan    delivery.Plan
	deps    sinks.Deps

	attempts  int          // as the sink's options say
	extending atomic.Int64 // requests that hid messages for longer, or for less
}

func newWorld(t *testing.T, o sqstest.Options) *world {
	t.Helper()
	server := sqstest.Start(t)
	w := &world{Queue: server.Queue(t, o), place: newPlace(), books: &books{}, attempts: 8}
	through := proxy(t, server)
	counting := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		through.ServeHTTP(out, r)
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "ChangeMessageVisibilityBatch") {
			w.extending.Add(1)
		}
	}))
	t.Cleanup(counting.Close)
	w.options = sqs.Config{
		Queue: w.URL, Endpoint: counting.URL, Region: "us-east-1", AccessKey: "test", SecretKey: "test", Group: "queue", MaxBytes: 262144, Timeout: 10 * time.Second,
		Inbox: sqs.Reading{Visibility: 30 * time.Second, Again: 0},
	}
	w.plan = delivery.Plan{Kinds: []string{"queue_interval", "contact"}, Items: 10, Concurrency: 4}
	w.deps = sinks.Deps{
		Tenant: "acme", Pipeline: "pipeline", Name: "queue", Watch: clock.Wall, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	opened, err := sqs.Registration.Deliver(t.Context(), &w.options, w.deps)
	if err != nil {
		t.Fatal(err)
	}
	w.out = opened.Destination
	return w
}

// row is one revision of a row of a queue.
func row(queue string, revision int64) delivery.Item {
	start := int64(1_772_442_000_000)
	return delivery.Item{
		Key: "queue/acme/2026-03-02T09:00:00Z/" + queue + "/voice", Tenant: "acme", Revision: revision, Start: start, Seconds: 900, Final: true,
		Queue: &schemas.QueueInterval{
			Tenant: "acme", IntervalStart: start, IntervalSeconds: 900, QueueID: queue, Channel: "voice", Offered: revision, Final: true, Revision: revision,
		},
	}
}

func (w *world) send(t *testing.T, items ...delivery.Item) {
	t.Helper()
	if err := w.out.Send(t.Context(), items); err != nil {
		t.Fatal(err)
	}
}

// working is a worker at work.
type working struct {
	cancel context.CancelFunc
	done   chan error
}

// work starts a worker; with drain it ends by itself when the queue is empty.
func (w *world) work(t *testing.T, drain bool) *working {
	t.Helper()
	inbox, err := sqs.Registration.Inbox(t.Context(), &w.options, w.deps)
	if err != nil {
		t.Fatal(err)
	}
	to := sinks.Onward{
		Delivering: sinks.Delivering{Destination: w.place, Plan: w.plan, Options: delivery.Options{Attempts: w.attempts}},
		Deps:       delivery.Deps{Tenant: "acme", Pipeline: "pipeline", Name: "wfm", Watch: w.deps.Watch, Log: w.deps.Log},
		Log:        w.books, Delivered: w.books.delivered,
	}
	if drain {
		fed := make(chan struct{})
		close(fed)
		to.Fed = fed
	}
	ctx, cancel := context.WithCancel(context.Background())
	k := &working{cancel, make(chan error, 1)}
	go func() { k.done <- inbox.Run(ctx, to) }()
	t.Cleanup(func() { cancel() })
	return k
}

// patience is far above what anything takes, also on a machine that does a lot besides.
const patience = 3 * time.Minute

// await waits until the worker has ended.
func (k *working) await(t *testing.T) {
	t.Helper()
	select {
	case err := <-k.done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("the worker does not end")
	}
}

func (k *working) stop(t *testing.T) {
	t.Helper()
	k.cancel()
	k.await(t)
}

// until waits for a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for began := time.Now(); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("not after all this time: %s", what)
		}
	}
}

var errAway = &httpcall.Error{Kind: httpcall.Transient, Status: 503}

// refusing refuses the items that it is to refuse.
func refusing(bad func(i *delivery.Item) bool) func([]delivery.Item) error {
	return func(items []delivery.Item) error {
		r := &delivery.Refused{}
		for n := range items {
			if bad(&items[n]) {
				r.Items = append(r.Items, delivery.RefusedItem{Index: n, Reason: "unknown_queue", Detail: "nobody knows this queue"})
			}
		}
		if len(r.Items) == 0 {
			return nil
		}
		return r
	}
}

func delivered(i delivery.Item) schemas.Delivery {
	return schemas.Delivery{Tenant: "acme", Sink: "wfm", RowKey: i.Key, Revision: i.Revision, Outcome: delivery.Delivered, Attempt: 1}
}

func worker() *schemas.Worker {
	return &schemas.Worker{Tenant: "acme", Source: "five9", WorkerID: "7", Revision: 1}
}

// fast is a watch by which pauses are short.
func fast() clock.Watch { return clock.Fast(clock.Now(), clock.Now(), 200) }
