package iservice

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/schemas"
)

const agents = "webapp-api-mq-myqueue?api=agents"

func TestAgentsAreWorkers(t *testing.T) {
	s := newTenant(t)
	s.says(agents, "agents.json")
	out := s.reading("streams: {agents: {every: 1h}}").must()
	for i := range out.workers {
		out.workers[i].Revision = 0
	}
	want := []schemas.Worker{
		{WorkerID: "5045", AgentID: "5045", System: "iservice", Email: "dana.ortiz@example.test", Name: "Dana Ortiz", Active: true},
		{WorkerID: "5046", AgentID: "5046", System: "iservice", Email: "sam@example.test", Name: "sam", Active: true},
	}
	if diff := cmp.Diff(want, out.workers); diff != "" {
		t.Error(diff)
	}
	if len(out.dead) != 1 || out.dead[0].Reason != "no_identity" || out.dead[0].Location != agents+", record 3" || !strings.Contains(string(out.dead[0].Payload), "nobody@") {
		t.Errorf("dead letters %+v", out.dead)
	}
}

// The session ends in the middle of a run: one login more, and nothing is missing.
func TestTheSessionEndsInTheMiddle(t *testing.T) {
	f := func(status int, expiry string) {
		t.Helper()
		s := newTenant(t)
		s.status, s.expiry = status, expiry
		s.answers["webapp-api-mqsearch?api=search"] = func(request map[string]any) string {
			n := int(request["pageNum"].(float64))
			if n > 3 {
				return `{"interactions":[]}`
			}
			return fmt.Sprintf(`{"interactions":[{"id":"%d","type":"Ticket","date":"2026-03-02 0%d:00:00","topicID":"4105"}]}`, n, n+5)
		}
		s.left = 2
		r := s.reading("paging: {per_page: 1}\nstreams: {interactions: {back: 24h}}")
		out := r.must()
		if len(out.contacts) != 3 || len(out.dead) > 0 || s.logins != 2 {
			t.Errorf("%d contacts, %d logins, dead letters %+v", len(out.contacts), s.logins, out.dead)
		}
		if strings.Contains(r.log.String(), "s3cret") || strings.Contains(r.log.String(), "session-1") {
			t.Errorf("a secret in the log: %s", r.log.String())
		}
	}
	f(http.StatusOK, `{"errors":["Your session has expired"]}`)
	f(http.StatusOK, `{"errors":[],"errorDetails":[{"message":"Please log in","code":7}]}`)
	f(http.StatusOK, `{"errorsDetails":["not logged in"],"errors":""}`)
	f(http.StatusUnauthorized, `{}`)
}

// A session that was idle for longer than it lasts is not tried.
func TestIdleSessionsAreNotTried(t *testing.T) {
	s := newTenant(t)
	s.says(agents, "agents.json")
	r := s.reading("streams: {agents: {every: 1h}}")
	src, err := open(r.o, r.deps)
	if err != nil {
		t.Fatal(err)
	}
	f := func(idle time.Duration, logins int) {
		t.Helper()
		r.watch.at = r.watch.at.Add(idle)
		if _, err := src.list(t.Context(), nil, agents, "agents"); err != nil {
			t.Fatal(err)
		}
		if s.logins != logins {
			t.Errorf("after %s: %d logins, want %d", idle, s.logins, logins)
		}
	}
	f(0, 1)
	f(89*time.Minute, 1)
	f(89*time.Minute, 1) // a call keeps it alive
	f(90*time.Minute, 2)
}

// A session that is over again at once is no refused password.
func TestASessionThatNeverHoldsIsNoLock(t *testing.T) {
	s := newTenant(t)
	s.answers[agents] = func(map[string]any) string { return `{"errors":["session expired"]}` }
	r := s.reading("streams: {agents: {every: 1h}}")
	err := r.once()
	var f *Failure
	if !errors.As(err, &f) || f.Class != Expired || errors.Is(err, quota.ErrLocked) || s.logins != 2 {
		t.Errorf("%d logins, %v", s.logins, err)
	}
}

