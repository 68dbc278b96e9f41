package pipelines

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Words are completed while a file is being written: whatever can be found in it is, and nothing else matters.
func TestOutline(t *testing.T) {
	f := func(text string, want ...SourceOutline) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "p.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, Outline(path)); diff != "" {
			t.Errorf("%q\n%s", text, diff)
		}
	}
	f("")
	f("- a\n- b\n")
	f("ingest: five9\n")
	f("ingest: {a: {type: [x]}, b: 1, c: null}\n", SourceOutline{Name: "a"}, SourceOutline{Name: "b"}, SourceOutline{Name: "c"})
	f("tenant: ${UNSET}\ningest:\n  a: {type: five9, streams: {calls: {}, users: }}\n  b: {type: nonsense}\n",
		SourceOutline{Name: "a", Type: "five9", Streams: []string{"calls", "users"}}, SourceOutline{Name: "b", Type: "nonsense"})
	f("ingest: {a: &x {type: http, streams: {calls: {}}}, b: *x}\n",
		SourceOutline{Name: "a", Type: "http", Streams: []string{"calls"}}, SourceOutline{Name: "b", Type: "http", Streams: []string{"calls"}})
	if got := Outline(filepath.Join(t.TempDir(), "none.yaml")); got != nil {
		t.Errorf("a file that is not there has %v", got)
	}
}
