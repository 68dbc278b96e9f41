package gladly

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/clock"
	vendor "github.com/quarterhour/quarterhour/internal/simulator/gladly"
)

// still is a watch that stands until a test moves it.
type still struct {
	*leap
	mu    sync.Mutex
	moved chan struct{}
}

func (s *still) Sleep(ctx context.Context, d time.Duration) error {
	for end := s.Now().Add(d); s.Now().Before(end); {
		s.mu.Lock()
		moved := s.moved
		s.mu.Unlock()
		if !s.Now().Before(end) {
			break
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

func (s *still) add(d time.Duration) {
	s.set(s.Now().Add(d))
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.moved)
	s.moved = make(chan struct{})
}

// hooked is a source at work, with its webhook.
type hooked struct {
	*fake
	watch *still
	to    string // where deliveries go
	end   func() error
}

const hookPassword = "h00k-password"

func listenFor(f *fake) *hooked {
	f.Helper()
	h := &hooked{fake: f, watch: &still{leap: f.world.watch, moved: make(chan struct{})}}
	deps := f.world.deps(false)
	deps.Watch = h.watch
	o := f.options("webhook: {url: 'http://hook.example/gladly', allow_http: true, listen: '127.0.0.1:0', username: gladly, password: " + hookPassword +
		", header: X-Key, value: k3y, answer_within: 1s}\nstreams: {statuses: {every: 0s}}")
	g, err := newSource(o, deps)
	if err != nil {
		f.Fatal(err)
	}
	address := make(chan string, 1)
	g.listening = func(a string) { address <- a }
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx, nil, f.world) }()
	h.end = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	f.Cleanup(func() {
		if err := h.end(); err != nil {
			f.Error(err)
		}
	})
	select {
	case a := <-address:
		h.to = "http://" + a + "/gladly"
	case err := <-done:
		f.Fatal(err)
	}
	return h
}

// post delivers a body, and returns the status of the answer.
func (h *hooked) post(body, password string) int {
	h.Helper()
	r, err := http.NewRequest(http.MethodPost, h.to, strings.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Key", "k3y")
	r.SetBasicAuth("gladly", password)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.Error(err)
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// until waits for what other goroutines do.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain: ", what)
		}
	}
}

func (h *hooked) state(key string) any {
	h.fake.mu.Lock()
	defer h.fake.mu.Unlock()
	if len(h.hooks) == 0 {
		return nil
	}
	return h.hooks[0][key]
}

// The connector registers the webhook, answers the ping that enabling sends, and takes deliveries once, in any order, any number of times.
func TestWebhook(t *testing.T) {
	f := newFake(t, now)
	var h *hooked
	ready := make(chan struct{})
	var pings atomic.Int32
	f.onEnable = func(map[string]any) bool {
		<-ready
		pings.Add(1)
		return h.post(`{"type":"PING"}`, hookPassword) == http.StatusOK
	}
	h = listenFor(f)
	close(ready)
	until(t, "the webhook is enabled", func() bool { return h.state("enabled") == true })
	want := []string{`POST /webhooks {"credentials":{"password":"` + hookPassword + `","username":"gladly"},"events":["CONTACT/STARTED","CONTACT/OFFER_ACCEPTED","CONTACT/TRANSFERRED","CONTACT/ENDED","CONVERSATION/CREATED","CONVERSATION/CLOSED","CONVERSATION/REOPENED"],"headers":{"X-Key":"k3y"},"name":"quarterhour","url":"http://hook.example/gladly"}`}
	if diff := cmp.Diff(want, f.requests("POST /webhooks")); diff != "" || pings.Load() != 1 {
		t.Error(diff, pings.Load())
	}

	lines := strings.SplitAfter(contactLines("17:59:00 STARTED c1 - i1 -", "17:59:20 OFFER_ACCEPTED c1 a i1 -", "17:59:50 ENDED c1 a i1 ANSWERED"), "\n")
	for _, i := range []int{2, 0, 0, 1, 2} {
		if got := h.post(lines[i], hookPassword); got != http.StatusOK {
			t.Errorf("status %d", got)
		}
	}
	if diff := cmp.Diff(map[string]string{"c1 a": "chat i1 17:59:00-17:59:20-17:59:50 talk - wrap - handled"}, f.world.calls()); diff != "" {
		t.Error(diff)
	}
	// Strangers, and those who know only one of the secrets.
	for _, password := range []string{"", "wrong", hookPassword + "x"} {
		if got := h.post(lines[0], password); got != http.StatusUnauthorized {
			t.Errorf("password %q: status %d", password, got)
		}
	}
	// What cannot be used is dead-lettered and answered well: sent again it would be no better.
	for _, body := range []string{"{broken", `{"type":"CONTACT/STARTED","timestamp":"2026-03-02T17:59:00Z","content":{}}`, `{"type":"NEW/THING","timestamp":"2026-03-02T17:59:00Z"}`} {
		if got := h.post(body, hookPassword); got != http.StatusOK {
			t.Errorf("%s: status %d", body, got)
		}
	}
	if got := f.world.letters(); len(got) != 2 || !strings.Contains(got[0], "webhook delivery from 127.0.0.1") || !strings.Contains(got[1], `has no "contactId"`) {
		t.Error(got)
	}
}

