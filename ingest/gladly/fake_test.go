package gladly

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake answers as the vendor's documentation shows, with what a test puts in.
type fake struct {
	testing.TB
	world *world
	url   string

	mu       sync.Mutex
	asked    []string // "GET /events?…", "POST /reports {…}"
	statuses map[string][]int
	agents   string
	events   func(n int, from, to time.Time, entities []string) string // n counts from 0
	sessions string
	report   func(body map[string]any) string
	answers  map[string]string // path: answer, or "301 /elsewhere"
	streams  map[string]int
	refuse   bool
	hooks    []map[string]any
	onEnable func(hook map[string]any) bool // sends a ping
	patched  []string
}

func newFake(t testing.TB, now string) *fake {
	at, err := time.Parse(time.RFC3339, now)
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{
		TB: t, world: newWorld(t, at), statuses: map[string][]int{}, agents: `[{"id":"a","name":"Dana Ortiz","emailAddress":"Dana.Ortiz@Example.test"}]`,
		answers: map[string]string{"/inboxes": `[{"id":"i1","name":"Billing"}]`}, streams: map[string]int{}, sessions: sessionHeader,
	}
	web := httptest.NewServer(f)
	t.Cleanup(web.Close)
	f.url = web.URL
	return f
}

const sessionHeader = "id,contact_session_id,contact_session_created_at,customer_id,conversation_id,inbox_id,channel,direction,agent_accepted_at,contact_session_routed_at,agent_id,sla_fulfilled_at,contact_session_ended_at,status,within_sla,work_session_handle_time_sec,work_session_after_contact_time_sec,work_session_unknown_time_sec,accepted_inbox_id\n"

func (f *fake) options(more string) *Options {
	f.Helper()
	o, problem := options(f, "url: "+f.url+"\nemail: api@example.test\napi_token: s3cret-token\n"+more)
	if problem != "" {
		f.Fatal(problem)
	}
	return o
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/api/v1")
	body, _ := io.ReadAll(r.Body)
	f.asked = append(f.asked, strings.TrimSpace(r.Method+" "+path+" "+r.URL.RawQuery+string(body)))
	w.Header().Set("Date", f.world.watch.Now().UTC().Format(http.TimeFormat))
	if email, token, ok := r.BasicAuth(); !ok || email != "api@example.test" || token != "s3cret-token" || f.refuse {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if list := f.statuses[path]; len(list) > 0 {
		f.statuses[path] = list[1:]
		if list[0] != http.StatusOK {
			w.Header().Set("Ratelimit-Limit-Second", "10")
			w.Header().Set("Ratelimit-Remaining-Second", "0")
			w.WriteHeader(list[0])
			return
		}
	}
	switch {
	case path == "/agents":
		_, _ = io.WriteString(w, f.agents)
	case path == "/events":
		f.stream(w, r)
	case path == "/reports/"+workSessions:
		w.Header().Set("Content-Type", "text/csv")
		_, _ = io.WriteString(w, f.sessions)
	case path == "/reports" && f.report != nil:
		var ask map[string]any
		_ = json.Unmarshal(body, &ask)
		w.Header().Set("Content-Type", "text/csv")
		_, _ = io.WriteString(w, f.report(ask))
	case strings.HasPrefix(path, "/webhooks"):
		f.webhooks(w, r, path, body)
	default:
		f.answer(w, path)
	}
}

func (f *fake) answer(w http.ResponseWriter, path string) {
	answer, ok := f.answers[path]
	if to, moved := strings.CutPrefix(answer, "301 "); moved {
		w.Header().Set("Location", "/api/v1"+to)
		w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"errors":[{"attr":"id","code":"not_exist","detail":"not found"}]}`)
		return
	}
	_, _ = io.WriteString(w, answer)
}

func (f *fake) stream(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from, err := time.Parse(time.RFC3339, q.Get("startAt"))
	to, err2 := time.Parse(time.RFC3339, q.Get("endAt"))
	now := f.world.watch.Now()
	if err != nil || err2 != nil || from.Before(now.Add(-24*time.Hour)) || !to.After(from) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"errors":[{"attr":"startAt","code":"invalid","detail":"endAt must occur after startAt"}]}`)
		return
	}
	kind := strings.Join(q["entities"], "+")
	n := f.streams[kind]
	f.streams[kind]++
	w.Header().Set("Content-Type", "application/x-jsonlines")
	if f.events != nil {
		_, _ = io.WriteString(w, f.events(n, from, to, q["entities"]))
	}
}

func (f *fake) webhooks(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	var sent map[string]any
	_ = json.Unmarshal(body, &sent)
	switch r.Method {
	case http.MethodGet:
		_ = json.NewEncoder(w).Encode(f.hooks)
	case http.MethodPost:
		id := fmt.Sprint("w", len(f.hooks)+1)
		hook := map[string]any{"id": id, "enabled": false, "hasCredentials": sent["credentials"] != nil}
		for _, key := range []string{"name", "url", "events"} {
			hook[key] = sent[key]
		}
		f.hooks = append(f.hooks, hook)
		w.Header().Set("Location", "/api/v1/webhooks/"+id)
		w.WriteHeader(http.StatusCreated)
	case http.MethodPatch:
		for _, hook := range f.hooks {
			if "/webhooks/"+hook["id"].(string) != path {
				continue
			}
			f.patched = append(f.patched, string(body))
			if sent["enabled"] == true && f.onEnable != nil {
				f.mu.Unlock()
				answered := f.onEnable(hook)
				f.mu.Lock()
				if !answered {
					w.WriteHeader(http.StatusBadRequest)
					return
				}
			}
			for key, value := range sent {
				hook[key] = value
			}
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.WriteHeader(http.StatusNotFound)
	}
}

// requests are those made so far that begin so.
func (f *fake) requests(prefix string) (list []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.asked {
		if strings.HasPrefix(a, prefix) {
			list = append(list, a)
		}
	}
	return list
}

// only is a document with one stream on.
func only(stream string) string {
	all := map[string]string{"agents": "0s", "statuses": "0s", "conversations": "0s", "work_sessions": "0s"}
	delete(all, stream)
	text := "streams: {"
	for _, name := range sortedKeys(all) {
		text += name + ": {every: 0s}, "
	}
	return text + "}\n"
}

// statusLine is an event of the stream, recorded some milliseconds after it happened.
func statusLine(id, at, kind, agent, more string, late time.Duration) string {
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		panic(err)
	}
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"id":%q,"type":%q,"timestamp":%q,"initiator":{"id":%q,"type":"AGENT"},"content":{"agentId":%q,"occurredAt":%q%s}}`+"\n",
		id, kind, t.Add(late).Format(time.RFC3339Nano), agent, agent, at, more)
}
