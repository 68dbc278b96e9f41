package sourcetest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
)

// Fault is what becomes of an answer on its way.
type Fault string

// The faults.
const (
	Unavailable Fault = "503"     // the vendor is away
	Throttled   Fault = "429"     // with Retry-After
	Page        Fault = "html"    // status 200, and a page for people instead of data
	Dropped     Fault = "dropped" // the connection ends before an answer
	Cut         Fault = "cut"     // the connection ends in the middle of the answer
	Silent      Fault = "silent"  // no answer at all, until the source gives up
	Lost        Fault = "lost"    // the vendor did what was asked for, and the answer is lost
	none        Fault = ""
)

// Faults are those that every source has to survive, one at a time.
var Faults = []Fault{Unavailable, Throttled, Page, Dropped, Cut, Lost}

// endpoint stands between a source and the vendor.
type endpoint struct {
	*httptest.Server
	vendor http.Handler

	mu       sync.Mutex
	requests int
	fault    Fault
	at       int // request that meets the fault, from 1; 0: all
	met      int
	waiting  chan struct{} // closed when a request waits for an answer that does not come
	once     sync.Once
	gone     context.Context //nolint:containedctx // ends when the endpoint does
	leave    context.CancelFunc
}

func newEndpoint(vendor http.Handler) *endpoint {
	e := &endpoint{vendor: vendor, waiting: make(chan struct{})}
	e.gone, e.leave = context.WithCancel(context.Background())
	e.Server = httptest.NewServer(http.HandlerFunc(e.serve))
	return e
}

func (e *endpoint) close() {
	e.leave()
	e.CloseClientConnections()
	e.Close()
}

// meet says what the request meets.
func (e *endpoint) meet() Fault {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests++
	if e.fault == none || e.at != 0 && e.requests != e.at {
		return none
	}
	e.met++
	return e.fault
}

func (e *endpoint) serve(w http.ResponseWriter, r *http.Request) {
	switch e.meet() {
	case none:
		e.vendor.ServeHTTP(w, r)
	case Unavailable:
		w.WriteHeader(http.StatusServiceUnavailable)
	case Throttled:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	case Page:
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!DOCTYPE html><html><head><title>Maintenance</title></head><body>We are back soon.</body></html>"))
	case Dropped:
		panic(http.ErrAbortHandler) //nolint:forbidigo // the way to cut a connection
	case Lost:
		e.vendor.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler) //nolint:forbidigo // the way to cut a connection
	case Cut:
		e.cut(w, r)
	case Silent:
		e.once.Do(func() { close(e.waiting) })
		select {
		case <-r.Context().Done():
		case <-e.gone.Done():
		}
	}
}

// cut sends half of the vendor's answer.
func (e *endpoint) cut(w http.ResponseWriter, r *http.Request) {
	whole := httptest.NewRecorder()
	e.vendor.ServeHTTP(whole, r)
	for name, values := range whole.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(whole.Code)
	body := whole.Body.Bytes()
	_, _ = w.Write(body[:len(body)/2])
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	panic(http.ErrAbortHandler) //nolint:forbidigo // the way to cut a connection
}
