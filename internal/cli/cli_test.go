package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"quarterhour": func() { os.Exit(Main(echo{})) }})
}

// TestScripts runs testdata/script/*.txt: command lines as a user would type them, against the App below.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("UPDATE") != "",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":   exits,
			"waitfor": waitFor,
		},
	})
}

// exits runs a command and checks its exit code: exits 2 quarterhour validate p.yaml
func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if want, _ := strconv.Atoi(args[0]); code != want {
		ts.Fatalf("exit code %d, want %d\n%s", code, want, ts.ReadFile("stderr"))
	}
}

// waitFor waits until a file is there.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	for range 500 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s did not come", args[0])
}

// echo stands where the system will: it answers from what it is asked, so that the scripts see what reached it.
type echo struct{}

func (echo) Run(ctx context.Context, s *Session, list []*pipelines.Pipeline, o RunOptions) error {
	for _, p := range list {
		s.Screen.Line("run %s data=%s http=%s stages=%v drain=%t by %q", p.Name, s.System.Data, s.System.HTTP.Addr, o.Stages, o.Drain, s.Command)
	}
	s.Log.Info("started")
	if o.Drain && list[0].Name != "endless" {
		return nil
	}
	if err := os.WriteFile("started", nil, 0o600); err != nil {
		return err
	}
	<-ctx.Done()
	if list[0].Name == "stubborn" {
		_ = os.WriteFile("stopping", nil, 0o600)
		time.Sleep(time.Minute)
	}
	return ctx.Err()
}

func (echo) Query(_ context.Context, _ *Session, sql, format string) (*Answer, error) {
	switch {
	case sql == "SELECT wrong":
		return nil, errors.New("Code: 47. DB::Exception: Unknown identifier: wrong.\n(UNKNOWN_IDENTIFIER)")
	case strings.HasSuffix(sql, "FORMAT CSV"):
		return &Answer{Format: "CSV", Body: io.NopCloser(strings.NewReader("\"a\",1\n"))}, nil
	case format == TableFormat:
		return &Answer{Format: format, Body: io.NopCloser(strings.NewReader("queue\toffered\nString\tNullable(UInt32)\nsa\\tles\t12\nall\t\\N\n"))}, nil
	}
	return &Answer{Format: format, Body: io.NopCloser(strings.NewReader(sql + "\t" + format + "\n"))}, nil
}

func (echo) Migrate(context.Context, *Session) ([]Migration, error) {
	return []Migration{{"0001 tables", "unchanged"}, {"0002 views", "applied"}}, nil
}

func (echo) DeadLetters(_ context.Context, _ *Session, each func(*schemas.DeadLetter) bool) error {
	for i, where := range []string{"calls.csv:3", "calls.csv:17", "calls.csv:17", "calls.csv:20", "queue/q1@4", "queue/q2@1"} {
		d := schemas.DeadLetter{Pipeline: "p", Stage: "ingest", Source: "calls", Reason: "time", Detail: `"25:00" is no time`,
			Location: where, Payload: []byte("a,25:00\x1b"), RejectedAt: int64(i) * 1000}
		if i == 3 {
			d.Reason, d.Payload = "columns", []byte{0xff, 0}
		}
		if i > 3 {
			d.Stage, d.Source, d.Reason, d.Detail = "sink", "wfm", "unknown_queue", "no such queue"
		}
		if !each(&d) {
			return nil
		}
	}
	return nil
}

func (echo) Demo(ctx context.Context, s *Session, o DemoOptions) error {
	s.Screen.Line("%d agents, seed %d, stay %t", o.Agents, o.Seed, o.Stay)
	return errors.New("the check failed: 3 of 1,000 cells differ")
}

func (echo) Bench(_ context.Context, _ *Session, words []string, each func(Measurement)) error {
	if len(words) == 0 {
		each(Measurement{Name: "decode contact", Value: "141 ns", Target: "≤ 150 ns", Held: true})
	}
	return nil
}

// on runs a command line on a terminal.
func on(t *testing.T, look console.Look, stdin string, args ...string) (code int, out string) {
	t.Helper()
	var stdout, stderr strings.Builder
	code = Execute(t.Context(), echo{}, Surroundings{
		Args: args, Stdin: strings.NewReader(stdin), StdinTerminal: stdin == "", Stdout: &stdout, Stderr: &stderr, Out: look, Err: look,
	})
	return code, stdout.String() + stderr.String()
}

func TestOnATerminal(t *testing.T) {
	f := func(want string, wantCode int, stdin string, args ...string) {
		t.Helper()
		code, out := on(t, console.Look{Terminal: true, Width: 80}, stdin, args...)
		if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), out); diff != "" || code != wantCode {
			t.Errorf("%q: exit code %d, want %d\n%s", args, code, wantCode, diff)
		}
	}
	f(`
┌─────────┬─────────┐
│ queue   │ offered │
├─────────┼─────────┤
│ sa\tles │      12 │
│ all     │    NULL │
└─────────┴─────────┘
2 rows
`, 0, "", "query", "SELECT 1;")
	f("\"a\",1\n", 0, "", "query", "SELECT 1 FORMAT CSV") // the statement's own format
	f("SELECT 1\tJSON\n", 0, "SELECT 1;\n", "query", "--format", "JSON")
	f("no SQL given: put it in quotes as an argument, or on standard input (see quarterhour query --help)\n", 2, "", "query")
	f("200 agents, seed 1, stay true\nthe check failed: 3 of 1,000 cells differ\n", 1, "", "demo")
	f("50 agents, seed 7, stay false\nthe check failed: 3 of 1,000 cells differ\n", 1, "", "demo", "--agents=50", "--seed=7", "--stay=false")
}

// TestEveryCommandExplainsItself keeps --help useful: a line, a paragraph and an example for each.
func TestEveryCommandExplainsItself(t *testing.T) {
	root := Root()
	for _, cmd := range append(root.Commands(), root) {
		for _, c := range append(cmd.Commands(), cmd) {
			if c.Hidden {
				continue
			}
			if c.Short == "" || c.Long == "" || c.Example == "" {
				t.Errorf("%s: Short, Long and Example are needed", c.CommandPath())
			}
			for line := range strings.SplitSeq(c.Long+"\n"+c.Example, "\n") {
				if len([]rune(line)) > 125 {
					t.Errorf("%s: line of %d characters: %q", c.CommandPath(), len([]rune(line)), line)
				}
			}
		}
	}
}
