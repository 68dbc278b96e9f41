package gladly_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/gladly"
)

// receiver is what a webhook leads to.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	slow   chan struct{} // not nil: no answer until it is closed
	got    []line
	head   http.Header
}

func listen(t *testing.T) *receiver {
	r := &receiver{status: http.StatusOK}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		var l line
		if err := json.Unmarshal(body, &l); err != nil {
			t.Errorf("body %q: %v", body, err)
		}
		r.mu.Lock()
		status, slow := r.status, r.slow
		r.got, r.head = append(r.got, l), q.Header
		r.mu.Unlock()
		if slow != nil {
			select {
			case <-slow:
			case <-q.Context().Done():
			}
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answer(status int, slow chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.slow = status, slow
}

func (r *receiver) take() []line {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

func (v *vendor) hook(url string, events ...string) (path_ string) {
	v.Helper()
	a, _ := v.expect(http.StatusCreated, "", "POST", "/webhooks", map[string]any{
		"name": "hook", "url": url, "events": events, "credentials": map[string]string{"username": "u", "password": "p"}, "headers": map[string]string{"X-Key": "k"},
	})
	if id := path.Base(a.Header.Get("Location")); len(id) != 22 || a.Header.Get("Location") != "/api/v1/webhooks/"+id {
		v.Errorf("location %q", a.Header.Get("Location"))
	}
	return "/webhooks/" + path.Base(a.Header.Get("Location"))
}

// until moves the watch on, second by second, until something holds.
func (v *vendor) until(what string, step time.Duration, holds func() bool) {
	v.Helper()
	for range 4000 {
		if holds() {
			return
		}
		v.watch.add(step)
		time.Sleep(2 * time.Millisecond)
	}
	v.Fatalf("%s: never", what)
}

func (v *vendor) enabled(hook string) bool {
	v.watch.add(time.Second)
	_, body := v.expect(http.StatusOK, `"enabled"`, "GET", hook, nil)
	return strings.Contains(body, `"enabled":true`)
}

func TestWhatWebhooksRefuse(t *testing.T) {
	v := open(t, gladly.Options{})
	f := func(attr, code, body string) {
		t.Helper()
		v.watch.add(time.Second)
		v.expect(http.StatusBadRequest, `"attr":"`+attr+`","code":"`+code+`"`, "POST", "/webhooks", body)
	}
	f("name", "blank", `{"url":"https://a.test/x","events":["CONVERSATION/CREATED"]}`)
	f("name", "too_long", `{"name":"`+strings.Repeat("n", 201)+`","url":"https://a.test/x","events":["CONVERSATION/CREATED"]}`)
	f("url", "blank", `{"name":"n","events":["CONVERSATION/CREATED"]}`)
	f("url", "invalid", `{"name":"n","url":"http://127.0.0.1/x","events":["CONVERSATION/CREATED"]}`)
	f("events", "blank", `{"name":"n","url":"https://a.test/x","events":[]}`)
	f("events", "invalid", `{"name":"n","url":"https://a.test/x","events":["CONVERSATION/EXPLODED"]}`)
	v.expect(http.StatusCreated, "", "POST", "/webhooks", `{"name":"n","url":"https://a.test/x","events":["CONVERSATION/CREATED","CONTACT/ENDED","CUSTOMER/MERGED"]}`)
	f("url", "taken", `{"name":"n","url":"https://a.test/x","events":["CONVERSATION/CREATED"]}`)
	for n := range 19 {
		v.watch.add(time.Second)
		v.expect(http.StatusCreated, "", "POST", "/webhooks", fmt.Sprintf(`{"name":"n","url":"https://a.test/%d","events":["TASK/CREATED"]}`, n))
	}
	f("webhook", "invalid", `{"name":"n","url":"https://a.test/y","events":["CONVERSATION/CREATED"]}`)
	v.expect(http.StatusNotFound, "", "GET", "/webhooks/nothing", nil)
	v.expect(http.StatusNotFound, "", "PATCH", "/webhooks/nothing", `{"enabled":true}`)
	v.expect(http.StatusNotFound, "", "DELETE", "/webhooks/nothing", nil)
}

func TestLifeOfAWebhook(t *testing.T) {
	v, r := open(t, gladly.Options{Loopback: true}), listen(t)
	hook := v.hook(r.URL, "CONVERSATION/CREATED", "CONVERSATION/CLOSED")
	_, body := v.expect(http.StatusOK, `"enabled":false`, "GET", "/webhooks", nil)
	for _, part := range []string{`"hasCredentials":true`, `"headerKeys":["X-Key"]`, `"createdAt":"`} {
		if !strings.Contains(body, part) || strings.Contains(body, `"p"`) || strings.Contains(body, `"k"`) {
			t.Errorf("shown as %s", body)
		}
	}
	v.watch.add(time.Hour)
	if got := r.take(); len(got) != 0 {
		t.Errorf("a disabled webhook received %v", got)
	}
	r.answer(http.StatusUnauthorized, nil)
	v.expect(http.StatusBadRequest, `"attr":"url"`, "PATCH", hook, `{"enabled":true}`)
	v.expect(http.StatusOK, `"enabled":false`, "GET", hook, nil)
	r.answer(http.StatusNoContent, nil)
	v.expect(http.StatusNoContent, "", "PATCH", hook, `{"enabled":true}`)
	if got := r.take(); len(got) != 2 || got[1].Type != "PING" || got[1].ID == "" {
		t.Errorf("pings: %v", got)
	}
	r.mu.Lock()
	user, password, _ := (&http.Request{Header: r.head}).BasicAuth()
	if user != "u" || password != "p" || r.head.Get("X-Key") != "k" || r.head.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", r.head)
	}
	r.mu.Unlock()
	begin := v.watch.Now()
	v.until("events", time.Second, func() bool { r.mu.Lock(); defer r.mu.Unlock(); return len(r.got) >= 5 })
	for _, l := range r.take() {
		if l.Type != "CONVERSATION/CREATED" && l.Type != "CONVERSATION/CLOSED" || l.Timestamp.Before(begin.Add(-16*time.Second)) || l.Content.ConversationID == "" {
			t.Errorf("received %+v", l)
		}
	}
	v.watch.add(time.Second)
	v.expect(http.StatusBadRequest, `"invalid_state"`, "DELETE", hook, nil)
	v.expect(http.StatusNoContent, "", "PATCH", hook, `{"enabled":false}`)
	v.expect(http.StatusNoContent, "", "DELETE", hook, nil)
	v.expect(http.StatusNotFound, "", "GET", hook, nil)
}

// With no faults a webhook receives every event once, between being enabled and disabled.
func TestWebhooksReceiveEverything(t *testing.T) {
	for _, unruly := range []bool{false, true} {
		v, r := open(t, gladly.Options{Loopback: true, Faults: gladly.Faults{Disorder: unruly, RepeatEvery: map[bool]int{true: 4}[unruly]}}), listen(t)
		v.expect(http.StatusNoContent, "", "PATCH", v.hook(r.URL, "CONVERSATION/CREATED", "CONVERSATION/CLOSED"), `{"enabled":true}`)
		begin := v.watch.Now()
		want := map[string]bool{}
		v.watch.set(begin.Add(time.Hour + 2*time.Minute))
		for _, l := range v.lines(begin.Add(16*time.Second), begin.Add(time.Hour), "CONVERSATION") {
			if l.Type == "CONVERSATION/CREATED" || l.Type == "CONVERSATION/CLOSED" {
				want[l.ID] = true
			}
		}
		seen, order, repeated, disordered := map[string]bool{}, time.Time{}, 0, 0
		v.until("all events", time.Second, func() bool {
			for _, l := range r.take() {
				if seen[l.ID] {
					repeated++
				} else if seen[l.ID] = true; l.Timestamp.Before(order.Add(-15 * time.Second)) {
					disordered++
				} else if l.Timestamp.After(order) {
					order = l.Timestamp
				}
			}
			for id := range want {
				if !seen[id] {
					return false
				}
			}
			return true
		})
		if len(want) < 10 || !unruly && repeated > 0 || unruly && repeated == 0 {
			t.Errorf("unruly %v: %d events, %d repeated, %d out of order", unruly, len(want), repeated, disordered)
		}
	}
}

// A webhook that fails is tried again after 30 s, 5 min, 30 min and 1 h, and then disabled.
func TestWebhooksAreDisabled(t *testing.T) {
	v, r := open(t, gladly.Options{Loopback: true}), listen(t)
	hook := v.hook(r.URL, "CONVERSATION/CREATED")
	v.expect(http.StatusNoContent, "", "PATCH", hook, `{"enabled":true}`)
	r.answer(http.StatusInternalServerError, nil)
	tries := map[string]map[int]gladly.Delivery{} // by event and attempt: the log keeps the last 100
	v.until("disabled", 5*time.Second, func() bool {
		for _, d := range v.Deliveries() {
			if tries[d.Event] == nil {
				tries[d.Event] = map[int]gladly.Delivery{}
			}
			tries[d.Event][d.Attempt] = d
		}
		return !v.enabled(hook)
	})
	v.expect(http.StatusOK, `"disabledAtDueToRetryLimit":"2026-03-28T1`, "GET", hook, nil)
	last := v.Deliveries()[len(v.Deliveries())-1]
	for _, d := range v.Deliveries() {
		if d.Attempt == 5 {
			last = d
		}
	}
	for n, after := range []time.Duration{0, 30 * time.Second, 5 * time.Minute, 30 * time.Minute, time.Hour} {
		d := tries[last.Event][n+1]
		if n == 4 {
			d = last
		}
		// The first attempt may have been made a while after it was due.
		if got := d.At.Sub(tries[last.Event][1].At); d.Attempt != n+1 || got < after-time.Minute || got > after+20*time.Minute {
			t.Errorf("attempt %d came %v after the first: %+v", n+1, got, d)
		}
		if d.Status != http.StatusInternalServerError || d.Delivered {
			t.Errorf("delivery %+v", d)
		}
	}
	r.answer(http.StatusOK, nil)
	v.expect(http.StatusNoContent, "", "PATCH", hook, `{"enabled":true}`)
	_, body := v.expect(http.StatusOK, `"enabled":true`, "GET", hook, nil)
	if strings.Contains(body, "disabledAt") {
		t.Errorf("enabled again, and %s", body)
	}
}

// An answer that takes more than 15 s counts as none.
func TestSlowWebhooks(t *testing.T) {
	v, r := open(t, gladly.Options{Loopback: true, Answer: time.Millisecond}), listen(t)
	hook := v.hook(r.URL, "CONVERSATION/CREATED")
	v.expect(http.StatusNoContent, "", "PATCH", hook, `{"enabled":true}`)
	slow := make(chan struct{})
	r.answer(http.StatusOK, slow)
	late := func() (n int) {
		for _, d := range v.Deliveries() {
			if d.Status == 0 {
				n++
			}
		}
		return n
	}
	v.until("a delivery that was too slow", 10*time.Second, func() bool { return late() > 0 })
	close(slow)
	r.answer(http.StatusOK, nil)
	v.until("the next try", 10*time.Second, func() bool {
		return slices.ContainsFunc(v.Deliveries(), func(d gladly.Delivery) bool { return d.Delivered && d.Attempt == 2 })
	})
	v.Break(func(f *gladly.Faults) { f.Unheard = true })
	r.take()
	before := late()
	v.until("a delivery that nobody heard", 10*time.Second, func() bool { return late() > before })
}

// Somebody who does not know the secrets delivers as well: a receiver that takes what they say is told so.
func TestForgedDeliveries(t *testing.T) {
	f := func(checks bool) {
		t.Helper()
		var taken, refused atomic.Int64
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if _, password, _ := q.BasicAuth(); checks && (password != "p" || q.Header.Get("X-Key") != "k") {
				refused.Add(1)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			taken.Add(1)
		}))
		defer receiver.Close()
		v := open(t, gladly.Options{Loopback: true, Faults: gladly.Faults{Forged: true}})
		v.expect(http.StatusNoContent, "", "PATCH", v.hook(receiver.URL, "CONVERSATION/CREATED"), `{"enabled":true}`)
		if (len(v.Violations()) == 0) != checks || taken.Load() == 0 || checks && refused.Load() != taken.Load() {
			t.Errorf("checks %v: %d taken, %d refused, violations %v", checks, taken.Load(), refused.Load(), v.Violations())
		}
	}
	f(false)
	f(true)
}
