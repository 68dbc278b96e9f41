package anywfm

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/clock"
)

func TestFormats(t *testing.T) {
	want := map[string]string{"/rows|a": "id=a n=1", "/rows|b": "id=b n=2"}
	f := func(o Options, contentType, body string) {
		t.Helper()
		o.ByPath, o.Key = true, []string{"id"}
		s := New(clock.Wall, o)
		for range 2 { // the same twice is as once
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/rows", strings.NewReader(body))
			r.Header.Set("Content-Type", contentType)
			w := httptest.NewRecorder()
			if s.ServeHTTP(w, r); w.Code != 200 {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		}
		if diff := cmp.Diff(want, s.Holds()); diff != "" || len(s.Violations()) > 0 {
			t.Errorf("%s: %v\n%s", body, s.Violations(), diff)
		}
	}
	f(Options{}, "application/json", `[{"id": "a", "n": 1}, {"id": "b", "n": 2}]`)
	f(Options{List: "data.rows"}, "application/json; charset=utf-8", `{"data": {"rows": [{"id": "a", "n": 1}, {"id": "b", "n": 2}]}}`)
	f(Options{Format: "ndjson"}, "application/x-ndjson", "{\"id\": \"a\", \"n\": 1}\n{\"id\": \"b\", \"n\": 2}\n")
	f(Options{Format: "csv"}, "text/csv", "id,n\na,1\nb,2\n")
	f(Options{Format: "xml", List: "all.row"}, "text/xml", "<all><count>2</count><row><id>a</id><n>1</n></row><row><id>b</id><n>2</n></row></all>")
}

func TestRules(t *testing.T) {
	f := func(o Options, body, header string, want ...int) *Server {
		t.Helper()
		o.Key = []string{"id"}
		s := New(clock.Wall, o)
		for _, status := range want {
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Idempotency-Key", header)
			w := httptest.NewRecorder()
			if s.ServeHTTP(w, r); w.Code != status {
				t.Errorf("%s: %d, want %d: %s", body, w.Code, status, w.Body)
			}
		}
		return s
	}
	f(Options{Token: "t"}, "[]", "", 401)
	f(Options{Count: 2, Per: time.Hour}, `[{"id": 1}]`, "", 200, 200, 429)
	refuse := func(map[string]any) string { return "no" }
	f(Options{Refuse: refuse, How: "whole"}, `[{"id": 1}]`, "", 400)
	f(Options{Refuse: refuse, How: "partly"}, `[{"id": 1}]`, "", 422)
	if s := f(Options{Refuse: refuse}, `[{"id": 1}]`, "", 200); len(s.Holds()) > 0 {
		t.Errorf("it holds what it refused: %v", s.Holds())
	}
	for _, s := range []*Server{
		f(Options{}, `{`, "", 400), f(Options{}, `[{"id": 1}, {"id": 1}]`, "", 200), f(Options{Most: 1}, `[{"id": 1}, {"id": 2}]`, "", 400), f(Options{}, `[{}]`, "", 200),
		f(Options{Idempotent: "Idempotency-Key"}, `[{"id": 1}]`, "", 200),
	} {
		if len(s.Violations()) == 0 {
			t.Errorf("no violation of %+v", s.o)
		}
	}
	if s := f(Options{Idempotent: "Idempotency-Key"}, `[{"id": 1}]`, "x", 200, 200); len(s.Violations()) > 0 {
		t.Errorf("a repetition is no violation: %v", s.Violations())
	}
}
