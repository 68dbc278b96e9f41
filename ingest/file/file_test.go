package file

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// recorded is an ingest.Out that keeps what it is given, as the runtime would: copies.
type recorded struct {
	contacts []schemas.Contact
	states   []schemas.AgentState
	shifts   []schemas.Shift
	workers  []string
	dead     []schemas.DeadLetter
	marks    []int64
	cursor   []byte
	commits  int
}

func cloneContact(c *schemas.Contact) schemas.Contact {
	d := *c
	for _, s := range []*string{&d.InteractionID, &d.Segment, &d.Channel, &d.QueueID, &d.QueueName, &d.AgentID, &d.AgentName} {
		*s = strings.Clone(*s)
	}
	return d
}

func (r *recorded) Contact(_ context.Context, c *schemas.Contact) error {
	r.contacts = append(r.contacts, cloneContact(c))
	return nil
}

func (r *recorded) AgentState(_ context.Context, a *schemas.AgentState) error {
	d := *a
	for _, s := range []*string{&d.AgentID, &d.AgentName, &d.StateID, &d.Reason, &d.Channel} {
		*s = strings.Clone(*s)
	}
	r.states = append(r.states, d)
	return nil
}

func (r *recorded) Shift(_ context.Context, s *schemas.Shift) error {
	d := *s
	for _, s := range []*string{&d.AgentID, &d.ShiftID, &d.Activity} {
		*s = strings.Clone(*s)
	}
	r.shifts = append(r.shifts, d)
	return nil
}

func (r *recorded) Worker(_ context.Context, w *schemas.Worker) error {
	r.workers = append(r.workers, fmt.Sprint(w.WorkerID, " ", w.Email, " ", w.Active))
	return nil
}

func (r *recorded) QueueInterval(context.Context, *schemas.QueueInterval) error           { return nil }
func (r *recorded) AgentQueueInterval(context.Context, *schemas.AgentQueueInterval) error { return nil }
func (r *recorded) AgentInterval(context.Context, *schemas.AgentInterval) error           { return nil }

func (r *recorded) Reject(_ context.Context, d *schemas.DeadLetter) error {
	c := *d
	c.Payload = append([]byte(nil), d.Payload...)
	r.dead = append(r.dead, c)
	return nil
}

func (r *recorded) Commit(_ context.Context, cursor []byte) error {
	r.cursor, r.commits = append([]byte(nil), cursor...), r.commits+1
	return nil
}

func (r *recorded) Mark(_ context.Context, _ string, through int64) error {
	r.marks = append(r.marks, through)
	return nil
}

var utc = time.UTC

func parseOptions(t testing.TB, text string) *Options {
	t.Helper()
	node, problems := spec.Document("test.yaml", []byte(text))
	if err := spec.Err(problems); err != nil {
		t.Fatal(err)
	}
	o := new(Options)
	if err := spec.Err(spec.Decode(node, o, spec.Source{File: "test.yaml", Also: []string{"type"}})); err != nil {
		t.Fatal(err)
	}
	return o
}

func deps(drain bool) ingest.Deps {
	return ingest.Deps{
		Name: "calls", Zone: utc, Drain: drain, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, utc) },
	}
}

// drain runs a source to its end, from the cursor in got.
func drain(t testing.TB, o *Options, got *recorded) error {
	t.Helper()
	s, err := Registration.Open(o, deps(true))
	if err != nil {
		t.Fatal(err)
	}
	return s.Run(context.Background(), got.cursor, got)
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
