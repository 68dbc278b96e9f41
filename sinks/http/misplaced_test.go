package http

import (
	"errors"
	nethttp "net/http"
	"net/http/httptest"
	"testing"

	"github.com/quarterhour/quarterhour/internal/httpcall"
)

// Where nothing takes the requests no record is to blame, but for a path that is a record's own, and where the options say what the status means.
func TestAWrongPath(t *testing.T) {
	const feed, own = "records: {queue_interval: {path: rows, fields: {id: queue_id}}}\n", "one_per_request: true\nrecords: {queue_interval: {path: 'rows/{{queue_id}}', fields: {id: queue_id}}}\n"
	f := func(yaml string, status int, misplaced bool) {
		t.Helper()
		server := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, _ *nethttp.Request) {
			w.Header().Set("Location", "/login")
			w.WriteHeader(status)
		}))
		defer server.Close()
		err := opened(t, "url: ${URL}/v1\n"+yaml, server.URL).Destination.Send(t.Context(), awkward()[:1])
		var fault *httpcall.Error
		if !errors.As(err, &fault) || fault.Kind != httpcall.Permanent || fault.Misplaced != misplaced {
			t.Errorf("%d with %s: %v", status, yaml, err)
		}
	}
	for _, status := range []int{301, 302, 308, 404, 405, 410, 415} {
		f(feed, status, true)
		f("one_per_request: true\n"+feed, status, true)
		f(own, status, status != 404 && status != 410)
	}
	f(feed, 400, false)
	f(feed, 409, false)
	f(feed, 422, false)
	f("answer: {refusals: {statuses: [404], list: errors, index: at}}\n"+feed, 404, false)
}

// A status that the options call a success, or a reason to try again, is that.
func TestWhatTheOptionsSayOfAStatus(t *testing.T) {
	f := func(answer string, status int, kind httpcall.Kind) {
		t.Helper()
		server := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, _ *nethttp.Request) { w.WriteHeader(status) }))
		defer server.Close()
		err := opened(t, "url: ${URL}/v1\nanswer: "+answer+"\nrecords: {queue_interval: {path: rows, fields: {id: queue_id}}}\n", server.URL).Destination.Send(t.Context(), awkward()[:1])
		var fault *httpcall.Error
		if errors.As(err, &fault) != (kind != 0) || fault != nil && (fault.Kind != kind || fault.Misplaced) {
			t.Errorf("%d with %s: %v", status, answer, err)
		}
	}
	f("{success: [2xx, 404]}", 404, 0)
	f("{retry: [404]}", 404, httpcall.Transient)
	f("{success: [201]}", 200, httpcall.Permanent)
}