// One refused login, and none after it: accounts lock.
func TestARefusedLoginIsNotRepeated(t *testing.T) {
	s := newTenant(t)
	s.password = "another"
	r := s.reading("streams: {agents: {every: 1h}, logins: {every: 1m}}")
	keyring := &quota.Keyring{Watch: r.watch}
	r.deps.Keyring = keyring
	err := r.once()
	if err == nil || !strings.Contains(err.Error(), "Invalid user name or password") {
		t.Errorf("got %v", err)
	}
	if err = r.once(); !errors.Is(err, quota.ErrLocked) {
		t.Errorf("got %v", err)
	}
	if s.logins != 1 {
		t.Errorf("%d logins", s.logins)
	}
	if strings.Contains(err.Error()+r.log.String(), "s3cret") {
		t.Errorf("a secret is shown: %v %s", err, r.log.String())
	}
	s.password, r.o.Password = "new", "new"
	s.says(agents, "agents.json")
	r.must()
}

// errors with status 200 are failures, and each says what to do.
func TestFailures(t *testing.T) {
	f := func(answer string, class Class, says string) {
		t.Helper()
		s := newTenant(t)
		s.says(agents, answer)
		err := s.reading("streams: {agents: {every: 1h}}").once()
		var failed *Failure
		if !errors.As(err, &failed) || failed.Class != class || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want class %q and %q", answer, err, class, says)
		}
	}
	f(`{"errors":["You do not have permission"]}`, Denied, "give the user the right")
	f(`{"errors":[],"errorDetails":["segment 4 is closed to you"]}`, Denied, "segment 4")
	f(`{"errors":[{"message":"perPage must be a number"}]}`, Invalid, "names of fields")
	f(`{"agents":[],"errorsDetails":["Server busy, try again"]}`, Busy, "try again")
	f(`{"errors":"Object reference"}`, Unknown, "Object reference")
	f(`{"agents":[],"errors":[{"code":5}]}`, Unknown, `"code\":5`)
	f(`{"agents":["`+strings.Repeat("x", 1<<15)+`"],"errors":["no such field"]}`, Invalid, "no such field") // behind what the judge sees
}

func TestBlankErrorsAreNone(t *testing.T) {
	for _, head := range []string{``, `[]`, `nonsense`, `{}`, `{"errors":[]}`, `{"errors":[""," "],"errorDetails":"","errorsDetails":null}`, `{"errors":{}}`, `{"agents":[{"errors":["x"]}]}`} {
		if said := complaints([]byte(head)); len(said) > 0 {
			t.Errorf("%s complains of %q", head, said)
		}
	}
}

// A list without anybody is not believed: all people would be withdrawn, and everybody logged out.
func TestNobodyIsNotBelieved(t *testing.T) {
	for _, c := range []struct{ streams, listed, word string }{
		{"agents: {}", ``, "none of 0 records is an agent"},
		{"agents: {}", `{"nr":"1"}`, "none of 1 records is an agent"},
		{"logins: {}", ``, "lists no agent"},
	} {
		s := newTenant(t)
		r := s.reading("streams: {" + c.streams + "}")
		s.says(agents, `{"agents":[`+c.listed+`]}`)
		if err := r.once(); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v, want %q", c.streams, err, c.word)
		}
	}
}

