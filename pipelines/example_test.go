package pipelines

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// rest is what an example needs around it to be a pipeline file, by section.
var rest = map[spec.Kind]string{
	spec.Ingest: "ingest:\n  calls:\n    type: file\n    path: calls.csv\n    as: contact\n    fields: {interaction_id: id, channel: '\"voice\"', queue_id: queue, " +
		"direction: '\"inbound\"', offered_at: start}\n",
	spec.Transform: "transform:\n  - intervals: {late: revise}\n",
	spec.Sink:      "sinks:\n  warehouse: {type: clickhouse}\n",
}

const head = "pipeline: example\ntenant: acme\ntimezone: Europe/Berlin\n"

// whole makes a pipeline file of one example.
func whole(c spec.Component) string {
	var b strings.Builder
	b.WriteString(head)
	for _, kind := range Kinds[:3] {
		switch {
		case kind != c.Kind:
			b.WriteString(rest[kind])
		case kind == spec.Transform && c.Type != intervalsType:
			b.WriteString(Example(c) + "\n  - intervals: {late: revise}\n")
		default:
			b.WriteString(Example(c) + "\n")
		}
	}
	return b.String()
}

var variable = regexp.MustCompile(`\$\{([A-Z0-9_]+)`)

// TestEveryComponentDeclaresItself holds declarations to what the reference and `quarterhour list` show of them, and runs
// each example through the reader that users' files go through.
func TestEveryComponentDeclaresItself(t *testing.T) {
	for _, kind := range Kinds {
		var seen []string
		for _, c := range Components(kind) {
			t.Run(string(kind)+"/"+c.Type, func(t *testing.T) {
				if c.Kind != kind || c.Type == "" || c.Summary == "" || strings.Contains(c.Summary, "\n") {
					t.Errorf("kind %q, type %q, summary %q: all are needed, the summary on one line", c.Kind, c.Type, c.Summary)
				}
				if kind == spec.Measure {
					return
				}
				if slices.Contains(seen, c.Type) {
					t.Errorf("type %q is declared twice", c.Type)
				}
				seen = append(seen, c.Type)
				if c.Description == "" || c.Guarantee == "" || c.Example == "" || c.New == nil {
					t.Error("description, guarantee, example and New are needed")
				}
				for _, f := range spec.Flatten(spec.Fields(c)) {
					if f.Help == "" {
						t.Errorf("option %q has no help", f.Name)
					}
				}
				text := whole(c)
				if _, err := Parse("example.yaml", []byte(text), variables(text)); err != nil {
					t.Errorf("%v\n%s", err, text)
				}
			})
		}
	}
}

func TestExample(t *testing.T) {
	f := func(c spec.Component, want string) {
		t.Helper()
		if got := Example(c); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	f(spec.Component{Kind: spec.Sink, Type: "s", Example: "type: s\na: 1\n"}, "sinks:\n  s:\n    type: s\n    a: 1")
	f(spec.Component{Kind: spec.Sink, Type: "s", Example: "mine: {type: s}"}, "sinks:\n  mine: {type: s}")
	f(spec.Component{Kind: spec.Transform, Type: "set", Example: "set:\n  a: b"}, "transform:\n  - set:\n      a: b")
	f(spec.Component{Kind: spec.Transform, Type: "set", Example: "a: b\nc: d"}, "transform:\n  - set:\n      a: b\n      c: d")
	f(spec.Component{Kind: spec.Transform, Type: "filter", Example: "a == b"}, "transform:\n  - filter: a == b")
}

// TestShippedPipelinesAreValid runs their own cases too.
func TestShippedPipelinesAreValid(t *testing.T) {
	files, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Read(file, variables(string(content)))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, c := range p.Tests {
			failures, err := c.Run()
			if err != nil || len(failures) > 0 {
				t.Errorf("%s: %v %v", c.Name, err, failures)
			}
		}
	}
}

// variables gives a value to every variable that a file names.
func variables(text string) spec.Environment {
	env := spec.Environment{}
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		switch name := m[1]; {
		case strings.HasSuffix(name, "_URL"):
			env[name] = "https://example.test"
		case strings.HasSuffix(name, "_EMAIL"):
			env[name] = "wfm@example.test"
		case strings.HasSuffix(name, "_LISTEN"):
			env[name] = ":8443"
		case strings.HasSuffix(name, "_HTTP"):
			env[name] = "true"
		default:
			env[name] = "x"
		}
	}
	return env
}
