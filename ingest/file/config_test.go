package file

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// problems decodes options as a pipeline file would have them, from line 1 of p.yaml.
func problems(t *testing.T, text string) string {
	t.Helper()
	node, list := spec.Document("p.yaml", []byte(text))
	if len(list) == 0 {
		list = spec.Decode(node, new(Options), spec.Source{File: "p.yaml", Path: "ingest.calls", Also: []string{"type"}})
	}
	if err := spec.Err(list); err != nil {
		return err.Error()
	}
	return ""
}

func TestValidate(t *testing.T) {
	base := "path: a.csv\nas: contact\n"
	f := func(text, want string) {
		t.Helper()
		if got := problems(t, text); got != want && (want == "" || !strings.Contains(got, want)) {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
	f(base, "")
	f(base+"fields: {interaction_id: id, offered_at: at}", "")
	f(base+"fields:\n  interaction_id: id\n  ofered_at: at", `p.yaml:5: ingest.calls.fields.ofered_at: unknown field "ofered_at": did you mean "offered_at"?`)
	f(base+"fields:\n  interaction_id: lowr(id)", `p.yaml:4: ingest.calls.fields.interaction_id: expression "lowr(id)": unknown function "lowr": did you mean "lower"?`)
	f(base+"fields:\n  interaction_id: id\n  outcome: '\"handeld\"'", `p.yaml:5: ingest.calls.fields.outcome: expression "\"handeld\"": "handeld" is no outcome: did you mean "handled"?`)
	f(base+"fields:\n  queue_id: id", `p.yaml:4: ingest.calls.fields has no interaction_id, without which a row is no contact`)
	f(base+"columns: [id, at]\nfields:\n  interaction_id: idd", `p.yaml:5: ingest.calls.fields.interaction_id: expression "idd": unknown column "idd": did you mean "id"?`)
	f(base+"where: 'a =='", `p.yaml:3: ingest.calls.where: expression "a ==": it ends too early`)
	f(base+"where: '1 + 1'", `is a whole number, where true or false is needed`)
	f(base+"let: {x: 'y('}", `p.yaml:3: ingest.calls.let.x: expression "y("`)
	f(base+"header: false", `p.yaml:3: ingest.calls.header is false: name the columns in columns`)
	f(base+"delimiter: ab", `p.yaml:3: ingest.calls.delimiter is "ab", not one ASCII character`)
	f(base+"complete: dya", `p.yaml:3: ingest.calls.complete is "dya": did you mean "day"?`)
	f(base+"complete: 2026-13-01", `not day, last, none or a time`)
	f(base+"every: 1ms", `ingest.calls.every is 1ms: at least 100ms`)
	f(base+"lateness: -1h", `ingest.calls.lateness is -1h0m0s: not negative`)
	f("path: 'a[.csv'\nas: contact", `p.yaml:1: ingest.calls.path is "a[.csv", not a path or a glob`)
	f("path: a.csv\nas: contcat", `did you mean "contact"?`)
	f(base+"pth: x", `unknown option "pth" in ingest.calls: did you mean "path"?`)
}

// The example of the reference pages is a valid one.
func TestSample(t *testing.T) {
	node, list := spec.Document("sample.yaml", []byte(sample))
	if err := spec.Err(list); err != nil {
		t.Fatal(err)
	}
	var byName map[string]yaml.Node
	if err := node.Decode(&byName); err != nil {
		t.Fatal(err)
	}
	calls := byName["calls"]
	o := new(Options)
	if err := spec.Err(spec.Decode(&calls, o, spec.Source{File: "sample.yaml", Also: []string{"type"}})); err != nil {
		t.Fatal(err)
	}
	if o.As != "contact" || len(o.Fields) != 8 {
		t.Errorf("%+v", o)
	}
}