// A delivery is answered after the log has it, or refused in time to be sent again.
func TestWebhookWaitsForTheLog(t *testing.T) {
	f := newFake(t, now)
	f.onEnable = func(map[string]any) bool { return true }
	h := listenFor(f)
	until(t, "the webhook is enabled", func() bool { return h.state("enabled") == true })
	until(t, "the other streams have read", func() bool { f.world.mu.Lock(); defer f.world.mu.Unlock(); return f.world.marks[contactFact] != 0 })
	stuck, free := make(chan struct{}), make(chan struct{})
	f.world.mu.Lock()
	f.world.commit = func() error {
		select {
		case stuck <- struct{}{}:
		default:
		}
		<-free
		return nil
	}
	f.world.mu.Unlock()
	status := make(chan int, 1)
	go func() { status <- h.post(contactLine("17:59:00 STARTED c1 - i1 -"), hookPassword) }()
	<-stuck
	select {
	case got := <-status:
		if got != http.StatusServiceUnavailable {
			t.Errorf("status %d while the log is slow", got)
		}
	case <-time.After(30 * time.Second):
		t.Error("no answer at all")
	}
	close(free)
	if got := h.post(contactLine("17:59:00 STARTED c1 - i1 -"), hookPassword); got != http.StatusOK {
		t.Errorf("status %d of the delivery when it came again", got)
	}
	if len(f.world.calls()) != 1 {
		t.Error(f.world.calls())
	}
}

// A log that fails ends the run, and the delivery comes again.
func TestWebhookAndALogThatFails(t *testing.T) {
	f := newFake(t, now)
	f.onEnable = func(map[string]any) bool { return true }
	h := listenFor(f)
	until(t, "the other streams have read", func() bool { f.world.mu.Lock(); defer f.world.mu.Unlock(); return f.world.marks[contactFact] != 0 })
	f.world.mu.Lock()
	f.world.commit = func() error { return errors.New("the log is gone") }
	f.world.mu.Unlock()
	if got := h.post(contactLine("17:59:00 STARTED c1 - i1 -"), hookPassword); got < 500 {
		t.Errorf("status %d", got)
	}
	if err := h.end(); err == nil || !strings.Contains(err.Error(), "the log is gone") {
		t.Errorf("error %v", err)
	}
	h.end = func() error { return nil }
}

// A webhook that Gladly disabled is enabled again, one that is different is changed, and what was missed the stream tells.
func TestWebhookIsWatched(t *testing.T) {
	f := newFake(t, now)
	f.onEnable = func(map[string]any) bool { return true }
	h := listenFor(f)
	until(t, "the webhook is enabled", func() bool { return h.state("enabled") == true })
	f.mu.Lock()
	f.hooks[0]["enabled"], f.hooks[0]["disabledAtDueToRetryLimit"] = false, "2026-03-02T18:01:00Z"
	f.hooks[0]["headerKeys"] = []string{"x-key"}
	f.events = always(contactLines("18:00:30 STARTED c9 - i1 -"))
	f.mu.Unlock()
	until(t, "it is enabled again", func() bool { h.watch.add(time.Minute); return h.state("enabled") == true })
	until(t, "the stream tells", func() bool { h.watch.add(10 * time.Second); return len(f.world.calls()) == 1 })
	f.mu.Lock()
	f.hooks[0]["url"] = "https://elsewhere.example/"
	f.mu.Unlock()
	until(t, "it delivers here again", func() bool { h.watch.add(time.Minute); return h.state("url") == "http://hook.example/gladly" })
	if got := len(f.requests("POST /webhooks")); got != 1 {
		t.Errorf("%d webhooks were registered", got)
	}
}

