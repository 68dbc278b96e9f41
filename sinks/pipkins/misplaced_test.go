package pipkins

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// The name of a file is new to the other side: where nothing takes it the address is wrong, and no row is to blame.
func TestAWrongAddress(t *testing.T) {
	f := func(more string, status int, misplaced bool) {
		t.Helper()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/login")
			w.WriteHeader(status)
		}))
		defer server.Close()
		d := opened(t, "https: {url: '"+server.URL+"/inbound'"+more+"}\nstate: "+t.TempDir()+"\n")
		err := d.Send(t.Context(), []delivery.Item{queue(t, "2026-03-02T09:00:00Z", "a", "voice", 3, 1000, 1)})
		var fault *httpcall.Error
		if !errors.As(err, &fault) || fault.Kind != httpcall.Permanent || fault.Misplaced != misplaced {
			t.Errorf("%d%s: %v", status, more, err)
		}
	}
	for _, status := range []int{302, 404, 405, 410, 415} {
		f("", status, true)
		f(", method: POST, body: multipart, path: files", status, true)
	}
	f("", 400, false)
	f("", 413, false)
}
