package iservice

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// tenant is a server that answers as the vendor's guide says: by form and endpoint, with a session in a cookie.
type tenant struct {
	*httptest.Server
	t  *testing.T
	mu sync.Mutex

	answers  map[string]func(request map[string]any) string // by form and endpoint
	session  int                                            // number of the session that holds
	logins   int
	left     int    // calls until the session ends; below 0: it never does
	expiry   string // what an answer without a session says
	status   int    // of such an answer
	password string
	date     time.Time
	asked    []string // forms and endpoints, logins left out
	bodies   []map[string]any
}

func newTenant(t *testing.T) *tenant {
	t.Helper()
	s := &tenant{t: t, answers: map[string]func(map[string]any) string{}, left: -1, expiry: `{"errors":["Your session has expired"]}`, status: http.StatusOK, password: "s3cret!!", date: noon}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	s.answers["webapp-api-login?api=loggedin"] = func(map[string]any) string {
		return `{"errors":[],"errorDetails":[],"id":"5045","rights":["agent"]}`
	}
	return s
}

// says has an endpoint answer with a file of testdata, or with a text that begins with { or [.
func (s *tenant) says(call, answer string) {
	if !strings.HasPrefix(answer, "{") && !strings.HasPrefix(answer, "[") {
		answer = read(s.t, answer)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[call] = func(map[string]any) string { return answer }
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (s *tenant) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	call := strings.TrimPrefix(r.URL.Path, "/f/")
	if api := r.URL.Query().Get("api"); api != "" {
		call += "?api=" + api
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	body := map[string]any{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &body); err != nil {
			s.t.Errorf("%s: the request %q is no JSON", call, text)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Date", s.date.Format(http.TimeFormat))
	if call == "webapp-api-login?api=login" {
		s.logins++
		if body["password"] != s.password {
			_, _ = io.WriteString(w, `{"errors":["Invalid user name or password"],"errorsDetails":["login"]}`)
			return
		}
		s.session++
		http.SetCookie(w, &http.Cookie{Name: "iServiceSession", Value: fmt.Sprintf("session-%d", s.session), Path: "/", HttpOnly: true})
		_, _ = io.WriteString(w, `{"errors":[""],"errorDetails":""}`)
		return
	}
	cookie, err := r.Cookie("iServiceSession")
	if err != nil || cookie.Value != fmt.Sprintf("session-%d", s.session) || s.left == 0 {
		if s.left == 0 {
			s.left = -1
			s.session++ // the old one is worth nothing
		}
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, s.expiry)
		return
	}
	if s.left > 0 {
		s.left--
	}
	s.asked, s.bodies = append(s.asked, call), append(s.bodies, body)
	answer := s.answers[call]
	if answer == nil {
		_, _ = io.WriteString(w, `{"errors":["Unknown api"]}`)
		return
	}
	_, _ = io.WriteString(w, answer(body))
}

// clockwork is a watch that stands still but for sleep.
type clockwork struct {
	mu sync.Mutex
	at time.Time
}

func (c *clockwork) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clockwork) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(max(d, 0))
	return ctx.Err()
}

// collected is what a source handed over.
type collected struct {
	contacts []schemas.Contact
	states   []schemas.AgentState
	workers  []schemas.Worker
	queues   []schemas.QueueInterval
	pairs    []schemas.AgentQueueInterval
	agents   []schemas.AgentInterval
	dead     []schemas.DeadLetter
	marks    map[string]int64
	cursor   []byte
}

func (c *collected) Contact(_ context.Context, f *schemas.Contact) error {
	c.contacts = append(c.contacts, *f)
	return nil
}

func (c *collected) AgentState(_ context.Context, f *schemas.AgentState) error {
	c.states = append(c.states, *f)
	return nil
}

func (c *collected) Shift(context.Context, *schemas.Shift) error { return nil }