// A vendor that does not answer what a delivery makes us ask does not get the webhook disabled: the event stream tells it later.
func TestWebhookWhileTheVendorIsSlow(t *testing.T) {
	f := newFake(t, now)
	f.onEnable = func(map[string]any) bool { return true }
	h := listenFor(f)
	until(t, "the other streams have read", func() bool { f.world.mu.Lock(); defer f.world.mu.Unlock(); return f.world.marks[contactFact] != 0 })
	closed := `{"id":"x","type":"CONVERSATION/CLOSED","timestamp":"2026-03-02T18:00:20Z","content":{"conversationId":"v-c1"}}` + "\n"
	f.mu.Lock()
	f.statuses["/conversations/v-c1"] = []int{http.StatusBadGateway}
	f.answers["/conversations/v-c1"] = `{"id":"v-c1","closedAt":"2026-03-02T18:00:19Z","inboxId":"i1","status":"CLOSED"}`
	f.events = always(contactLine("18:00:10 STARTED c1 - i1 -") + closed)
	f.mu.Unlock()
	for _, body := range []string{contactLine("18:00:10 STARTED c1 - i1 -"), closed, contactLine("18:00:30 STARTED c2 - i1 -")} {
		if got := h.post(body, hookPassword); got != http.StatusOK {
			t.Errorf("%s: status %d", body, got)
		}
	}
	until(t, "the stream tells", func() bool {
		h.watch.add(10 * time.Second)
		return strings.Contains(f.world.calls()["c1"], "-18:00:19")
	})
}

// A webhook that cannot be enabled, since nobody hears the ping, leaves the rest at work, and is tried again.
func TestWebhookThatIsNotReached(t *testing.T) {
	f := newFake(t, now)
	var tries atomic.Int32
	f.onEnable = func(map[string]any) bool { return tries.Add(1) > 2 }
	f.events = always(contactLines("17:59:30 STARTED c1 - i1 -"))
	h := listenFor(f)
	until(t, "the stream tells", func() bool { return len(f.world.calls()) == 1 })
	until(t, "it is enabled", func() bool { h.watch.add(10 * time.Second); return h.state("enabled") == true })
}

// Gladly does not show which password it sends: a webhook that failed is given the present one before it is enabled again.
func TestWebhookWithAnOldPassword(t *testing.T) {
	f := newFake(t, now)
	f.hooks = []map[string]any{{
		"id": "w1", "name": "quarterhour", "url": "http://hook.example/gladly", "events": hookEvents, "enabled": false, "hasCredentials": true,
		"headerKeys": []string{"x-key"}, "disabledAtDueToRetryLimit": "2026-03-02T17:01:00Z", "credentials": map[string]any{"username": "gladly", "password": "before"},
	}}
	f.onEnable = func(hook map[string]any) bool {
		sent, _ := hook["credentials"].(map[string]any)
		return sent["password"] == hookPassword
	}
	h := listenFor(f)
	until(t, "it is enabled", func() bool { h.watch.add(10 * time.Second); return h.state("enabled") == true })
}

// Six hours with the simulated Gladly, three of which no delivery arrives, so that it disables the webhook: it is enabled again, and in the
// end everything is as it was.
func TestWebhookOfTheSimulator(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	var watch *still
	s := simulateBy(t, func(l *leap) clock.Watch {
		watch = &still{leap: l, moved: make(chan struct{})}
		return watch
	}, vendor.Options{Loopback: true, Faults: vendor.Faults{Disorder: true, RepeatEvery: 5, Forged: true}}, 1,
		"webhook: {url: 'http://"+address+"/gladly', allow_http: true, listen: '"+address+"', username: gladly, password: "+hookPassword+"}\nstreams: {conversations: {every: 15m}}\n")
	nine := s.centre.From.Add(9 * time.Hour)
	s.Break(func(f *vendor.Faults) {
		f.Silences = []vendor.Window{{From: nine.Add(time.Hour), To: nine.Add(4 * time.Hour)}}
	})
	watch.set(nine)
	deps := s.deps(false)
	deps.Watch = watch
	g, err := newSource(s.options, deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx, nil, s.world) }()
	delivered, pings := map[string]bool{}, map[string]bool{}
	for end := nine.Add(6 * time.Hour); watch.Now().Before(end); {
		watch.add(20 * time.Second)
		time.Sleep(time.Millisecond)
		for _, d := range s.Deliveries() {
			switch {
			case d.Type == ping:
				pings[d.Event] = true
			case d.Delivered:
				delivered[d.Event] = true
			}
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if len(delivered) < 20 || len(pings) < 2 {
		t.Errorf("%d deliveries, %d pings: the webhook was not disabled and enabled again", len(delivered), len(pings))
	}
	s.Break(func(f *vendor.Faults) { f.Unheard = true })
	if problems := s.Server.Close(); problems != nil {
		t.Error(problems)
	}
	s.readOn(t)
	s.verify()
}
