package iservice_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	"github.com/quarterhour/quarterhour/internal/simulator/iservice"
)

var rules = simulator.Rules{Interval: 15 * time.Minute, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second}

// vendor is a simulated iService of three days in Los Angeles, the second of which has 25 hours, and a client with a cookie jar.
type vendor struct {
	*testing.T
	*iservice.Server
	centre *centre.Centre
	watch  *hand
	url    string
	client *http.Client
}

// open starts one; its watch shows noon of the first day. The client is logged in.
func open(t *testing.T, o iservice.Options) *vendor {
	t.Helper()
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	c, err := centre.New(centre.Options{
		Seed: 3, From: time.Date(2026, 10, 31, 0, 0, 0, 0, zone), Days: 3, Sizes: map[centre.Vendor]centre.Size{centre.IService: {Agents: 5, Queues: 3, Contacts: 150}},
	})
	if err != nil {
		t.Fatal(err)
	}
	v := &vendor{T: t, centre: c, watch: newHand(c.From.Add(12 * time.Hour))}
	v.Server = iservice.New(c, v.watch, o)
	web := httptest.NewServer(v.Server)
	t.Cleanup(web.Close)
	v.url = web.URL
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v.client = &http.Client{Jar: jar}
	v.login()
	return v
}

func (v *vendor) login() {
	v.Helper()
	if a := v.call("webapp-api-login?api=login", map[string]any{"username": "api@example.test", "password": "iservice-password"}); a.wrong() != "" {
		v.Errorf("login: %v", a)
	}
}

// set moves the watch and logs in again.
func (v *vendor) set(at time.Time) {
	v.Helper()
	v.watch.set(at)
	v.login()
}

// reply is an answer.
type reply map[string]any

// wrong is what an answer says is wrong, by either spelling of the details.
func (a reply) wrong() string {
	var texts []string
	for _, name := range []string{"errors", "errorDetails", "errorsDetails"} {
		list, _ := a[name].([]any)
		for _, text := range list {
			if text, _ := text.(string); text != "" && !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	return strings.Join(texts, "; ")
}

// records are a list of the answer.
func (a reply) records(name string) (list []map[string]any) {
	all, _ := a[name].([]any)
	for _, r := range all {
		list = append(list, r.(map[string]any))
	}
	return list
}

// call posts a body; every answer must be 200 with JSON.
func (v *vendor) call(endpoint string, body any) reply {
	v.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		v.Fatal(err)
	}
	r, err := http.NewRequestWithContext(v.Context(), http.MethodPost, v.url+"/f/"+endpoint, bytes.NewReader(text))
	if err != nil {
		v.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	a, err := v.client.Do(r)
	if err != nil {
		v.Fatal(err)
	}
	defer a.Body.Close()
	got, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusOK {
		v.Fatalf("%s: status %d, %s, %v", endpoint, a.StatusCode, got, err)
	}
	var said reply
	if err := json.Unmarshal(got, &said); err != nil {
		v.Fatalf("%s: %s: %v", endpoint, got, err)
	}
	return said
}

// must calls and wants nothing wrong.
func (v *vendor) must(endpoint string, body any) reply {
	v.Helper()
	a := v.call(endpoint, body)
	if a.wrong() != "" {
		v.Fatalf("%s: %v", endpoint, a.wrong())
	}
	return a
}

const agents = "webapp-api-mq-myqueue?api=agents"

func TestSessions(t *testing.T) {
	v := open(t, iservice.Options{})
	refused := func(what, part string) {
		t.Helper()
		if got := v.call(agents, map[string]any{}).wrong(); !strings.Contains(got, part) {
			t.Errorf("%s: %q", what, got)
		}
	}
	v.must(agents, map[string]any{})
	v.watch.add(89 * time.Minute)
	v.must(agents, map[string]any{}) // which is an action: the 90 minutes begin anew
	v.watch.add(89 * time.Minute)
	v.must(agents, map[string]any{})
	v.watch.add(90 * time.Minute)
	refused("90 minutes later", "session has expired")
	if a := v.must("webapp-api-login?api=loggedin", map[string]any{}); a["loggedin"] != false {
		t.Errorf("loggedin: %v", a)
	}
	v.login()
	if a := v.must("webapp-api-login?api=loggedin", map[string]any{}); a["loggedin"] != true || a["contactID"] != "109" {
		t.Errorf("loggedin: %v", a)
	}
	v.Expire()
	refused("expired in the middle", "session has expired")
	v.login()
	v.must("webapp-api-login?api=logout", map[string]any{})
	refused("after the logout", "log in")
	if a := v.call("webapp-api-login?api=login", map[string]any{"username": "api@example.test", "password": "wrong"}); !strings.Contains(a.wrong(), "Invalid user name or password") {
		t.Errorf("a wrong password: %v", a)
	}
	refused("after a wrong password", "log in")
	form, err := v.client.Post(v.url+"/f/webapp-api-login?api=login", "application/x-www-form-urlencoded", strings.NewReader("username=api%40example.test&password=iservice-password"))
	if err != nil {
		t.Fatal(err)
	}
	form.Body.Close()
	v.must(agents, map[string]any{})
	v.Break(func(f *iservice.Faults) { f.Refuse = true })
	if a := v.call("webapp-api-login?api=login", map[string]any{"username": "api@example.test", "password": "iservice-password"}); a.wrong() == "" {
		t.Error("a password was accepted that should not be")
	}
}

func TestWhatGoesWrong(t *testing.T) {
	v := open(t, iservice.Options{})
	f := func(part, endpoint string, body any) {
		t.Helper()
		if got := v.call(endpoint, body).wrong(); !strings.Contains(got, part) {
			t.Errorf("%s: %q, want %q", endpoint, got, part)
		}
	}
	f("Unknown API endpoint", "webapp-api-mq-myqueue?api=dance", map[string]any{})
	f("Unknown API endpoint", "webapp-api-nothing?api=agents", map[string]any{})
	f("no JSON object", agents, "text")
	f("no JSON object", agents, map[string]any{"__TZO__": "Berlin"})
	a, err := v.client.Get(v.url + "/f/" + agents)
	if err != nil {
		t.Fatal(err)
	}
	if a.Body.Close(); a.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: status %d", a.StatusCode)
	}
	v.Break(func(f *iservice.Faults) { f.ExpireEvery = 3 })
	expired := 0
	for range 9 {
		if v.call(agents, map[string]any{}).wrong() != "" {
			expired++
			v.login()
		}
	}
	if expired < 2 {
		t.Errorf("the session ended %d times in the middle", expired)
	}
	v.Break(func(f *iservice.Faults) { *f = iservice.Faults{FailEvery: 2} })
	v.login()
	x, y := v.call(agents, map[string]any{}).wrong(), v.call(agents, map[string]any{}).wrong()
	if x == y || !strings.Contains(x+y, "try again") {
		t.Errorf("errors that pass: %q, %q", x, y)
	}
	v.Break(func(f *iservice.Faults) { *f = iservice.Faults{Denied: true} })
	f("permission", agents, map[string]any{})
	now := v.watch.Now()
	v.Break(func(f *iservice.Faults) {
		*f = iservice.Faults{Outages: []iservice.Window{{From: now, To: now.Add(time.Minute)}}}
	})
	if a, err = v.client.Post(v.url+"/f/"+agents, "application/json", strings.NewReader("{}")); err != nil {
		t.Fatal(err)
	}
	if a.Body.Close(); a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Content-Type") != "text/html" {
		t.Errorf("in an outage: status %d, %q", a.StatusCode, a.Header.Get("Content-Type"))
	}
	v.watch.add(time.Minute)
	v.must(agents, map[string]any{})
}