func TestLoginsAreWhatPollsSaw(t *testing.T) {
	s := newTenant(t)
	r := s.reading("streams: {logins: {every: 1m}}")
	poll := func(clock, listed string) {
		t.Helper()
		r.watch.at = time.UnixMilli(at(clock))
		s.says(agents, `{"agents":[`+listed+`]}`)
		r.must()
		if r.out.marks["agent_state"] != at(clock) {
			t.Errorf("%s: complete through %d", clock, r.out.marks["agent_state"])
		}
	}
	in, out := `{"id":"1","isloggedin":true,"displayname":"Ann"}`, `{"id":"1","isloggedin":"false","displayname":"Ann"}`
	poll("12:00:00", out)
	poll("12:01:00", in+`,{"id":"2","isloggedin":1}`)
	poll("12:02:00", in+`,{"id":"2","isloggedin":1}`)
	poll("12:03:00", in+`,{"id":"2","isloggedin":"perhaps"}`) // not known: nothing changes
	poll("12:04:00", out+`,{"id":"2","isloggedin":true}`)
	poll("12:05:00", in) // 2 is gone
	var got []string
	for _, a := range r.out.states {
		got = append(got, fmt.Sprintf("%s %s %s %s", time.UnixMilli(a.StartedAt).UTC().Format("15:04"), a.AgentID, a.State, a.AgentName))
	}
	slices.Sort(got)
	want := []string{"12:01 1 available Ann", "12:01 2 available ", "12:04 1 logged_out Ann", "12:05 1 available Ann", "12:05 2 logged_out "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(r.out.dead) != 1 || r.out.dead[0].Reason != "no_value" {
		t.Errorf("dead letters %+v", r.out.dead)
	}
}

func TestCheck(t *testing.T) {
	f := func(prepare func(*tenant), streams string, want ...string) {
		t.Helper()
		s := newTenant(t)
		prepare(s)
		r := s.reading(streams)
		var got []string
		err := check(t.Context(), r.o, r.deps, func(f ingest.Finding) {
			got = append(got, strings.ReplaceAll(fmt.Sprintf("%s %s %s", f.Outcome, f.What, f.Detail), s.URL, "URL"))
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, w) }) {
				t.Errorf("no finding %q in %q", w, got)
			}
		}
		if strings.Contains(strings.Join(got, ""), "s3cret") {
			t.Errorf("a secret is shown: %q", got)
		}
	}
	whole := "streams: {topics: {}, agents: {}, logins: {}, statistics: {kinds: [queue, agent_queue]}}"
	f(func(s *tenant) {
		s.says(agents, "agents.json")
		s.says("webapp-api-mq-managemessage?api=topics", `{"topics":[{"number":"1"}]}`)
		s.says("integration-api-workforce-management?api=queuestatistics", "queuestatistics.json")
		s.says("integration-api-workforce-management?api=agentactivity", `{"rows":[]}`)
	}, whole,
		"ok login of wfm", "ok rights agent; id 5045", "ok clock the vendor's and ours agree", "ok stream agents 3 records", "ok stream logins 3 records",
		`warning stream topics 1 records; the first has no field "id|topicID"; the first has no field "name|topicName|displayname"`,
		"ok statistics of kind queue 2 records", `failed statistics of kind agent_queue the answer has no list "agentActivity|records|data", and has "rows"`)
	f(func(s *tenant) { s.date = noon.Add(-time.Hour) }, "streams: {agents: {}}", "failed clock ours is 1h0m0s ahead")
	f(func(s *tenant) { s.password = "another" }, whole, `failed login of wfm POST URL/f/webapp-api-login?api=login: status 200 (ok): webapp-api-login?api=login answers "Invalid user name or password; login": check the user name`)
	f(func(s *tenant) { s.Close() }, whole, "failed reach URL")
	f(func(s *tenant) {
		s.says("webapp-api-login?api=loggedin", `{"errors":["permission denied"]}`)
		s.says("webapp-api-mqsearch?api=search", `{"errors":["unknown fieldID dateFrom"]}`)
	}, "streams: {interactions: {}}", "ok login", "warning rights", "failed stream interactions")
	f(func(s *tenant) { s.says("webapp-api-login?api=loggedin", `{"loggedin":false}`) }, "streams: {agents: {}}", "ok login", "warning rights loggedin no: the login was accepted", "ok clock")
}
