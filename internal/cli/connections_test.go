package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/internal/identity"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
)

func (echo) Workers(_ context.Context, _ *Session, list []*pipelines.Pipeline) (all []*identity.Matched, err error) {
	for _, p := range list {
		var facts []identity.Fact
		add := func(source, id, agent, email, name string, revision int64, active bool) {
			facts = append(facts, identity.Fact{At: revision * 60_000, Worker: schemas.Worker{
				Source: source, WorkerID: id, AgentID: agent, Email: email, Name: name, Revision: revision, Active: active,
			}})
		}
		if p.Name != "crooked" {
			add("five9", "1", "jane.doe", "jane@x.com", "Jane Doe", 1, true)
			add("gladly", "g1", "agent-1", "jane@x.com", "Jane", 1, true)
			add("five9", "2", "left", "left@x.com", "Left Over", 1, false)
			add("gladly", "g2", "left", "left@x.com", "Left Over", 1, false)
		}
		if p.Name == "p" {
			add("five9", "3", "t1", "team@x.com", "One", 1, true)
			add("five9", "4", "t2", "team@x.com", "Two", 1, true)
			add("gladly", "g5", "", "", "", 1, true)
			add("five9", "6", "kim", "lee@x.com", "Kim", 1, true)
			add("five9", "6", "kim", "kim@x.com", "Kim", 2, true)
		}
		all = append(all, identity.Match(p.Tenant, facts, identity.Of(p.Identity)))
	}
	return all, nil
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func (echo) Sources(_ context.Context, _ *Session, list []*pipelines.Pipeline) (all []*SourceReport, err error) {
	for _, p := range list {
		r := &SourceReport{Pipeline: p.Name, Path: p.Path, Now: noon}
		r.Streams = []SourceStream{
			{Source: "calls", Type: "five9", Stream: "calls", Begun: true, Behind: 12 * time.Minute, Through: noon.Add(-12 * time.Minute), Read: noon.Add(-2 * time.Minute),
				Due: noon.Add(13 * time.Minute), Cursor: `{"report":"7"}`},
			{Source: "calls", Type: "five9", Stream: "users", Begun: true, Behind: -1, FailedAt: noon.Add(-26 * time.Hour), Error: "the server says 503", Bytes: 12},
			{Source: "new", Type: "webhook", Behind: -1},
			{Source: "rows", Type: "file", Begun: true, Behind: -1, Cursor: "{\n  \"mapping\": \"x\"\n}"},
		}
		r.Credentials = []Credential{{Name: "five9/wfm@host", Report: quota.Report{
			Usage: []quota.Usage{{Limit: quota.Limit{Operation: "report", Count: 500, Per: time.Hour}, Spent: 312, Until: noon.Add(time.Hour)},
				{Limit: quota.Limit{Operation: "report", Count: 6000, Per: 24 * time.Hour}, Spent: 900, Until: noon.Add(12 * time.Hour)}},
			Holds: map[string]time.Time{"report": noon.Add(time.Minute)},
		}}}
		r.Use("five9/wfm@host", "calls")
		r.Use("five9/other@host", "calls")
		switch p.Name {
		case "crooked":
			r.Credentials[0].Refused, r.Credentials[0].Why = noon.Add(-time.Hour), "401 Unauthorized."
		case "running":
			r.Reader = `process 7 on "a"`
		}
		all = append(all, r)
	}
	return all, nil
}

func (echo) ResetSource(_ context.Context, s *Session, _ *pipelines.Pipeline, source, stream string, to time.Time) error {
	if stream == "nothing" {
		return errors.New(`source "calls" has no flow "nothing" that has read anything: it has calls, users`)
	}
	s.Screen.Line("reset %s %q %t", source, stream, to.Equal(time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC)))
	return nil
}

func (echo) UnlockSource(_ context.Context, _ *Session, p *pipelines.Pipeline, _ string) ([]string, error) {
	if p.Name == "crooked" {
		return []string{"five9/other@host"}, nil
	}
	return nil, nil
}

func (echo) CheckSources(_ context.Context, _ *Session, list []SourcesOf, each func(*pipelines.Pipeline, string, ingest.Finding)) error {
	for _, of := range list {
		for _, s := range of.Sources {
			each(of.Pipeline, s.Name, ingest.Finding{What: "reachable", Outcome: ingest.Fine, Detail: "200 OK in 31ms"})
			if of.Pipeline.Name == "running" {
				each(nil, "", ingest.Finding{What: "Kafka", Outcome: ingest.Doubt, Detail: "away"})
			}
			if of.Pipeline.Name == "crooked" {
				each(of.Pipeline, s.Name, ingest.Finding{What: `report "WFM/Calls"`, Outcome: ingest.Failure, Detail: "has no column\nQUEUE WAIT TIME: add it"})
			}
		}
	}
	return nil
}