// Both spellings of the details occur, and both ways to say that nothing is wrong.
func TestSpellings(t *testing.T) {
	v := open(t, iservice.Options{})
	seen := map[string]bool{}
	for range 16 {
		a := v.must(agents, map[string]any{})
		for _, name := range []string{"errors", "errorDetails", "errorsDetails"} {
			if list, ok := a[name].([]any); ok && len(list) == 0 {
				seen[name+" empty"] = true
			} else if ok {
				seen[name+" blank"] = true
			}
		}
	}
	if len(seen) != 6 {
		t.Errorf("seen %v", seen)
	}
}

func TestLoginStorms(t *testing.T) {
	v := open(t, iservice.Options{})
	for range 119 {
		v.login()
	}
	if got := v.Violations(); len(got) != 0 {
		t.Errorf("violations: %q", got)
	}
	v.login()
	if got := v.Violations(); len(got) != 1 || !strings.Contains(got[0], "logins in an hour") {
		t.Errorf("violations: %q", got)
	}
}

func TestLists(t *testing.T) {
	v := open(t, iservice.Options{LongNames: true})
	topics := v.must("webapp-api-mq-managemessage?api=topics", map[string]any{}).records("topics")
	for i, q := range v.centre.Queues(centre.IService) {
		if name := topics[i]["name"].(string); topics[i]["id"] != q.ID || !strings.HasPrefix(name, q.Name) || (len(name) > 100) != (i == 0) {
			t.Errorf("topic %v, want %+v", topics[i], q)
		}
	}
	in, lists := 0, 0
	list := v.must(agents, map[string]any{}).records("agents")
	accounts := v.centre.Accounts(centre.IService)
	if len(list) != len(accounts) {
		t.Fatalf("%d agents, want %d", len(list), len(accounts))
	}
	for i, a := range list {
		if a["id"] != accounts[i].ID || !strings.HasPrefix(a["email"].(string), accounts[i].Email) {
			t.Errorf("agent %v, want %+v", a, accounts[i])
		}
		if a["isloggedin"].(bool) {
			in++
		}
		if strings.Contains(a["email"].(string), ", ") {
			lists++
		}
	}
	if in == 0 || in == len(list) || lists == 0 {
		t.Errorf("%d of %d are logged in, %d have several addresses", in, len(list), lists)
	}
	v.watch.set(v.centre.From.Add(3 * time.Hour))
	for _, a := range v.must(agents, map[string]any{}).records("agents") {
		if a["isloggedin"].(bool) {
			t.Errorf("%v is logged in at night", a)
		}
	}
}
