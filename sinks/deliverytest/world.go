package deliverytest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// world is a destination, the way to it, and what outlives an engine: the log, the ledger, the commit.
type world struct {
	c           *Case
	destination Destination
	way         *endpoint
	wire        *wire
	watch       clock.Watch // the sink's
	began       time.Time   // when the watch began, by the machine's clock
	dir, url    string
	address     string
	said        *said
	ledger      *ledger
	credentials shelf // what earlier processes have written down of them
	kinds       []string
	named       func(*delivery.Item) (string, int64) // as in delivery.Plan.Key
	first       int64                                // start of the first interval

	log       []delivery.Item
	poisoned  map[string]bool
	committed int64
	running   *run
}

// run is one engine at work: a process of its own, as it were.
type run struct {
	between *between
	engine  *delivery.Engine
	lane    *delivery.Lane
	cancel  context.CancelFunc
	dead    atomic.Bool
	taken   int64
}

// newWorld makes a destination whose clock is ahead of the sink's by skew.
func newWorld(t *testing.T, c *Case, skew time.Duration) *world {
	t.Helper()
	w := &world{c: c, dir: t.TempDir(), said: &said{}, ledger: &ledger{}, poisoned: map[string]bool{}}
	w.place(clock.Now())
	theirs := clock.Fast(c.Now.Add(skew), w.began, c.Speed)
	w.destination = c.Destination(t, Setting{Watch: theirs, Dir: w.dir})
	handler := w.destination.Handler
	if handler != nil {
		w.way = newEndpoint(handler, theirs)
		w.url = w.way.URL
		t.Cleanup(w.way.close)
	}
	if w.destination.Address != "" {
		w.wire = newWire(t, w.destination.Address)
		w.address = w.wire.Addr().String()
	}
	options := w.options(t)
	w.kinds = c.Registration.Kinds(options)
	t.Cleanup(func() {
		if w.running != nil {
			w.kill()
		}
	})
	return w
}

// place sets the time, which begins when began is on the machine's clock.
func (w *world) place(began time.Time) {
	w.began, w.watch = began, clock.Fast(w.c.Now, began, w.c.Speed)
	size := w.c.Interval.Milliseconds()
	w.first = w.c.Now.UnixMilli()/size*size - 3_600_000 - stretch*size
}

// options are the sink's, read as a pipeline file is.
func (w *world) options(t *testing.T) any {
	t.Helper()
	env := spec.Environment{"DIR": w.dir}
	if w.url != "" {
		env["URL"] = w.url
	}
	if w.address != "" {
		env["ADDRESS"] = w.address
	}
	for name, value := range w.c.Env {
		env[name] = value
	}
	node, problems := spec.Document("sink.yaml", []byte(w.c.YAML))
	if err := spec.Err(problems); err != nil {
		t.Fatal(err)
	}
	options := w.c.Registration.New()
	if err := spec.Err(spec.Decode(node, options, spec.Source{File: "sink.yaml", Env: env, Also: []string{"type"}})); err != nil {
		t.Fatal(err)
	}
	return options
}

