package five9

import (
	"context"
	"log/slog"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	vendor "github.com/quarterhour/quarterhour/internal/simulator/five9"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// hands is a watch that a test moves. Sleeping moves it on.
type hands struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hands) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hands) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(max(d, 0))
}

func (h *hands) Sleep(ctx context.Context, d time.Duration) error {
	h.move(d)
	return ctx.Err()
}

// recorder is a log in memory. Safe for concurrent use.
type recorder struct {
	mu       sync.Mutex
	contacts []schemas.Contact
	states   []schemas.AgentState
	workers  []schemas.Worker
	dead     []schemas.DeadLetter
	marks    map[string]int64
	cursor   []byte
	at       []time.Time // of each fact, in the order of the log
	facts    []any
	watch    *hands
}

func (r *recorder) keep(fact any) {
	r.facts = append(r.facts, fact)
	r.at = append(r.at, r.watch.Now())
}

func (r *recorder) Contact(_ context.Context, c *schemas.Contact) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.contacts = append(r.contacts, *c)
	kept := *c
	r.keep(&kept)
	return nil
}

func (r *recorder) AgentState(_ context.Context, a *schemas.AgentState) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = append(r.states, *a)
	kept := *a
	r.keep(&kept)
	return nil
}

func (r *recorder) Worker(_ context.Context, w *schemas.Worker) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.workers = append(r.workers, *w)
	kept := *w
	r.keep(&kept)
	return nil
}

func (r *recorder) Reject(_ context.Context, d *schemas.DeadLetter) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead = append(r.dead, *d)
	return nil
}

func (r *recorder) Commit(_ context.Context, cursor []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cursor = slices.Clone(cursor)
	return nil
}

func (r *recorder) Mark(_ context.Context, fact string, through int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.marks == nil {
		r.marks = map[string]int64{}
	}
	r.marks[fact] = through
	return nil
}

func (r *recorder) Shift(context.Context, *schemas.Shift) error                           { return nil }
func (r *recorder) QueueInterval(context.Context, *schemas.QueueInterval) error           { return nil }
func (r *recorder) AgentQueueInterval(context.Context, *schemas.AgentQueueInterval) error { return nil }
func (r *recorder) AgentInterval(context.Context, *schemas.AgentInterval) error           { return nil }

// recall reads the log back.
func (r *recorder) recall(_ context.Context, kind string, since time.Time, each func(fact any)) error {
	r.mu.Lock()
	facts, at := slices.Clone(r.facts), slices.Clone(r.at)
	r.mu.Unlock()
	for i, fact := range facts {
		if at[i].Before(since) {
			continue
		}
		switch fact.(type) {
		case *schemas.Contact:
			if kind == "contact" {
				each(fact)
			}
		case *schemas.AgentState:
			if kind == "agent_state" {
				each(fact)
			}
		case *schemas.Worker:
			if kind == "worker" {
				each(fact)
			}
		}
	}
	return nil
}

// newestContacts are the contacts as the log says in the end.
func (r *recorder) newestContacts() map[string]schemas.Contact {
	newest := map[string]schemas.Contact{}
	for _, c := range r.contacts {
		key := c.InteractionID + "\x00" + c.Segment
		if old, ok := newest[key]; !ok || c.Revision > old.Revision {
			newest[key] = c
		}
	}
	maps.DeleteFunc(newest, func(_ string, c schemas.Contact) bool { return c.Retracted })
	return newest
}

// newestStates are the states as the log says in the end, by agent in order.
func (r *recorder) newestStates() map[string][]schemas.AgentState {
	newest := map[string]schemas.AgentState{}
	for _, a := range r.states {
		key := a.AgentID + "\x00" + a.StateID
		if old, ok := newest[key]; !ok || a.Revision > old.Revision {
			newest[key] = a
		}
	}
	by := map[string][]schemas.AgentState{}
	for _, a := range newest {
		if !a.Retracted {
			by[a.AgentID] = append(by[a.AgentID], a)
		}
	}
	for _, list := range by {
		slices.SortFunc(list, func(a, b schemas.AgentState) int {
			if a.StartedAt != b.StartedAt {
				return int(a.StartedAt - b.StartedAt)
			}
			return int(a.Sequence - b.Sequence)
		})
	}
	return by
}

