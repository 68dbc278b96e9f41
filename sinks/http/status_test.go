package http

import (
	nethttp "net/http"
	"net/http/httptest"
	"testing"

	"github.com/quarterhour/quarterhour/sinks/deliverytest"
)

// The log of deliveries has the status by which each record was taken or refused.
func TestStatusOfAttempts(t *testing.T) {
	const more = "answer: {refusals: {statuses: [422], list: errors, index: at}}\nrecords: {queue_interval: {path: rows, fields: {id: queue_id}}}\n"
	f := func(status int, answer string, want map[string]int32) {
		t.Helper()
		server := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, _ *nethttp.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(answer))
		}))
		defer server.Close()
		got := map[string]int32{}
		for _, a := range deliverytest.Attempts(t, opened(t, "url: ${URL}\n"+more, server.URL), awkward()[:2]...) {
			got[a.Outcome] = a.Status
		}
		if len(got) != len(want) {
			t.Errorf("%d: outcomes %v, want %v", status, got, want)
		}
		for outcome, status := range want {
			if got[outcome] != status {
				t.Errorf("%d: outcomes %v, want %v", status, got, want)
			}
		}
	}
	f(202, "", map[string]int32{"delivered": 202})
	f(422, `{"errors":[{"at":1}]}`, map[string]int32{"delivered": 422, "dead": 422})
	f(400, "", map[string]int32{"retry": 400, "dead": 400})
}
