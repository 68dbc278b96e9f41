package playvox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// still is a watch that stands until it is set.
type still struct {
	clock.Watch
	now time.Time
}

func (s *still) Now() time.Time { return s.now }

func ask(t *testing.T, s *Server, method, path, body, token string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if token == "" {
		r.SetBasicAuth("identifier", "secret")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s %s: %q", method, path, w.Body)
	}
	return w.Code, answer
}

func TestRules(t *testing.T) {
	watch := &still{now: time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)}
	s := New(watch, Options{Users: []User{{ID: 1, Email: "ann@acme.test"}, {ID: 2, Email: "bob@acme.test"}, {ID: 3, Email: "cleo@acme.test"}}, Page: 2})
	f := func(method, path, body, token string, want int) map[string]any {
		t.Helper()
		status, answer := ask(t, s, method, path, body, token)
		if status != want {
			t.Errorf("%s %s %s: status %d, want %d: %v", method, path, body, status, want, answer)
		}
		return answer
	}
	const users, tasks = "/region/organisation/users", "/tenant/api/workactivity/tasks"
	f("POST", "/tenant/api/authority/token", "grant_type=password", "", http.StatusBadRequest)
	f("GET", users, "", "wrong", http.StatusUnauthorized)
	data, _ := f("POST", "/tenant/api/authority/token", "grant_type=client_credentials", "", http.StatusOK)["data"].(map[string]any)
	token := fmt.Sprint(data["accessToken"])
	first := f("GET", users, "", token, http.StatusOK)
	next := f("GET", users+"?nextPageToken="+fmt.Sprint(first["nextPageToken"]), "", token, http.StatusOK)
	if list, _ := next["data"].([]any); len(list) != 1 || next["nextPageToken"] != nil {
		t.Errorf("the last page is %v", next)
	}
	task := func(email, start, end, more string) string {
		return fmt.Sprintf(`{"data": [{"userEmail": %q, "integrationAlias": "acd", "taskIdentifier": "Call", "startTime": %q, "endTime": %q%s}]}`, email, start, end, more)
	}
	f("POST", tasks, task("ann@acme.test", "2026-03-02T09:00:00.000Z", "2026-03-02T09:10:00.000Z", ""), token, http.StatusOK)
	f("POST", tasks, task("ann@acme.test", "2026-03-02T09:00:00.000Z", "2026-03-02T09:20:00.000Z", ""), token, http.StatusOK)
	f("POST", tasks, task("nobody@acme.test", "2026-03-02T09:00:00.000Z", "", ""), token, http.StatusUnprocessableEntity)
	f("POST", tasks, task("ann@acme.test", "2026-03-02T10:00:00.000Z", "2026-03-02T09:00:00.000Z", ""), token, http.StatusUnprocessableEntity)
	f("POST", tasks, task("ann@acme.test", "2026-03-02 10:00", "", ""), token, http.StatusUnprocessableEntity)
	f("POST", tasks, task("ann@acme.test", "2026-03-02T10:00:00.000Z", "", `, "isPaid": true`), token, http.StatusUnprocessableEntity)
	if held := s.Holds(); len(held) != 2 || held["task|ann@acme.test|acd|2026-03-02T09:00:00.000Z|end"] != "2026-03-02T09:20:00.000Z" || len(s.Violations()) > 0 {
		t.Errorf("%v, %v", held, s.Violations())
	}
	f("POST", tasks, task("ann@acme.test", "2026-03-02T09:15:00.000Z", "2026-03-02T09:16:00.000Z", ""), token, http.StatusOK)
	if v := s.Violations(); len(v) != 1 || !strings.Contains(v[0], "goes on until") {
		t.Errorf("two tasks at once are no violation: %v", v)
	}
	watch.now = watch.now.Add(time.Minute)
	for range 100 {
		f("GET", users, "", token, http.StatusOK)
	}
	f("GET", users, "", token, http.StatusTooManyRequests)
	watch.now = watch.now.Add(30 * time.Second)
	f("GET", users, "", token, http.StatusOK)
	watch.now = watch.now.Add(time.Hour)
	f("GET", users, "", token, http.StatusUnauthorized)
}
