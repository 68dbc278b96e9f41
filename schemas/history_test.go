package schemas

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "add the current schemas to history/ where they are new")

// past reads the published versions of a schema, oldest first.
func past(t *testing.T, name string) []string {
	t.Helper()
	var versions []string
	for {
		text, err := os.ReadFile(version(name, len(versions)+1))
		if errors.Is(err, fs.ErrNotExist) {
			return versions
		}
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, string(text))
	}
}

func version(name string, n int) string {
	return filepath.Join("history", name, fmt.Sprintf("%d.avsc", n))
}

// TestHistory: messages of every published version are still in logs and tables. The current schema must read each of
// them, and what is published must be on record.
func TestHistory(t *testing.T) {
	for _, s := range All() {
		t.Run(s.Name, func(t *testing.T) {
			versions := past(t, s.Name)
			for i, old := range versions {
				if err := Compatible(old, s.JSON); err != nil {
					t.Errorf("the current schema cannot read version %d, whose messages exist:\n%v", i+1, err)
				}
			}
			if len(versions) > 0 && cmp.Equal(meaning(t, versions[len(versions)-1]), meaning(t, s.JSON)) || t.Failed() {
				return
			}
			if !*update {
				t.Fatalf("the schema differs from version %d, the newest published; publish it with: go test ./schemas -run TestHistory -update", len(versions))
			}
			publish(t, s.Name, len(versions)+1)
		})
	}
}

func publish(t *testing.T, name string, n int) {
	text, err := os.ReadFile(name + ".avsc")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join("history", name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(version(name, n), text, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("published version %d of %s", n, name)
}

// meaning is a schema without its documentation, which may be reworded freely.
func meaning(t *testing.T, schema string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(schema), &v); err != nil {
		t.Fatal(err)
	}
	return withoutDoc(v)
}

func withoutDoc(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "doc")
		for k := range v {
			v[k] = withoutDoc(v[k])
		}
	case []any:
		for i := range v {
			v[i] = withoutDoc(v[i])
		}
	}
	return v
}
