package vendors

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	"github.com/quarterhour/quarterhour/internal/simulator/five9"
)

// hands is a watch that a test moves.
type hands struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hands) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hands) Sleep(ctx context.Context, d time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
	return ctx.Err()
}

func start(t *testing.T, outages ...Outage) (*Host, *hands) {
	t.Helper()
	from := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	c, err := centre.New(centre.Options{Seed: 1, From: from, Days: 2, Sizes: map[centre.Vendor]centre.Size{
		centre.Five9: {Agents: 6, Queues: 3, Contacts: 60}, centre.Gladly: {Agents: 4, Queues: 2, Contacts: 30}, centre.IService: {Agents: 2, Queues: 1, Contacts: 20},
	}})
	if err != nil {
		t.Fatal(err)
	}
	w := &hands{now: from.Add(10 * time.Hour)}
	h, err := Start(t.Context(), Options{Centre: c, Watch: w, Clock: clock.FormatFast(from, from, 2), Outages: outages})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h, w
}

func (h *Host) get(t *testing.T, path string) (int, string) {
	t.Helper()
	response, err := http.Get(h.URL() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func (h *Host) fail(t *testing.T, body string) (int, string) {
	t.Helper()
	response, err := http.Post(h.URL()+"/faults", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

// reach asks a vendor without a password, and gives the status; 0 where the connection is cut.
func (h *Host) reach(v centre.Vendor) int {
	path := map[centre.Vendor]string{
		centre.Five9: "/wsadmin/v13/AdminWebService?wsdl", centre.Gladly: "/api/v1/agents", centre.IService: "/f/nothing?api=nothing",
	}[v]
	response, err := http.Get(h.VendorURL(v) + path)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

func TestEveryVendorIsReachedBelowItsPath(t *testing.T) {
	h, _ := start(t)
	for v, want := range map[centre.Vendor]int{centre.Five9: 200, centre.Gladly: 401, centre.IService: 200} {
		if got := h.reach(v); v != centre.IService && got != want || got >= 500 || got == 0 {
			t.Errorf("%s answers with status %d, want %d", v, got, want)
		}
		if n, ok := h.Requests(v); !ok || n != 1 {
			t.Errorf("%s had %d requests", v, n)
		}
	}
}

// A client compares its clock with the vendor's, which is that of the simulation.
func TestDateIsTheVendorsTime(t *testing.T) {
	h, w := start(t)
	for _, v := range []centre.Vendor{centre.Five9, centre.Gladly, centre.IService} {
		resp, err := http.Get(h.VendorURL(v) + "/")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got, want := resp.Header.Get("Date"), w.Now().Format(http.TimeFormat); got != want {
			t.Errorf("%s says %q, want %q", v, got, want)
		}
	}
}

func TestVariablesOpenTheVendors(t *testing.T) {
	h, _ := start(t)
	is := map[string]string{}
	for _, v := range h.Variables() {
		is[v[0]] = v[1]
	}
	if _, err := clock.ParseFast(is[clock.FastVariable]); err != nil {
		t.Error(err)
	}
	f := func(method, url, user, password, body string) {
		t.Helper()
		request, err := http.NewRequest(method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth(user, password)
		request.Header.Set("Content-Type", "text/xml")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", url, response.StatusCode)
		}
	}
	envelope := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><q:closeSession xmlns:q="http://service.admin.ws.five9.com/"/></s:Body></s:Envelope>`
	f(http.MethodPost, is["FIVE9_URL"]+"/wsadmin/v13/AdminWebService", is["FIVE9_USER"], is["FIVE9_PASSWORD"], envelope)
	f(http.MethodPost, is["FIVE9_URL"]+"/wsadmin/v13/AdminWebService", is["FIVE9_SUPERVISOR"], is["FIVE9_SUPERVISOR_PASSWORD"], envelope)
	f(http.MethodGet, is["GLADLY_URL"]+"/api/v1/agents", is["GLADLY_EMAIL"], is["GLADLY_TOKEN"], "")
	if is["ISERVICE_URL"] == "" || is["ISERVICE_USER"] == "" || is["ISERVICE_PASSWORD"] == "" {
		t.Errorf("variables %v", is)
	}
	if v := h.Violations(); len(v) > 0 {
		t.Error(v)
	}
}

func TestOutages(t *testing.T) {
	from := time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC)
	h, w := start(t, Outage{Vendor: centre.Gladly, From: from, To: from.Add(time.Hour)})
	is := func(v centre.Vendor, want int) {
		t.Helper()
		if got := h.reach(v); got != want {
			t.Errorf("%s: %s answers with status %d, want %d", w.Now().Format(time.TimeOnly), v, got, want)
		}
	}
	is(centre.Gladly, 401)
	w.Sleep(t.Context(), time.Hour)
	is(centre.Gladly, 503)
	is(centre.Five9, 200)
	w.Sleep(t.Context(), time.Hour)
	is(centre.Gladly, 401)
	if status, text := h.fail(t, `{"vendor":"five9","how":"refused"}`); status != 204 {
		t.Errorf("status %d: %s", status, text)
	}
	is(centre.Five9, 0)
	is(centre.Gladly, 401)
	h.Mend(centre.Five9)
	is(centre.Five9, 200)
	if status, text := h.fail(t, fmt.Sprintf(`{"how":"unavailable","to":%q}`, w.Now().Add(time.Minute).Format(time.RFC3339))); status != 204 {
		t.Errorf("status %d: %s", status, text)
	}
	is(centre.Five9, 503)
	is(centre.Gladly, 503)
	w.Sleep(t.Context(), time.Minute)
	is(centre.Five9, 200)
	if _, text := h.get(t, "/faults"); strings.Count(text, `"how"`) != 3 {
		t.Errorf("faults %s", text)
	}
	for _, bad := range []string{`{"vendor":"acme"}`, `{"how":"tired"}`, `{"since":1}`, `{"vendor":"five9","how":"unheard"}`} {
		if status, _ := h.fail(t, bad); status != http.StatusBadRequest {
			t.Errorf("%s: status %d", bad, status)
		}
	}
	if status, text := h.fail(t, `{"vendor":"gladly","how":"unheard"}`); status != 204 {
		t.Errorf("status %d: %s", status, text)
	}
	is(centre.Gladly, 401) // only its webhooks are unheard
}

func TestTruthOverHTTP(t *testing.T) {
	h, w := start(t)
	rules := simulator.Rules{Interval: 30 * time.Minute, ServiceLevel: 10 * time.Second, ShortAbandon: 5 * time.Second}
	through := w.Now()
	status, text := h.get(t, "/truth?vendor=five9&interval=30m&service_level=10s&through="+through.Format(time.RFC3339))
	var got simulator.Truth
	if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 {
		t.Fatalf("status %d, %v: %s", status, err, text)
	}
	if diff := cmp.Diff(h.Five9.Truth(rules, through), got); diff != "" || len(got.Queues) == 0 {
		t.Error(diff)
	}
	all := h.Truth(rules, through)
	if len(all.Queues) <= len(got.Queues) || len(all.Agents) <= len(got.Agents) {
		t.Error("the truth about all vendors is more than that about one")
	}
	for k := range all.Queues {
		if k.Start+1800 > through.Unix() {
			t.Errorf("row %v ends after %s", k, through)
		}
	}
	for _, bad := range []string{"vendor=acme", "interval=0s", "interval=x", "through=today"} {
		if status, text := h.get(t, "/truth?"+bad); status != http.StatusBadRequest {
			t.Errorf("%s: status %d, %.80s", bad, status, text)
		}
	}
}

func TestViolationsAndClock(t *testing.T) {
	h, w := start(t)
	if _, text := h.get(t, "/violations"); strings.TrimSpace(text) != "[]" {
		t.Errorf("violations %s", text)
	}
	request, err := http.NewRequest(http.MethodPost, h.VendorURL(centre.Five9)+"/wsadmin/v13/AdminWebService", bytes.NewReader([]byte("nothing")))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(five9.User+":"+five9.Password)))
	request.Header.Set("Content-Type", "text/xml")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if _, text := h.get(t, "/violations"); !strings.Contains(text, "five9: a request that is no SOAP") {
		t.Errorf("violations %s", text)
	}
	if _, text := h.get(t, "/clock"); !strings.Contains(text, w.Now().Format(time.RFC3339)) || !strings.Contains(text, clock.FastVariable) {
		t.Errorf("clock %s", text)
	}
}
