package deliverytest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// fault is what becomes of a request on its way.
type fault string

// The faults of HTTP.
const (
	unavailable   fault = "503"
	failing       fault = "500"
	throttled     fault = "429"
	throttledFor  fault = "429 with Retry-After"
	throttledTill fault = "429 with Retry-After as a date"
	page          fault = "html"         // status 200, and a page for people instead of an answer
	gatewayPage   fault = "502 and html" // as a proxy says it
	dropped       fault = "dropped"      // the connection ends before the destination saw the request
	cut           fault = "cut"          // the connection ends in the middle of the answer
	lost          fault = "lost"         // the destination did what was asked for, and the answer is lost
	lostBehind    fault = "504 after it" // as above, behind a proxy
	unauthorized  fault = "401"
	silent        fault = "silent"
)

// endpoint stands between a sink and its destination.
type endpoint struct {
	*httptest.Server
	destination http.Handler
	watch       clock.Watch // the destination's

	mu       sync.Mutex
	requests int
	fault    fault
	at       int // request that meets the fault, from 1; 0: all
	strike   strike
	waiting  chan struct{}
	once     sync.Once
	gone     context.Context //nolint:containedctx // ends when the endpoint does
	leave    context.CancelFunc
}

func newEndpoint(destination http.Handler, watch clock.Watch) *endpoint {
	e := &endpoint{destination: destination, watch: watch, waiting: make(chan struct{})}
	e.gone, e.leave = context.WithCancel(context.Background())
	e.Server = httptest.NewServer(http.HandlerFunc(e.serve))
	return e
}

func (e *endpoint) close() {
	e.leave()
	e.CloseClientConnections()
	e.Close()
}

// put sets what requests meet: the one with the number, counted from now, or all.
func (e *endpoint) put(f fault, at int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fault, e.at, e.requests = f, at, 0
}

func (e *endpoint) meet() fault {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests++
	if e.at != 0 && e.requests != e.at {
		return ""
	}
	return e.fault
}

func (e *endpoint) asked() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requests
}

const maintenance = "<!DOCTYPE html><html><head><title>Maintenance</title></head><body>We are back soon.</body></html>"

func (e *endpoint) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", e.watch.Now().UTC().Format(http.TimeFormat))
	met := e.meet()
	if e.struck(r) {
		panic(http.ErrAbortHandler) //nolint:forbidigo // the way to cut a connection
	}
	switch met {
	case unavailable:
		w.WriteHeader(http.StatusServiceUnavailable)
	case failing:
		http.Error(w, `{"error":"internal"}`, http.StatusInternalServerError)
	case throttled:
		w.WriteHeader(http.StatusTooManyRequests)
	case throttledFor:
		w.Header().Set("Retry-After", "20")
		w.WriteHeader(http.StatusTooManyRequests)
	case throttledTill:
		w.Header().Set("Retry-After", e.watch.Now().UTC().Add(20*time.Second).Format(http.TimeFormat))
		w.WriteHeader(http.StatusTooManyRequests)
	case page:
		answerPage(w, http.StatusOK)
	case gatewayPage:
		answerPage(w, http.StatusBadGateway)
	case unauthorized:
		w.WriteHeader(http.StatusUnauthorized)
	case dropped:
		panic(http.ErrAbortHandler) //nolint:forbidigo // the way to cut a connection
	case lost:
		e.destination.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler) //nolint:forbidigo // the way to cut a connection
	case lostBehind:
		e.destination.ServeHTTP(httptest.NewRecorder(), r)
		answerPage(w, http.StatusGatewayTimeout)
	case cut:
		e.cut(w, r)
	case silent:
		e.once.Do(func() { close(e.waiting) })
		select {
		case <-r.Context().Done():
		case <-e.gone.Done():
		}
	default:
		e.destination.ServeHTTP(w, r)
	}
}

func answerPage(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(maintenance))
}

// cut promises the whole answer and sends half of it.
func (e *endpoint) cut(w http.ResponseWriter, r *http.Request) {
	whole := httptest.NewRecorder()
	e.destination.ServeHTTP(whole, r)
	for name, values := range whole.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	body := whole.Body.Bytes()
	if len(body) == 0 { // there is no middle: the answer does not come at all
		panic(http.ErrAbortHandler) //nolint:forbidigo // the way to cut a connection
	}
	w.WriteHeader(whole.Code)
	_, _ = w.Write(body[:len(body)/2])
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	panic(http.ErrAbortHandler) //nolint:forbidigo // the way to cut a connection
}