// world is a simulated domain over HTTP, and a source that reads it.
type world struct {
	*testing.T
	*vendor.Server
	centre  *centre.Centre
	watch   *hands
	out     *recorder
	keyring *quota.Keyring
	url     string
	options string
	env     spec.Environment
}

type place struct {
	zone, from, at string // the centre's zone, its first day, and when the reading begins
	reports        string // the zone of the reports, where it is another
	days           int
	size           centre.Size
}

var usual = place{zone: "America/Los_Angeles", from: "2026-03-02", at: "2026-03-02 12:00", days: 1, size: centre.Size{Agents: 10, Queues: 6, Contacts: 400}}

func newWorld(t *testing.T, p place, o vendor.Options, options string) *world {
	t.Helper()
	z, err := time.LoadLocation(p.zone)
	if err != nil {
		t.Fatal(err)
	}
	first, err := time.ParseInLocation(time.DateOnly, p.from, z)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", p.at, z)
	if err != nil {
		t.Fatal(err)
	}
	c, err := centre.New(centre.Options{Seed: 1, From: first, Days: p.days, Sizes: map[centre.Vendor]centre.Size{centre.Five9: p.size}})
	if err != nil {
		t.Fatal(err)
	}
	h := &hands{now: at}
	if o.Zone = p.reports; o.Zone == "" {
		o.Zone = p.zone
	}
	s, err := vendor.New(c, h, o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return &world{
		T: t, Server: s, centre: c, watch: h, out: &recorder{watch: h}, keyring: &quota.Keyring{Watch: h}, url: server.URL,
		options: "report_timezone: " + o.Zone + "\n" + options, env: spec.Environment{},
	}
}

const (
	account  = "username: " + vendor.User + "\npassword: " + vendor.Password + "\n"
	everyone = "streams:\n  users: {}\n  agent_states: {}\n  calls: {}\n  digital: {}\n"
)

// decoded are options as a pipeline file would have them.
func decoded(t testing.TB, text string) *Options {
	t.Helper()
	o := new(Options)
	node, list := spec.Document("p.yaml", []byte(text))
	if len(list) == 0 {
		list = spec.Decode(node, o, spec.Source{File: "p.yaml", Path: "ingest.five9", Also: []string{"type"}})
	}
	if err := spec.Err(list); err != nil {
		t.Fatal(err)
	}
	return o
}

func (w *world) deps() ingest.Deps {
	return ingest.Deps{
		Tenant: "acme", Pipeline: "voice", Name: "five9-us", Zone: time.UTC, Drain: true, Watch: w.watch, Now: w.watch.Now, Keyring: w.keyring,
		Recall: w.out.recall, Log: slog.New(slog.NewTextHandler(testLog{w.T}, &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
}

// testLog shows what is logged where a test fails.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// source is the source of the pipeline file.
func (w *world) source() *source {
	w.Helper()
	s, err := open(decoded(w.T, "url: "+w.url+"\n"+w.options), w.deps())
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// drain reads all streams once, as a process of its own.
func (w *world) drain() error {
	w.Helper()
	return w.source().Run(context.Background(), w.out.cursor, w.out)
}

// until drains every so often up to an instant.
func (w *world) until(at time.Time, every time.Duration) {
	w.Helper()
	for {
		if err := w.drain(); err != nil {
			w.Fatalf("at %s: %v", w.watch.Now(), err)
		}
		if !w.watch.Now().Before(at) {
			return
		}
		w.watch.move(min(every, at.Sub(w.watch.Now())))
	}
}

// sound fails where the vendor's rules were broken.
func (w *world) sound() {
	w.Helper()
	for _, v := range w.Violations() {
		w.Error(v)
	}
}
