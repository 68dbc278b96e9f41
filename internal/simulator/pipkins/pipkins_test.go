package pipkins

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/clock"
)

const header = "intervalStartDateTime,agentId,agentName,loginTime,directOutContacts\r\n"

func site(o Options) *Server {
	return New(clock.Fast(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), clock.Now(), 1), o)
}

// What a file must not do.
func TestRules(t *testing.T) {
	f := func(name, content, want string) {
		t.Helper()
		s := site(Options{})
		err := s.Import(name, []byte(content))
		if want == "" {
			if err != nil || len(s.Violations()) > 0 {
				t.Errorf("%q: %v", content, err)
			}
			return
		}
		if err == nil || !strings.Contains(err.Error(), want) || len(s.Violations()) != 1 || len(s.Holds()) > 0 {
			t.Errorf("%q: error %v, and nothing of %q", content, err, want)
		}
	}
	const name = "agent_20260302_0900.csv"
	const one = "2026-03-02T09:00:00Z,7,Ann,900,2\r\n"
	f(name, header+one, "")
	f(name, header, "")
	f(name, header+strings.Replace(one, "Ann", "\"O\"\"Hara, \r\nAnn\"", 1), "")
	f("agents.csv", header+one, "no set of records")
	f(name, one, "not the header")
	f(name, strings.Replace(header, "agentId", "agent", 1)+one, "not the header")
	f(name, header+strings.Replace(one, ",2", "", 1), "row 1: 4 columns, not 5")
	f(name, header+one+one, "row 2: agent/2026-03-02T09:00:00Z/7 is there twice")
	f(name, header+one+"2026-03-02T09:15:00Z,7,Ann,900,2\r\n", "are in one file")
	f(name, header+strings.Replace(one, "09:00", "09:05", 1), "within an interval")
	f(name, header+strings.Replace(one, "T09", " 09", 1), "parsing time")
	f(name, header+strings.Replace(one, "900", "-1", 1), "no number of at least 0")
	f(name, header+strings.Replace(one, "900", "", 1), "no number of at least 0")
	f(name, header+strings.Replace(one, ",7,", ",,", 1), "agentId is empty")
	f(name, header+strings.TrimSuffix(one, "\r\n"), "has no end")
	f(name, header+strings.Replace(one, "Ann", "A\"nn", 1), "has a quote")
	f(name, header+strings.Replace(one, "Ann", "\"Ann", 1), "not closed")
	f(name, header+strings.Replace(one, "Ann", "\xff", 1), "no UTF-8")
}

// A file replaces its interval, and no other.
func TestReplaces(t *testing.T) {
	s := site(Options{})
	for _, content := range []string{
		"2026-03-02T09:00:00Z,7,Ann,900,2\r\n2026-03-02T09:00:00Z,8,Bob,900,2\r\n", "2026-03-02T09:15:00Z,7,Ann,900,2\r\n", "2026-03-02T09:00:00Z,7,Ann,800,2\r\n",
	} {
		if err := s.Import("agent_x.csv", []byte(header+content)); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{
		"agent/2026-03-02T09:00:00Z/7": "2026-03-02T09:00:00Z|7|Ann|800|2", "agent/2026-03-02T09:15:00Z/7": "2026-03-02T09:15:00Z|7|Ann|900|2",
	}
	if diff := cmp.Diff(want, s.Holds()); diff != "" {
		t.Error(diff)
	}
}

// The ways in: a folder, requests, of whom the site knows the sender.
func TestWays(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"agent_1.csv": header + "2026-03-02T09:00:00Z,7,Ann,900,2\r\n", ".agent_2.csv.part": "half"} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := site(Options{Username: "u", Password: "p", Unknown: []string{"nobody"}})
	if err := s.Scan(dir); err != nil {
		t.Fatal(err)
	}
	f := func(user, body string, want int) {
		t.Helper()
		r := httptest.NewRequest(http.MethodPut, "/in/agent_3.csv", strings.NewReader(body))
		r.SetBasicAuth(user, "p")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s %q: status %d %s", user, body, w.Code, w.Body)
		}
	}
	f("v", header, http.StatusUnauthorized)
	f("u", header+"2026-03-02T09:15:00Z,9,Cid,900,2\r\n", http.StatusCreated)
	f("u", header+"2026-03-02T09:15:00Z,nobody,Cid,900,2\r\n", http.StatusUnprocessableEntity)
	if got := slices.Sorted(maps.Keys(s.Holds())); !slices.Equal(got, []string{"agent/2026-03-02T09:00:00Z/7", "agent/2026-03-02T09:15:00Z/9"}) || len(s.Violations()) > 0 {
		t.Errorf("%v %v", got, s.Violations())
	}
	f("u", "agentId\r\n", http.StatusUnprocessableEntity)
	if got := s.Violations(); len(got) != 1 || !strings.Contains(got[0], "agent_3.csv") {
		t.Errorf("%v", got)
	}
}

// Whatever is in a file, the site reads it or says no.
func FuzzRead(f *testing.F) {
	f.Add([]byte(header + "2026-03-02T09:00:00Z,7,\"A\"\"n\r\nn\",900,2\r\n"))
	f.Add([]byte(header + "2026-03-02T09:00:00Z,7,\"A"))
	f.Fuzz(func(t *testing.T, content []byte) {
		s := site(Options{})
		if err := s.Import("agent_x.csv", content); err == nil != (len(s.Violations()) == 0) || err != nil && len(s.Holds()) > 0 {
			t.Errorf("%v: %v %v", err, s.Violations(), s.Holds())
		}
	})
}
