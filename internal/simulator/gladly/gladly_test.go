package gladly_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	"github.com/quarterhour/quarterhour/internal/simulator/gladly"
)

// vendor is a simulated Gladly of three days in Berlin, the second of which has 23 hours.
type vendor struct {
	*testing.T
	*gladly.Server
	centre *centre.Centre
	watch  *hand
	url    string
}

// open starts one; its watch shows noon of the first day.
func open(t *testing.T, o gladly.Options) *vendor {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c, err := centre.New(centre.Options{
		Seed: 7, From: time.Date(2026, 3, 28, 0, 0, 0, 0, zone), Days: 3, Sizes: map[centre.Vendor]centre.Size{centre.Gladly: {Agents: 6, Queues: 3, Contacts: 150}},
	})
	if err != nil {
		t.Fatal(err)
	}
	v := &vendor{T: t, centre: c, watch: newHand(c.From.Add(12 * time.Hour))}
	v.Server = gladly.New(c, v.watch, o)
	web := httptest.NewServer(v.Server)
	v.url = web.URL
	t.Cleanup(web.Close)
	t.Cleanup(func() { v.Server.Close() })
	return v
}

// ask makes a request as the API user and returns the answer and its body.
func (v *vendor) ask(method, path string, body any) (*http.Response, string) {
	v.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			v.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(v.Context(), method, v.url+"/api/v1"+path, in)
	if err != nil {
		v.Fatal(err)
	}
	r.SetBasicAuth("api@example.test", "gladly-token")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	a, err := client.Do(r)
	if err != nil {
		v.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		return a, string(text) + "\n" + err.Error()
	}
	return a, string(text)
}

// expect asks and wants a status, and a part of the body.
func (v *vendor) expect(status int, part, method, path string, body any) (*http.Response, string) {
	v.Helper()
	a, text := v.ask(method, path, body)
	if a.StatusCode != status || !strings.Contains(text, part) {
		v.Errorf("%s %s: status %d, body %.300q; want %d with %q", method, path, a.StatusCode, text, status, part)
	}
	return a, text
}

func TestWhoAsks(t *testing.T) {
	v := open(t, gladly.Options{})
	for _, user := range [][2]string{{"api@example.test", "wrong"}, {"other@example.test", "gladly-token"}, {"", ""}} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, v.url+"/api/v1/agents", nil)
		if user[0] != "" {
			r.SetBasicAuth(user[0], user[1])
		}
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if a.Body.Close(); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%v: status %d", user, a.StatusCode)
		}
	}
	v.expect(http.StatusOK, "emailAddress", "GET", "/agents", nil)
	v.Break(func(f *gladly.Faults) { f.Refuse = true })
	v.expect(http.StatusUnauthorized, "", "GET", "/agents", nil)
	v.Break(func(f *gladly.Faults) { *f = gladly.Faults{Down: true} })
	v.expect(http.StatusServiceUnavailable, "", "GET", "/agents", nil)
	from := v.watch.Now()
	v.Break(func(f *gladly.Faults) {
		*f = gladly.Faults{Outages: []gladly.Window{{From: from, To: from.Add(time.Hour)}}}
	})
	v.expect(http.StatusServiceUnavailable, "", "GET", "/agents", nil)
	v.watch.add(time.Hour)
	v.expect(http.StatusOK, "", "GET", "/agents", nil)
}

func TestPeople(t *testing.T) {
	v := open(t, gladly.Options{})
	_, body := v.expect(http.StatusOK, "", "GET", "/agents", nil)
	var people []map[string]any
	if err := json.Unmarshal([]byte(body), &people); err != nil {
		t.Fatal(err)
	}
	accounts := v.centre.Accounts(centre.Gladly)
	if len(people) != len(accounts) {
		t.Fatalf("%d people, want %d", len(people), len(accounts))
	}
	for i, p := range people {
		if p["id"] != accounts[i].ID || p["emailAddress"] != accounts[i].Email || p["name"] != accounts[i].Name || len(p) != 3 {
			t.Errorf("agent %v, want %+v", p, accounts[i])
		}
	}
	v.expect(http.StatusOK, accounts[1].ID, "GET", "/agents/"+accounts[1].ID, nil)
	v.expect(http.StatusNotFound, `"not_exist"`, "GET", "/agents/nobody", nil)
	v.watch.add(time.Second)
	v.expect(http.StatusOK, `"id"`, "GET", "/organization", nil)
	v.expect(http.StatusOK, v.centre.Queues(centre.Gladly)[2].ID, "GET", "/inboxes", nil)
	v.expect(http.StatusNotFound, "", "GET", "/nothing", nil)
}

func TestTenRequestsASecondOfAMethod(t *testing.T) {
	v := open(t, gladly.Options{})
	v.watch.add(500 * time.Millisecond)
	for n := range 10 {
		a, _ := v.expect(http.StatusOK, "", "GET", "/organization", nil)
		if got := a.Header.Get("Ratelimit-Remaining-Second"); got != string('9'-byte(n)) || a.Header.Get("Ratelimit-Limit-Second") != "10" {
			t.Errorf("request %d: %q remain", n, got)
		}
	}
	a, _ := v.expect(http.StatusTooManyRequests, "", "GET", "/organization", nil)
	if a.Header.Get("Retry-After") != "" {
		t.Error("Gladly says no Retry-After")
	}
	v.expect(http.StatusBadRequest, "", "POST", "/webhooks", "{}") // another method has its own ten
	v.watch.add(time.Second)
	v.expect(http.StatusOK, "", "GET", "/organization", nil)
	if got := v.Violations(); len(got) != 1 || !strings.Contains(got[0], "11 GET requests in a second") {
		t.Errorf("violations: %q", got)
	}
}
