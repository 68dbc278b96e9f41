package pipkins

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/deliverytest"
)

// The log of deliveries has the status by which a file was taken; 0 where no HTTP interface takes it.
func TestStatusOfAttempts(t *testing.T) {
	f := func(yaml string, status int32) {
		t.Helper()
		d := sinks.Delivering{Destination: opened(t, yaml), Plan: delivery.Plan{Kinds: kinds, Items: 10}}
		list := deliverytest.Attempts(t, d, queue(t, "2026-03-02T09:00:00Z", "a", "voice", 3, 1000, 1))
		if len(list) != 1 || list[0].Outcome != delivery.Delivered || list[0].Status != status {
			t.Errorf("%+v, want one that is delivered with %d", list, status)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }))
	defer server.Close()
	f("https: {url: '"+server.URL+"'}\nstate: "+t.TempDir()+"\n", 201)
	f("folder: "+t.TempDir()+"\n", 0)
}
