package httpcall

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// dozer is a watch on which nothing takes time but sleep.
type dozer struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (d *dozer) Now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *dozer) Sleep(ctx context.Context, pause time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(pause)
	d.slept = append(d.slept, pause)
	return ctx.Err()
}

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// vendor answers the attempts one after the other; the last answer stays.
type vendor struct {
	answers []http.HandlerFunc
	mu      sync.Mutex
	got     []*http.Request
	bodies  []string
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v.mu.Lock()
	n := len(v.got)
	v.got = append(v.got, r)
	v.bodies = append(v.bodies, string(body))
	v.mu.Unlock()
	v.answers[min(n, len(v.answers)-1)](w, r)
}

func (v *vendor) calls() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.got)
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, "said %d", code)
	}
}

func says(contentType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		io.WriteString(w, text)
	}
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func cutShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	io.WriteString(w, "the beginning")
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func serve(t *testing.T, change func(*Options), answers ...http.HandlerFunc) (*Client, *vendor, *dozer) {
	t.Helper()
	v := &vendor{answers: answers}
	server := httptest.NewUnstartedServer(v)
	server.Config.ErrorLog = nil
	server.Start()
	t.Cleanup(server.Close)
	watch := &dozer{now: start}
	o := Options{Name: "acme", Base: server.URL + "/api", Watch: watch}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, v, watch
}

