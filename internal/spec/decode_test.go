package spec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type testOptions struct {
	Path   string            `cfg:"path,required" help:"file to read"`
	Key    string            `cfg:"key,secret" enum:"north|south" help:"key"`
	Every  time.Duration     `cfg:"every" default:"15m" help:"how often"`
	Rows   int               `cfg:"rows" default:"100" help:"rows at once"`
	Share  float64           `cfg:"share" default:"0.5" help:"share"`
	Follow bool              `cfg:"follow" help:"follow"`
	Mode   string            `cfg:"mode" default:"stop" enum:"stop|skip" help:"what on errors"`
	Zone   *time.Location    `cfg:"timezone" help:"zone"`
	Where  Expr              `cfg:"where" help:"which rows"`
	Fields Exprs             `cfg:"fields" help:"columns"`
	Tags   []string          `cfg:"tags" help:"tags"`
	Labels map[string]string `cfg:"labels" help:"labels"`
	CSV    struct {
		Comma string `cfg:"comma" default:"," help:"separator"`
	} `cfg:"csv" help:"csv"`
	Queues map[string]struct {
		Level time.Duration `cfg:"level" default:"20s" help:"level"`
	} `cfg:"queues" help:"queues"`
}

func (o *testOptions) Validate(problem func(path, message string)) {
	if o.Rows < 1 {
		problem("rows", "must be at least 1")
	}
	for _, f := range o.Fields {
		if strings.HasPrefix(f.Expr.Source, "!") {
			problem("fields."+f.Name, "starts with !")
		}
	}
}

func decodeText(text string) (*testOptions, string) {
	o := new(testOptions)
	root, problems := Document("p.yaml", []byte(text))
	if root != nil {
		problems = append(problems, Decode(root, o, Source{File: "p.yaml", Path: "ingest.calls", Also: []string{"type"},
			Env: Environment{"CALLS": "calls.csv", "PASSWORD": "hunter2", "EMPTY": ""}})...)
	}
	if err := Err(Sort(problems)); err != nil {
		return o, err.Error()
	}
	return o, ""
}

func TestProblems(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		_, got := decodeText(text)
		if diff := cmp.Diff(strings.Join(want, "\n"), got); diff != "" {
			t.Errorf("%s\n%s", text, diff)
		}
	}

	f("path: x\ntype: file")
	// Mistyped keys name the nearest, and a required one mistyped is one problem.
	f("path: x\nevrey: 3m", `p.yaml:2: unknown option "evrey" in ingest.calls: did you mean "every"?`)
	f("paht: x", `p.yaml:1: unknown option "paht" in ingest.calls: did you mean "path"?`)
	f("path: x\nCSV: {comma: ;}", `p.yaml:2: unknown option "CSV" in ingest.calls: did you mean "csv"?`)
	f("path: x\ncsv: {coma: ;}", `p.yaml:2: unknown option "coma" in ingest.calls.csv: did you mean "comma"?`)
	f("path: x\nqueues:\n  vip:\n    levle: 3s", `p.yaml:4: unknown option "levle" in ingest.calls.queues.vip: did you mean "level"?`)
	f("every: 1m", `p.yaml:1: ingest.calls: required option "path" is missing: file to read`)
	f("path:", `p.yaml:1: ingest.calls.path has no value: file to read`)

	// Wrong types, several at once, in the order of the file.
	f("path: x\nrows: many\nfollow: yes\nshare: [1]\ntags: a\nlabels: [a]\nwhere: {a: b}\ncsv: 3",
		`p.yaml:2: ingest.calls.rows is "many", not a whole number`,
		`p.yaml:3: ingest.calls.follow is "yes", not true or false: did you mean "true"?`,
		`p.yaml:4: ingest.calls.share is a list, not a number`,
		`p.yaml:5: ingest.calls.tags is "a", not a list`,
		`p.yaml:6: ingest.calls.labels is a list, not a section`,
		`p.yaml:7: ingest.calls.where is a section, not an expression`,
		`p.yaml:8: ingest.calls.csv is "3", not a section`)
	f("path: [x]", `p.yaml:1: ingest.calls.path is a list, not text`)
	f("path: x\nrows: 1.5", `p.yaml:2: ingest.calls.rows is "1.5", not a whole number`)
	f("path: x\nshare: .nan", `p.yaml:2: ingest.calls.share is ".nan", not a number`)
	f("path: x\nmode: skp", `p.yaml:2: ingest.calls.mode is "skp", not one of stop, skip: did you mean "skip"?`)

	// Durations and zones say what was meant.
	f("path: x\nevery: 15 min", `p.yaml:2: ingest.calls.every is "15 min", not a duration: did you mean "15m"?`)
	f("path: x\nevery: 20", `p.yaml:2: ingest.calls.every is "20", not a duration: did you mean "20m"?`)
	f("path: x\nevery: soon", `p.yaml:2: ingest.calls.every is "soon", not a duration such as "20s", "15m" or "35d"`)
	f("path: x\ntimezone: Europe/Berln", `p.yaml:2: ingest.calls.timezone is "Europe/Berln", not an IANA time zone: did you mean "Europe/Berlin"?`)
	f("path: x\ntimezone: berlin", `p.yaml:2: ingest.calls.timezone is "berlin", not an IANA time zone: did you mean "Europe/Berlin"?`)
	f("path: x\ntimezone: Local", `p.yaml:2: ingest.calls.timezone is "Local", not an IANA time zone such as "Europe/Berlin" or "UTC"`)

	// Variables: where they are missing, and never what they hold.
	f("path: ${CALS}", `p.yaml:1: ingest.calls.path: variable CALS is not set: did you mean "CALLS"?`)
	f("path: ${OTHER}", `p.yaml:1: ingest.calls.path: variable OTHER is not set: set it in the environment, or write ${OTHER:-default}`)
	f("path: ${CALLS", `p.yaml:1: ingest.calls.path: "${CALLS" has ${ without a closing }: close it, or write $${ for the characters themselves`)
	f("path: ${file:/nowhere/at/all}", `p.yaml:1: ingest.calls.path: ${file:/nowhere/at/all} cannot be read: open /nowhere/at/all: no such file or directory`)
	f("path: x\nrows: ${PASSWORD}", `p.yaml:2: ingest.calls.rows is the value of "${PASSWORD}", not a whole number`)
	f("path: x\nkey: norht", `p.yaml:2: ingest.calls.key is a secret, not one of north, south: did you mean "north"?`)
	f("path: x\nkey: {a: hunter2}", `p.yaml:2: ingest.calls.key is a section, not one of north, south`)

	// The options' own checks, at the option, and not on top of another problem of it.
	f("path: x\nrows: 0", `p.yaml:2: ingest.calls.rows must be at least 1`)
	f("path: x\nrows: none", `p.yaml:2: ingest.calls.rows is "none", not a whole number`)
	f("path: x\nfields:\n  a: |\n    !no", `p.yaml:4: ingest.calls.fields.a: starts with !`)
	f("path: x\nfields:\n  a: ok\n  b: '!no'", `p.yaml:4: ingest.calls.fields.b: starts with !`)

	// YAML itself.
	f("", `p.yaml:1: the file is empty`)
	f("# nothing", `p.yaml:1: the file is empty`)
	f("---\n", `p.yaml:2: ingest.calls: required option "path" is missing: file to read`)
	f("path: x\npath: y", `p.yaml:2: key "path" is written twice, first on line 1`)
	f("path: x\n---\npath: y", `p.yaml:2: a second document in one file: write one file for each`)
	f("path: [x", `p.yaml:1: not valid YAML: did not find expected ',' or ']'`)
}

