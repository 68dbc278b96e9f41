package sourcetest

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/internal/spec"
)

// Whose facts they are.
const (
	Tenant = "acme"
	Name   = "source"
)

// Case is a source and its vendor.
type Case struct {
	Registration ingest.Registration
	YAML         string // the options as in a pipeline file; ${URL} is the endpoint's address
	Env          map[string]string
	Secrets      []string
	// Vendor makes the vendor anew for each run from scratch. Its answers are to depend only on what is asked and on the watch.
	Vendor func(t *testing.T, w clock.Watch) http.Handler
	Now    time.Time // what the watch shows when a run begins; the machine's time if zero
	Speed  float64   // of the watch; 200 if 0: pauses between attempts are short then
	Zone   *time.Location
	Bounds func(ms int64) (start, end int64) // 15 minutes by UTC if nil
	// Survives are the faults that the source is put to; Faults if nil. Sources that a vendor calls have none: an empty slice.
	Survives []Fault
	// Stops is at how many places it is killed; 12 if 0.
	Stops int
	// Idle says that the vendor has nothing: no facts is no failure.
	Idle bool
	// Within is how soon it has to end when it is told to, by the machine's clock; 15 s if 0.
	Within time.Duration
}

// world is a vendor, the way to it, and what outlives a source: log, budgets, and what was logged.
type world struct {
	c      *Case
	way    *endpoint
	watch  clock.Watch
	log    *Log
	store  *values
	said   *said
	errors []error
}

func newWorld(t *testing.T, c *Case) *world {
	t.Helper()
	at := clock.Now()
	shown, speed := c.Now, c.Speed
	if shown.IsZero() {
		shown = at
	}
	if speed == 0 {
		speed = 200
	}
	w := &world{c: c, watch: clock.Fast(shown, at, speed), store: &values{by: map[string][]byte{}}, said: &said{}}
	vendor := http.NotFoundHandler()
	if c.Vendor != nil {
		vendor = c.Vendor(t, w.watch)
	}
	w.way = newEndpoint(vendor)
	t.Cleanup(w.way.close)
	w.log = NewLog(w.watch)
	return w
}

// open makes the source as a user would.
func (w *world) open(t *testing.T, drain bool) ingest.Source {
	t.Helper()
	env := spec.Environment{"URL": w.way.URL}
	for name, value := range w.c.Env {
		env[name] = value
	}
	node, problems := spec.Document("source.yaml", []byte(w.c.YAML))
	if err := spec.Err(problems); err != nil {
		t.Fatal(err)
	}
	options := w.c.Registration.New()
	if err := spec.Err(spec.Decode(node, options, spec.Source{File: "source.yaml", Env: env, Also: []string{"type"}})); err != nil {
		t.Fatal(err)
	}
	zone, bounds := w.c.Zone, w.c.Bounds
	if zone == nil {
		zone = time.UTC
	}
	if bounds == nil {
		const quarter = 15 * 60 * 1000
		bounds = func(ms int64) (start, end int64) { return ms - ms%quarter, ms - ms%quarter + quarter }
	}
	source, err := w.c.Registration.Open(options, ingest.Deps{
		Tenant: Tenant, Pipeline: "pipeline", Name: Name, Zone: zone, Bounds: bounds, Drain: drain,
		Log: slog.New(slog.NewTextHandler(w.said, &slog.HandlerOptions{Level: slog.LevelDebug})), Progress: silent{}, Now: clock.Now,
		Watch: w.watch, Keyring: (&quota.Keyring{Watch: w.watch}).With(w.store), Recall: w.log.Recall,
	})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// run runs the source from where the log says until it ends or ctx does.
func (w *world) run(ctx context.Context, t *testing.T, drain bool) error {
	t.Helper()
	source := w.open(t, drain)
	w.log.mu.Lock()
	cursor := w.log.cursor
	w.log.mu.Unlock()
	err := source.Run(ctx, cursor, w.log)
	if err != nil {
		w.errors = append(w.errors, err)
	}
	return err
}

// finish runs the source until it has read all there is.
func (w *world) finish(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var err error
	for range 8 { // draining, a failure ends the run; the next goes on from the cursor
		if err = w.run(ctx, t, true); err == nil {
			return
		}
		w.log.Crash()
	}
	t.Fatalf("the source does not get through: %v", err)
}

type silent struct{}

func (silent) Report(string, int64, int64, string) {}

// said is what was logged.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