func TestFaults(t *testing.T) {
	ok := says("application/json", `{"ok":true}`)
	html := says("text/html;charset=utf-8", "<html><head><title>x</title></head><body>Sign in</body></html>")
	fault := func(_ int, _ http.Header, head []byte) *Error {
		switch {
		case bytes.Contains(head, []byte("InvalidAccountFault")):
			return &Error{Kind: Refused, Err: errors.New("fault InvalidAccountFault")}
		case bytes.Contains(head, []byte("Busy")):
			return &Error{Kind: Throttled, RetryAfter: 7 * time.Second}
		}
		return nil
	}
	for _, c := range []struct {
		name    string
		request Request
		answers []http.HandlerFunc
		calls   int
		kind    Kind // 0: succeeds
		status  int
		slept   time.Duration // about
	}{
		{name: "fine", answers: []http.HandlerFunc{ok}, calls: 1},
		{name: "500 twice", answers: []http.HandlerFunc{status(500), status(502), ok}, calls: 3, slept: 3 * time.Second},
		{name: "500 always", answers: []http.HandlerFunc{status(500)}, calls: 5, kind: Transient, status: 500, slept: 15 * time.Second},
		{name: "408", answers: []http.HandlerFunc{status(408), ok}, calls: 2, slept: time.Second},
		{name: "501 is for good", answers: []http.HandlerFunc{status(501)}, calls: 1, kind: Permanent, status: 501},
		{name: "429 without Retry-After", answers: []http.HandlerFunc{status(429), ok}, calls: 2, slept: time.Second},
		{name: "429 with seconds", answers: []http.HandlerFunc{status(429, "Retry-After", "20"), ok}, calls: 2, slept: 20 * time.Second},
		{name: "429 for too long", answers: []http.HandlerFunc{status(429, "Retry-After", "3600"), ok}, calls: 1, kind: Throttled, status: 429},
		{name: "503 with a date", answers: []http.HandlerFunc{status(503, "Retry-After", "Mon, 02 Mar 2026 09:00:30 GMT", "Date", "Mon, 02 Mar 2026 09:00:00 GMT"), ok}, calls: 2, slept: 30 * time.Second},
		{name: "400", answers: []http.HandlerFunc{status(400)}, calls: 1, kind: Permanent, status: 400},
		{name: "401", answers: []http.HandlerFunc{status(401)}, calls: 1, kind: Refused, status: 401},
		{name: "403", answers: []http.HandlerFunc{status(403)}, calls: 1, kind: Refused, status: 403},
		{name: "HTML, then data", answers: []http.HandlerFunc{html, ok}, calls: 2, slept: time.Second},
		{name: "HTML that was asked for", request: Request{Header: http.Header{"Accept": {"text/html"}}}, answers: []http.HandlerFunc{html}, calls: 1},
		{name: "connection cut", answers: []http.HandlerFunc{hangUp, ok}, calls: 2, slept: time.Second},
		{name: "cut, once", request: Request{Method: "POST", Once: true}, answers: []http.HandlerFunc{hangUp, ok}, calls: 1, kind: Transient},
		{name: "500, once", request: Request{Method: "POST", Once: true}, answers: []http.HandlerFunc{status(500), ok}, calls: 1, kind: Transient, status: 500},
		{name: "503, once", request: Request{Method: "POST", Once: true}, answers: []http.HandlerFunc{status(503), ok}, calls: 2, slept: time.Second},
		{name: "429, once", request: Request{Method: "POST", Once: true}, answers: []http.HandlerFunc{status(429), ok}, calls: 2, slept: time.Second},
		{name: "judged refused", request: Request{Judge: fault}, answers: []http.HandlerFunc{says("text/xml", "<a>InvalidAccountFault</a>")}, calls: 1, kind: Refused, status: 200},
		{name: "judged busy", request: Request{Judge: fault}, answers: []http.HandlerFunc{says("text/xml", "Busy"), ok}, calls: 2, slept: 7 * time.Second},
		{name: "judge keeps the status", request: Request{Judge: fault}, answers: []http.HandlerFunc{status(404)}, calls: 1, kind: Permanent, status: 404},
		{name: "redirect elsewhere", answers: []http.HandlerFunc{status(302, "Location", "https://elsewhere.test/")}, calls: 1, kind: Permanent, status: 302},
		{name: "cut short, whole answer wanted", answers: []http.HandlerFunc{cutShort, ok}, calls: 2, slept: time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, v, watch := serve(t, nil, c.answers...)
			c.request.Path = "things?token=abcdefgh"
			_, _, err := client.Bytes(t.Context(), &c.request)
			var e *Error
			switch errors.As(err, &e) {
			case false:
				if err != nil || c.kind != 0 {
					t.Errorf("error %v, want kind %v", err, c.kind)
				}
			case true:
				if e.Kind != c.kind || e.Status != c.status {
					t.Errorf("error %v of kind %v, want %v with status %d", e, e.Kind, c.kind, c.status)
				}
				if strings.Contains(err.Error(), "abcdefgh") || !strings.Contains(err.Error(), "/api/things?token=***") {
					t.Errorf("error %q", err)
				}
			}
			if v.calls() != c.calls {
				t.Errorf("%d calls, want %d", v.calls(), c.calls)
			}
			if slept := watch.now.Sub(start); slept < c.slept*7/10 || slept > c.slept*13/10 {
				t.Errorf("slept %v, want about %v", watch.slept, c.slept)
			}
		})
	}
}

