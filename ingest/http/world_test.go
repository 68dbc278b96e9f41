package http

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// log is an ingest.Out that keeps what it is given, as text.
type log struct {
	ingest.Out // for what is not called
	facts      []string
	dead       []string
	payloads   []string
	marks      []string
	cursor     []byte
}

func at(ms int64) string {
	if ms == schemas.Null {
		return "-"
	}
	return time.UnixMilli(ms).UTC().Format("15:04:05")
}

func (l *log) Contact(_ context.Context, c *schemas.Contact) error {
	line := fmt.Sprintf("%s %s %s", c.InteractionID, c.QueueID, at(c.OfferedAt))
	if c.Retracted {
		line = c.InteractionID + " retracted"
	}
	l.facts = append(l.facts, line)
	return nil
}

func (l *log) AgentState(_ context.Context, a *schemas.AgentState) error {
	l.facts = append(l.facts, fmt.Sprintf("%s %s %s", a.AgentID, a.State, at(a.StartedAt)))
	return nil
}

func (l *log) Worker(_ context.Context, w *schemas.Worker) error {
	l.facts = append(l.facts, fmt.Sprintf("%s %s %v", w.WorkerID, w.Email, w.Active))
	return nil
}

func (l *log) Reject(_ context.Context, d *schemas.DeadLetter) error {
	l.dead = append(l.dead, d.Location+": "+d.Reason)
	l.payloads = append(l.payloads, string(d.Payload))
	return nil
}

func (l *log) Commit(_ context.Context, cursor []byte) error {
	l.cursor = append([]byte(nil), cursor...)
	return nil
}

func (l *log) Mark(_ context.Context, fact string, through int64) error {
	l.marks = append(l.marks, fact+" "+at(through))
	return nil
}

// dozer is a watch on which nothing takes time but sleep.
type dozer struct {
	mu  sync.Mutex
	now time.Time
}

func (d *dozer) Now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *dozer) Sleep(ctx context.Context, pause time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(max(pause, 0))
	return ctx.Err()
}

// noon is when tests begin.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func problems(text string) (*Options, error) {
	o := new(Options)
	node, list := spec.Document("p.yaml", []byte(text))
	if len(list) == 0 {
		list = spec.Decode(node, o, spec.Source{File: "p.yaml", Path: "ingest.api", Also: []string{"type"}})
	}
	return o, spec.Err(list)
}

func parse(t testing.TB, text string) *Options {
	t.Helper()
	o, err := problems(text)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// api records what is asked, and answers with what the handler says.
type api struct {
	mu    sync.Mutex
	asked []string // path, query and body
	url   string
}

func serve(t testing.TB, handler nethttp.HandlerFunc) *api {
	t.Helper()
	a := &api{}
	server := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		body, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		a.asked = append(a.asked, strings.TrimSuffix(r.URL.RequestURI()+" "+string(body), " "))
		a.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

// deps are those of a draining run at noon.
func deps(watch *dozer) ingest.Deps {
	return ingest.Deps{Tenant: "t", Pipeline: "p", Name: "api", Zone: time.UTC, Drain: true, Log: slog.New(slog.DiscardHandler), Watch: watch, Now: watch.Now, Keyring: &quota.Keyring{Watch: watch}}
}

// drain reads what the API has, once.
func drain(t testing.TB, a *api, l *log, options string) error {
	t.Helper()
	s, err := open(parse(t, "url: "+a.url+"/v1\n"+options), deps(&dozer{now: noon}))
	if err != nil {
		t.Fatal(err)
	}
	return s.Run(context.Background(), l.cursor, l)
}
