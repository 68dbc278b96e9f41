package registry_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/embedded/registry"
	"github.com/quarterhour/quarterhour/schemas"
)

func open(t *testing.T, dir string) *registry.Server {
	t.Helper()
	s, err := registry.Start(t.Context(), registry.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// call gives the status and the body, which is JSON.
func call(t *testing.T, s *registry.Server, method, path string, body any) (int, map[string]any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true // no connection outlives the server that it was opened to
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var result any
	if err := json.Unmarshal(content, &result); err != nil {
		t.Fatalf("%s %s: %q is not JSON", method, path, content)
	}
	object, ok := result.(map[string]any)
	if !ok {
		object = map[string]any{"list": result}
	}
	return answer.StatusCode, object
}

func register(t *testing.T, s *registry.Server, subject, schema string) int {
	t.Helper()
	status, body := call(t, s, "POST", "/subjects/"+subject+"/versions", map[string]string{"schema": schema})
	if status != http.StatusOK {
		t.Fatalf("register %s: %d %v", subject, status, body)
	}
	return int(body["id"].(float64))
}

// record is a schema of a record with the fields, each "name:type" or "name:type=default".
func record(name string, fields ...string) string {
	var list []string
	for _, f := range fields {
		name, rest, _ := strings.Cut(f, ":")
		kind, value, hasDefault := strings.Cut(rest, "=")
		text := fmt.Sprintf(`{"name":%q,"type":%q`, name, kind)
		if hasDefault {
			text += `,"default":` + value
		}
		list = append(list, text+"}")
	}
	return fmt.Sprintf(`{"type":"record","name":%q,"fields":[%s]}`, name, strings.Join(list, ","))
}

// TestIdsOutliveAKill opens, after every answer, a copy of what is on disk at that instant, as a kill -9 would leave it.
func TestIdsOutliveAKill(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ids := map[string]int{}
	for _, schema := range schemas.All() {
		ids[schema.Full] = register(t, s, schema.Full, schema.JSON)
		journal, err := os.ReadFile(filepath.Join(dir, "journal.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		copied := t.TempDir()
		// What came after was not answered yet: half a line.
		if err := os.WriteFile(filepath.Join(copied, "journal.jsonl"), append(journal, `{"method":"POST","pa`...), 0o600); err != nil {
			t.Fatal(err)
		}
		after := open(t, copied)
		next := register(t, after, "another", record("another"))
		for subject, id := range ids {
			if next == id {
				t.Fatalf("id %d of %s is given out again", id, subject)
			}
			if status, body := call(t, after, "GET", fmt.Sprintf("/subjects/%s/versions/latest", subject), nil); status != 200 || int(body["id"].(float64)) != id {
				t.Fatalf("%s had id %d, now %v", subject, id, body)
			}
		}
		if err := after.Close(); err != nil {
			t.Fatal(err)
		}
	}
	before, _ := os.ReadFile(filepath.Join(dir, "journal.jsonl"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	for _, schema := range schemas.All() {
		if got := register(t, s, schema.Full, schema.JSON); got != ids[schema.Full] {
			t.Errorf("%s had id %d, now %d", schema.Full, ids[schema.Full], got)
		}
	}
	if after, _ := os.ReadFile(filepath.Join(dir, "journal.jsonl")); len(after) != len(before) {
		t.Error("registering again what is there makes the journal longer")
	}
}

// TestDeletionsAndSettingsAreKept, and an id that was deleted for good is not given out again.
func TestDeletionsAndSettingsAreKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	first := register(t, s, "a", record("a", "x:int"))
	for _, path := range []string{"/subjects/a", "/subjects/a?permanent=true"} {
		if status, body := call(t, s, "DELETE", path, nil); status != 200 {
			t.Fatalf("%s: %v", path, body)
		}
	}
	call(t, s, "PUT", "/config/b", map[string]string{"compatibility": "NONE"})
	register(t, s, "b", record("b", "x:int"))
	register(t, s, "b", record("b", "x:string"))
	second := register(t, s, "a", record("a", "x:long"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if second == first {
		t.Errorf("id %d is given out twice", first)
	}
	if got := register(t, s, "a", record("a", "x:long")); got != second {
		t.Errorf("a had id %d, now %d", second, got)
	}
	if _, body := call(t, s, "GET", "/config/b", nil); body["compatibilityLevel"] != "NONE" {
		t.Errorf("the level of b is %v after a restart", body)
	}
}

func TestIncompatibleSchemasAreRefused(t *testing.T) {
	s := open(t, t.TempDir())
	old := record("r", "x:int")
	register(t, s, "r", old)
	f := func(schema string, wantStatus, wantCode int, want string) {
		t.Helper()
		status, body := call(t, s, "POST", "/subjects/r/versions", map[string]string{"schema": schema})
		if status != wantStatus || body["error_code"] != float64(wantCode) || !strings.Contains(fmt.Sprint(body["message"]), want) {
			t.Errorf("%s: %d %v, want %d with code %d and %q", schema, status, body, wantStatus, wantCode, want)
		}
	}
	f(record("r", "x:int", "y:int"), 409, 409, `"y"`)
	f(record("r", "x:boolean"), 409, 409, `"x"`)
	f("{", 422, 42201, "invalid schema")
	f(`{"type":"record","name":"r"}`, 422, 42201, "invalid schema")
	for _, body := range []any{"no object", map[string]any{"schema": old, "schemaType": "JSON"}, map[string]any{"schema": old, "references": []any{1}}} {
		if status, got := call(t, s, "POST", "/subjects/r/versions", body); status != 422 || got["error_code"] != 42201.0 {
			t.Errorf("%v: %d %v", body, status, got)
		}
	}
	if status, body := call(t, s, "GET", "/schemas/ids/99", nil); status != 404 || body["error_code"] != 40403.0 {
		t.Errorf("an unknown id: %d %v", status, body)
	}
	// Nothing of that was kept.
	if _, body := call(t, s, "GET", "/subjects/r/versions", nil); fmt.Sprint(body["list"]) != "[1]" {
		t.Errorf("versions %v", body)
	}
	register(t, s, "r", record("r", "x:int", "y:int=0"))
}

func TestCompatibilityByLevel(t *testing.T) {
	s := open(t, t.TempDir())
	x, xy, xyDefault := record("r", "x:int"), record("r", "x:int", "y:int"), record("r", "x:int", "y:int=0")
	register(t, s, "r", x)
	f := func(level, path, schema string, want bool) {
		t.Helper()
		call(t, s, "PUT", "/config/r", map[string]string{"compatibility": level})
		status, body := call(t, s, "POST", "/compatibility/subjects/r/versions"+path, map[string]string{"schema": schema})
		if status != 200 || body["is_compatible"] != want {
			t.Errorf("%s %s: %d %v, want %v", level, schema, status, body, want)
		}
	}
	f("NONE", "/latest", xy, true)
	f("BACKWARD", "/latest", xy, false) // y is not in what was written
	f("BACKWARD", "", xy, false)
	f("BACKWARD", "/1?verbose=true", xyDefault, true)
	f("FORWARD", "/latest", xy, true) // a reader of x skips y
	f("FULL", "/latest", xy, false)
	f("FULL", "/latest", xyDefault, true)
	// x, then x and y with a default; then y without one can be read after the latest only
	call(t, s, "PUT", "/config/r", map[string]string{"compatibility": "BACKWARD"})
	register(t, s, "r", xyDefault)
	f("BACKWARD", "", xy, true)
	f("BACKWARD_TRANSITIVE", "", xy, false)

	if status, body := call(t, s, "POST", "/compatibility/subjects/r/versions/9", map[string]string{"schema": x}); status != 404 || body["error_code"] != 40402.0 {
		t.Errorf("an unknown version: %d %v", status, body)
	}
	_, body := call(t, s, "POST", "/compatibility/subjects/r/versions/1?verbose=true", map[string]string{"schema": xy})
	if !strings.Contains(fmt.Sprint(body["messages"]), `"y"`) {
		t.Errorf("%v does not name the field", body)
	}
}

// TestADamagedJournalIsNotGuessedAt: ids that stand in the log must not change their meaning.
func TestADamagedJournalIsNotGuessedAt(t *testing.T) {
	f := func(damage func(string) string, want string) {
		t.Helper()
		dir := t.TempDir()
		s := open(t, dir)
		register(t, s, "a", record("a"))
		register(t, s, "b", record("b"))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "journal.jsonl")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(damage(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := registry.Start(t.Context(), registry.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v, want one with the file and %q", err, want)
		}
	}
	f(func(s string) string { return "x" + s }, "line 1 is damaged")
	f(func(s string) string { _, rest, _ := strings.Cut(s, "\n"); return rest }, "line 1: POST /subjects/b/versions gave id 2")
	f(func(s string) string { return strings.ReplaceAll(s, `"id":2`, `"id":3`) }, "line 2")
}

func TestManyAtOnceGetIdsOfTheirOwn(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ids := make([]int, 20)
	var group sync.WaitGroup
	for i := range ids {
		group.Go(func() { ids[i] = register(t, s, fmt.Sprint("s", i/2), record(fmt.Sprint("r", i/2))) })
	}
	group.Wait()
	again := open(t, copyOf(t, dir))
	want := make([]int, len(ids))
	for i := range ids {
		want[i] = register(t, again, fmt.Sprint("s", i/2), record(fmt.Sprint("r", i/2)))
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("ids after a restart (-after +before):\n%s", diff)
	}
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return copied
}