func TestNotReached(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	var log bytes.Buffer
	c, err := New(Options{Base: server.URL, Watch: &dozer{}, Log: slog.New(slog.NewTextHandler(&log, nil)), Auth: Basic("u", "p4ssw0rd")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Do(t.Context(), &Request{Path: "x?password=p4ssw0rd", Once: true})
	var e *Error
	if !errors.As(err, &e) || e.Kind != Transient || e.Sent || e.Status != 0 {
		t.Errorf("error %#v", err)
	}
	if strings.Count(log.String(), "will try again") != 4 {
		t.Errorf("a request that never left is sent again, also Once; log:\n%s", &log)
	}
	if strings.Contains(log.String()+err.Error(), "p4ss") {
		t.Errorf("secret in %q or log %q", err, &log)
	}
}

func TestBodyIsStreamedAndCut(t *testing.T) {
	c, _, _ := serve(t, nil, cutShort)
	resp, err := c.Do(t.Context(), &Request{Path: "x"})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	var e *Error
	if string(got) != "the beginning" || !errors.As(err, &e) || e.Kind != Transient || !e.Sent {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTimeouts(t *testing.T) {
	release := make(chan struct{})
	wait := func(_ http.ResponseWriter, r *http.Request) { <-release }
	drip := func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "a")
		w.(http.Flusher).Flush()
		<-release
	}
	slow, _, _ := serve(t, func(o *Options) { o.Timeout, o.Attempts = 100*time.Millisecond, 1 }, wait)
	stuck, _, _ := serve(t, func(o *Options) { o.Idle, o.Attempts = 200*time.Millisecond, 1 }, drip)
	t.Cleanup(func() { close(release) }) // before the servers close
	_, err := slow.Do(t.Context(), &Request{})
	var e *Error
	if !errors.As(err, &e) || e.Kind != Transient || !strings.Contains(err.Error(), "no answer within 100ms") {
		t.Errorf("error %v", err)
	}
	resp, err := stuck.Do(t.Context(), &Request{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(resp.Body); string(got) != "a" || !errors.As(err, &e) || !strings.Contains(err.Error(), "stopped for 200ms") {
		t.Errorf("%q, error %v", got, err)
	}
	resp.Body.Close()
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, v, _ := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := c.Do(ctx, &Request{}); !errors.Is(err, context.Canceled) || v.calls() != 1 {
		t.Errorf("error %v after %d calls", err, v.calls())
	}
}

func TestGzip(t *testing.T) {
	unasked := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		fmt.Fprint(z, strings.Repeat("long ", 1000))
		z.Close()
	}
	for _, header := range []http.Header{nil, {"Accept-Encoding": {"gzip"}}} {
		c, _, _ := serve(t, func(o *Options) { o.MaxBody = 5000 }, unasked)
		if got, _, err := c.Bytes(t.Context(), &Request{Header: header}); err != nil || len(got) != 5000 {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		c, _, _ = serve(t, func(o *Options) { o.MaxBody = 4999 }, unasked)
		var e *Error
		if _, _, err := c.Bytes(t.Context(), &Request{Header: header}); !errors.As(err, &e) || e.Kind != Permanent || !strings.Contains(err.Error(), "more than 4999 bytes") {
			t.Errorf("error %v", err)
		}
	}
}

func TestSecretsStayWithTheirHost(t *testing.T) {
	other, v2, _ := serve(t, nil, says("text/plain", "x"))
	c, v1, _ := serve(t, func(o *Options) { o.Auth = Bearer("t0ken") }, says("text/plain", "x"))
	for _, path := range []string{"", "next", c.o.Base + "/again", other.o.Base} {
		if _, _, err := c.Bytes(t.Context(), &Request{Path: path}); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range v1.got {
		if r.Header.Get("Authorization") != "Bearer t0ken" {
			t.Errorf("%s is not signed", r.URL)
		}
	}
	if len(v1.got) != 3 || len(v2.got) != 1 || v2.got[0].Header.Get("Authorization") != "" {
		t.Errorf("%d and %d calls; to the other host with %v", len(v1.got), len(v2.got), v2.got[0].Header)
	}
}

func TestObserved(t *testing.T) {
	var got []string
	c, _, _ := serve(t, func(o *Options) {
		o.Observe = func(c Call) {
			got = append(got, fmt.Sprint(c.Name, c.Operation, c.Attempt, c.Outcome, c.Status))
		}
	}, status(429), status(500), says("text/plain", "x"))
	if _, _, err := c.Bytes(t.Context(), &Request{Operation: "read"}); err != nil {
		t.Fatal(err)
	}
	if want := "[acmeread1throttled429 acmeread2transient500 acmeread3ok200]"; strings.ReplaceAll(fmt.Sprint(got), " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("observed %v", got)
	}
}
