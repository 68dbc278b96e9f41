package gladly

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/ingest"
)

// looks runs the check and lists what it found: "outcome what: detail".
func (f *fake) looks(o *Options) (list []string) {
	f.Helper()
	err := check(f.Context(), o, f.world.deps(true), func(n ingest.Finding) {
		list = append(list, string(n.Outcome)+" "+n.What+": "+n.Detail)
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, l := range list {
		if strings.Contains(l, "s3cret") || strings.Contains(l, hookPassword) {
			f.Errorf("a secret shows: %s", l)
		}
	}
	return list
}

func TestCheck(t *testing.T) {
	hook := "webhook: {url: 'https://hook.example/gladly', listen: '127.0.0.1:0', username: gladly, password: " + hookPassword + "}\n"
	f := func(more string, prepare func(f *fake), want ...string) {
		t.Helper()
		f := newFake(t, now)
		f.events = always("")
		if prepare != nil {
			prepare(f)
		}
		got := f.looks(f.options(more))
		for i, w := range want {
			if i >= len(got) || !strings.HasPrefix(got[i], strings.Split(w, "…")[0]) || !strings.Contains(got[i], strings.Split(w+"…", "…")[1]) {
				t.Errorf("finding %d\nwant %s\n got %s", i, w, strings.Join(got, "\n     "))
				return
			}
		}
		if len(got) != len(want) {
			t.Errorf("got %d findings, want %d: %s", len(got), len(want), strings.Join(got, "\n"))
		}
	}
	budget := "ok budget: …used of get:"
	f("", nil, "ok credentials: api@example.test reads 1 agents at ", "ok clock: ", "ok events: ", "ok report work-session-events: ", budget)
	f("", func(f *fake) { f.refuse = true }, `failed credentials: Gladly does not accept email "api@example.test"`)
	f("", func(f *fake) { f.statuses["/agents"] = []int{403} }, `failed credentials: "api@example.test" lacks the permission API User`)
	f("", func(f *fake) { f.statuses["/reports/"+workSessions] = []int{403} }, "ok cred", "ok clock", "ok events", `failed report work-session-events: "api@example.test" may not run reports`, budget)
	f("", func(f *fake) { f.sessions = "a,b\n" }, "ok cred", "ok clock", "ok events", `failed report work-session-events: …has no column "contact_session_id"`, budget)
	f("queue: accepted_inbox_id\n", func(f *fake) { f.sessions = strings.Replace(sessionHeader, ",accepted_inbox_id", "", 1) },
		"ok cred", "ok clock", "ok events", `failed report work-session-events: …has no column "accepted_inbox_id"`, budget)
	f(hook, nil, "ok cred", "ok clock", "ok events", "ok report", "ok address", "warning secrets", "warning webhook quarterhour: is not registered so far", budget)
	f(hook, func(f *fake) { f.hooks = []map[string]any{{"id": "w", "name": "quarterhour", "enabled": false}} },
		"ok cred", "ok clock", "ok events", "ok report", "ok address", "warning secrets", "warning webhook quarterhour: is disabled", budget)
	f(hook, func(f *fake) {
		f.hooks = []map[string]any{{"id": "w", "name": "quarterhour", "enabled": false, "disabledAtDueToRetryLimit": "2026-03-01T00:00:00Z"}}
	}, "ok cred", "ok clock", "ok events", "ok report", "ok address", "warning secrets", "warning webhook quarterhour: was disabled at 2026-03-01T00:00:00Z", budget)
	f(hook, func(f *fake) {
		f.hooks = []map[string]any{{"id": "w", "name": "quarterhour", "url": "https://hook.example/gladly", "events": hookEvents, "hasCredentials": true, "enabled": true}}
	}, "ok cred", "ok clock", "ok events", "ok report", "ok address", "warning secrets", "ok webhook quarterhour: is enabled", budget)
	f(hook, func(f *fake) {
		f.hooks = []map[string]any{{"id": "w", "name": "quarterhour", "url": "https://hook.example/gladly", "events": hookEvents[1:], "hasCredentials": true, "enabled": true}}
	}, "ok cred", "ok clock", "ok events", "ok report", "ok address", "warning secrets", "warning webhook quarterhour: delivers elsewhere or other events", budget)
}

func TestCheckOfWhatIsNotThere(t *testing.T) {
	f := newFake(t, now)
	o := f.options("")
	o.URL = "http://127.0.0.1:1"
	got := f.looks(o)
	if len(got) != 1 || !strings.HasPrefix(got[0], "failed reach: http://127.0.0.1:1/api/v1 is not reached") {
		t.Error(got)
	}
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	defer elsewhere.Close()
	o.URL = elsewhere.URL
	if got := f.looks(o); len(got) != 1 || !strings.Contains(got[0], "check organization or url") {
		t.Error(got)
	}
}