func TestDecode(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("south\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, problems := decodeText(`
base: &base {comma: ";"}
path: in/${CALLS}
key: ${file:` + secret + `}
every: 2d
rows: 1_000
timezone: Asia/Kathmandu
where: |
  a == 1
fields: {b: x + 1, a: '"${EMPTY:-none}"'}
tags: [one, "$${two}"]
labels: {k: v}
csv: *base
queues: {vip: {}}
`)
	if problems != "p.yaml:2: unknown option \"base\" in ingest.calls" {
		t.Fatal(problems)
	}
	f := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	f("path", o.Path, "in/calls.csv")
	f("key", o.Key, "south")
	f("every", o.Every, 48*time.Hour)
	f("rows", o.Rows, 1000)
	f("share", o.Share, 0.5)
	f("mode", o.Mode, "stop")
	f("zone", o.Zone.String(), "Asia/Kathmandu")
	f("where", o.Where, Expr{Source: "a == 1\n", At: Position{"p.yaml", 9, 1}})
	f("fields", o.Fields, Exprs{
		{"b", Expr{"x + 1", Position{"p.yaml", 10, 13}}, Position{"p.yaml", 10, 10}},
		{"a", Expr{`"none"`, Position{"p.yaml", 10, 23}}, Position{"p.yaml", 10, 20}},
	})
	f("tags", o.Tags, []string{"one", "${two}"})
	f("labels", o.Labels, map[string]string{"k": "v"})
	f("csv", o.CSV.Comma, ";")
	f("queues", o.Queues["vip"].Level, 20*time.Second)
}

func TestNearest(t *testing.T) {
	f := func(word, want string, candidates ...string) {
		t.Helper()
		if got := Nearest(word, candidates); got != want {
			t.Errorf("Nearest(%q, %q) = %q, want %q", word, candidates, got, want)
		}
	}
	f("tiemzone", "timezone", "interval", "timezone") // a swap is one edit
	f("time-zone", "timezone", "tests", "timezone")
	f("Service-Level", "service_level", "service", "service_level")
	f("xyz", "", "abc", "abcdef")
	f("", "", "a")
	f("five9", "five9", "five8", "five9")
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"path: x", "path: &a [*a]", "a: &a {<<: *a}", "path: ${X:-y}", "fields: {a: b}\nqueues: {q: {level: 1s}}",
		"path: !!binary aGk=", "? [a]\n: b", "path: x\nrows: 9223372036854775808", "<<: [a, b]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, problems := decodeText(text) // must end, whatever it is given
		if strings.Contains(problems, "hunter2") && !strings.Contains(text, "hunter2") {
			t.Errorf("a variable's value is shown: %s", problems)
		}
	})
}