// start opens the sink anew and begins a lane where the last one had committed.
func (w *world) start(t *testing.T) *run {
	t.Helper()
	log := slog.New(slog.NewTextHandler(w.said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	opened, err := w.c.Registration.Deliver(t.Context(), w.options(t), sinks.Deps{
		Tenant: Tenant, Pipeline: "pipeline", Name: Name, Aliases: w.c.Aliases, Zone: w.c.Zone, Interval: w.c.Interval, Watch: w.watch,
		Keyring: &quota.Keyring{Watch: w.watch, Store: &w.credentials}, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.kinds = slices.DeleteFunc(slices.Clone(opened.Plan.Kinds), func(kind string) bool {
		return len(opened.Options.Kinds) > 0 && !slices.Contains(opened.Options.Kinds, kind)
	})
	w.named = opened.Plan.Key
	if opened.Options.Batch == 0 || opened.Options.Batch > w.c.Batch {
		opened.Options.Batch = w.c.Batch
	}
	r := &run{between: &between{Destination: opened.Destination, busy: map[string]bool{}}, taken: w.committed}
	r.engine = delivery.New(r.between, opened.Plan, opened.Options, delivery.Deps{Tenant: Tenant, Pipeline: "pipeline", Name: Name, Watch: w.watch, Log: log})
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel = cancel
	r.lane = r.engine.Lane(ctx, handle{w.ledger, r.dead.Load}, w.committed, w.ledger.settled())
	w.running = r
	return r
}

// take lets the lane read what is in the log.
func (w *world) take() {
	r := w.running
	for ; r.taken < int64(len(w.log)); r.taken++ {
		r.lane.Take(w.log[r.taken], r.taken)
		r.lane.Passed(r.taken + 1)
	}
	r.lane.Caught()
}

// until turns the lane until done says so, or the time is up.
func (w *world) until(within time.Duration, done func() bool) bool {
	w.take()
	for began := clock.Now(); clock.Since(began) < within; time.Sleep(200 * time.Microsecond) {
		w.running.lane.Turn()
		safe, err := w.running.lane.Safe()
		if err == nil && safe > w.committed {
			w.committed = safe
			w.ledger.commit(safe)
		}
		if done() {
			return true
		}
	}
	return false
}

// settle waits until everything of the log is delivered or dead.
func (w *world) settle(t *testing.T) {
	t.Helper()
	if w.running == nil {
		w.start(t)
	}
	if !w.until(w.c.Patience, w.through) {
		_, err := w.running.lane.Safe()
		t.Fatalf("%d records are not delivered after %s (%v); the sink said:\n%s", w.running.lane.Pending(), w.c.Patience, err, w.said)
	}
}

func (w *world) through() bool { return w.committed == int64(len(w.log)) }

// stop ends the engine as a process that is told to end does.
func (w *world) stop(t *testing.T) {
	t.Helper()
	r := w.running
	w.running = nil
	r.cancel()
	left := make(chan struct{})
	go func() { r.lane.Leave(); close(left) }()
	select {
	case <-left:
	case <-time.After(w.c.Within):
		t.Fatalf("requests go on %s after they were told to end", w.c.Within)
	}
	if safe, err := r.lane.Safe(); err == nil {
		w.committed = max(w.committed, safe)
	}
	for _, problem := range r.between.problems {
		t.Error(problem)
	}
	if err := r.engine.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// kill ends the engine without goodbye: nothing more is written down or committed.
func (w *world) kill() {
	r := w.running
	w.running = nil
	r.dead.Store(true)
	r.cancel()
	r.lane.Leave()
	_ = r.engine.Close()
}

// shelf keeps what is known of credentials.
type shelf struct{ by sync.Map }

func (s *shelf) Load(key string) []byte {
	value, _ := s.by.Load(key)
	text, _ := value.([]byte)
	return text
}

func (s *shelf) Save(_ context.Context, key string, value []byte) error {
	s.by.Store(key, value)
	return nil
}

// name is what an item is delivered under.
func (w *world) name(i delivery.Item) string {
	if w.named == nil {
		return i.Key
	}
	name, _ := w.named(&i)
	return name
}

// about is what the item of a dead letter is delivered under.
func (w *world) about(d *schemas.DeadLetter) string {
	key := keyOf(d)
	for _, i := range w.log {
		if i.Key == key {
			return w.name(i)
		}
	}
	return key
}

func keyOf(d *schemas.DeadLetter) string {
	return d.Location[:max(0, strings.LastIndexByte(d.Location, '@'))]
}

// want is what the destination has to hold.
func (w *world) want() map[string]string {
	newest := map[string]int{}
	for n, i := range w.log {
		if at, ok := newest[i.Key]; !ok || i.Revision >= w.log[at].Revision {
			newest[i.Key] = n
		}
	}
	want := map[string]string{}
	for n, i := range w.log {
		if newest[i.Key] == n && !w.poisoned[i.Key] && !w.poisoned[w.name(i)] {
			for key, value := range w.destination.Shows(i) {
				want[key] = value
			}
		}
	}
	return want
}

// check says what the sink did that none may, and ends it.
func (w *world) check(t *testing.T) {
	t.Helper()
	if w.running != nil {
		w.stop(t)
	}
	if diff := cmp.Diff(w.want(), w.destination.Holds()); diff != "" {
		t.Errorf("the destination holds (-want +got)\n%s", diff)
	}
	if w.destination.Violations != nil {
		for _, v := range w.destination.Violations() {
			t.Errorf("violation: %s", v)
		}
	}
	for _, again := range w.ledger.twice() {
		t.Errorf("acknowledged and sent again: %s", again)
	}
	for _, d := range w.ledger.dead() {
		if !w.poisoned[w.about(&d)] && !w.poisoned[keyOf(&d)] {
			t.Errorf("dead letter: %s %s: %s", d.Location, d.Reason, d.Detail)
		}
	}
	w.secrets(t)
}

func (w *world) secrets(t *testing.T) {
	t.Helper()
	shown := []string{w.said.String()}
	for _, d := range w.ledger.dead() {
		shown = append(shown, d.Detail+" "+string(d.Payload))
	}
	for _, a := range w.ledger.attempts {
		shown = append(shown, a.Error)
	}
	for _, secret := range w.c.Secrets {
		for _, text := range shown {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("a secret is shown: …%s", fmt.Sprintf("%.60s", text[max(0, at-40):at]))
			}
		}
	}
}

// said is what was logged.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
	file *os.File // of a process that is to be killed
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		return s.file.Write(p)
	}
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