const connectedFile = "pipeline: %s\ntenant: acme\ntimezone: Europe/Berlin\ningest:\n  calls: {type: file, path: calls.csv, as: contact, fields: {interaction_id: id}}\n" +
	"transform:\n  - intervals: {late: revise}\nsinks:\n  warehouse: {type: clickhouse}\n"

func TestResetAsksOnATerminal(t *testing.T) {
	path := pipelineFile(t, fmt.Sprintf(connectedFile, "p"))
	f := func(answer string, done bool) {
		t.Helper()
		var stdout, stderr strings.Builder
		look := console.Look{Terminal: true, Width: 100}
		code := Execute(t.Context(), echo{}, Surroundings{
			Args:  []string{"sources", "reset", path, "calls", "--stream", "calls", "--to", "2026-03-02"},
			Stdin: strings.NewReader(answer), StdinTerminal: true, Stdout: &stdout, Stderr: &stderr, Out: look, Err: look,
		})
		want := "calls/calls is complete through 2026-03-02 11:48:00 UTC, and will be read again from 2026-03-01 23:00:00 UTC.\n"
		if done {
			want += "reset calls \"calls\" true\ncalls/calls is read again from 2026-03-01 23:00:00 UTC when `quarterhour run` reads it next.\n"
		} else {
			want += "Nothing was changed.\n"
		}
		if diff := cmp.Diff(want, stdout.String()); diff != "" || code != 0 || !strings.Contains(stderr.String(), "Do it? [y/N]") {
			t.Errorf("%q: exit code %d\n%s%s", answer, code, diff, stderr.String())
		}
	}
	f("y\n", true)
	f("YES\n", true)
	f("\n", false)
	f("no\n", false)
	f("", false)
}

func TestSourcesOnATerminal(t *testing.T) {
	path := pipelineFile(t, fmt.Sprintf(connectedFile, "p"))
	code, out := on(t, console.Look{Terminal: true, Width: 130}, "", "sources", "list", path)
	want := `
┌────────┬────────┬──────────────────┬────────┬───────────┬──────────┬─────────────────┬──────────────────────────────────────┐
│ source │ stream │ complete through │ behind │ last read │ next due │ budget          │ last error                           │
├────────┼────────┼──────────────────┼────────┼───────────┼──────────┼─────────────────┼──────────────────────────────────────┤
│ calls  │ calls  │ 11:48:00         │    12m │ 11:58:00  │ 12:13:00 │ 312/500 an hour │                                      │
│ calls  │ users  │ –                │      – │ –         │ –        │ 312/500 an hour │ 2026-03-01 10:00 the server says 503 │
│ new    │ –      │ –                │      – │ –         │ –        │ –               │ not read yet                         │
│ rows   │ –      │ –                │      – │ –         │ –        │ –               │                                      │
└────────┴────────┴──────────────────┴────────┴───────────┴──────────┴─────────────────┴──────────────────────────────────────┘
`
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), out); diff != "" || code != 0 {
		t.Errorf("exit code %d\n%s", code, diff)
	}
}

func TestCompletionOfSources(t *testing.T) {
	path := pipelineFile(t, "pipeline: p\ntenant: ${UNSET}\ningest:\n  five9-eu: {type: five9, streams: {calls: {}, own: {}}}\n  rows: {type: file}\n")
	f := func(want string, args ...string) {
		t.Helper()
		_, out := on(t, console.Look{}, "", append([]string{"__complete"}, args...)...)
		var words []string
		for line := range strings.Lines(out) {
			if word, _, _ := strings.Cut(strings.TrimSpace(line), "\t"); word != "" && !strings.HasPrefix(word, ":") && !strings.HasPrefix(word, "Completion") {
				words = append(words, word)
			}
		}
		if got := strings.Join(words, " "); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q, want %q", args, got, want)
		}
	}
	f("yaml yml", "sources", "show", "")
	f("five9-eu rows", "sources", "show", path, "")
	f("rows", "sources", "check", path, "five9-eu", "")
	f("five9-eu rows", "sources", "reset", path, "")
	f("agent_states calls", "sources", "reset", path, "five9-eu", "--stream", "")
}

func pipelineFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