func (c *collected) Worker(_ context.Context, f *schemas.Worker) error {
	c.workers = append(c.workers, *f)
	return nil
}

func (c *collected) QueueInterval(_ context.Context, f *schemas.QueueInterval) error {
	c.queues = append(c.queues, *f)
	return nil
}

func (c *collected) AgentQueueInterval(_ context.Context, f *schemas.AgentQueueInterval) error {
	c.pairs = append(c.pairs, *f)
	return nil
}

func (c *collected) AgentInterval(_ context.Context, f *schemas.AgentInterval) error {
	c.agents = append(c.agents, *f)
	return nil
}

func (c *collected) Reject(_ context.Context, d *schemas.DeadLetter) error {
	c.dead = append(c.dead, *d)
	return nil
}
func (c *collected) Commit(_ context.Context, cursor []byte) error { c.cursor = cursor; return nil }
func (c *collected) Mark(_ context.Context, fact string, at int64) error {
	if c.marks == nil {
		c.marks = map[string]int64{}
	}
	c.marks[fact] = at
	return nil
}

// recall reads back what was collected.
func (c *collected) recall(_ context.Context, kind string, _ time.Time, each func(any)) error {
	switch kind {
	case "contact":
		for i := range c.contacts {
			each(&c.contacts[i])
		}
	case "interval":
		for i := range c.queues {
			each(&c.queues[i])
		}
		for i := range c.pairs {
			each(&c.pairs[i])
		}
		for i := range c.agents {
			each(&c.agents[i])
		}
	}
	return nil
}

// options reads options as a pipeline file gives them.
func options(t *testing.T, text string) (*Options, string) {
	t.Helper()
	root, problems := spec.Document("p.yaml", []byte(text))
	o := new(Options)
	if root != nil {
		problems = append(problems, spec.Decode(root, o, spec.Source{File: "p.yaml", Path: "ingest.mail", Also: []string{"type"}})...)
	}
	if err := spec.Err(spec.Sort(problems)); err != nil {
		return nil, err.Error()
	}
	return o, ""
}

// reading is a source at a tenant, read again and again.
type reading struct {
	*tenant
	out   *collected
	watch *clockwork
	deps  ingest.Deps
	o     *Options
	log   bytes.Buffer
}

// noon is when tests take place.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func (s *tenant) reading(streams string) *reading {
	s.t.Helper()
	o, problems := options(s.t, "url: "+s.URL+"\nusername: wfm\npassword: s3cret!!\ntimezone: UTC\nrate: 1000\n"+streams)
	if problems != "" {
		s.t.Fatal(problems)
	}
	r := &reading{tenant: s, out: &collected{}, watch: &clockwork{at: noon}, o: o}
	r.deps = ingest.Deps{
		Tenant: "acme", Pipeline: "mail", Name: "mail", Zone: time.UTC, Drain: true, Log: slog.New(slog.NewTextHandler(&r.log, nil)), Now: r.watch.Now, Watch: r.watch,
		Recall: r.out.recall, Bounds: quarters,
	}
	return r
}

func quarters(ms int64) (start, end int64) {
	start = ms - ms%900_000
	return start, start + 900_000
}

// once reads what is due, as a run that was started anew does.
func (r *reading) once() error {
	r.t.Helper()
	s, err := open(r.o, r.deps)
	if err != nil {
		r.t.Fatal(err)
	}
	return s.Run(r.t.Context(), r.out.cursor, r.out)
}

func (r *reading) must() *collected {
	r.t.Helper()
	if err := r.once(); err != nil {
		r.t.Fatal(err)
	}
	return r.out
}

// at is an instant of the day, milliseconds.
func at(clock string) int64 {
	t, err := time.Parse("15:04:05", clock)
	if err != nil {
		panic(err) // of the test itself
	}
	return time.Date(2026, 3, 2, t.Hour(), t.Minute(), t.Second(), 0, time.UTC).UnixMilli()
}
