package playvox

import (
	"errors"
	nethttp "net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/simulator/playvox"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Where Playvox takes records is not public, so that a wrong path is likely: of records, of users, of tasks to be read, of tokens. No record is to
// blame then. A record that is to be deleted and is not there is no such thing.
func TestAWrongPath(t *testing.T) {
	f := func(yaml, method, path string, status int, misplaced bool) {
		t.Helper()
		b := newBench(t, playvox.Options{Users: []playvox.User{{ID: 1, Email: "ann@acme.test"}}})
		inner, err := url.Parse(b.url)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
			if r.Method == method && strings.Contains(r.URL.Path, path) {
				w.WriteHeader(status)
				return
			}
			r.URL.Host, r.URL.Scheme, r.RequestURI = inner.Host, inner.Scheme, ""
			b.sim.ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		b.url = server.URL
		d := b.open(t, yaml)
		state := stateOf("ann@acme.test", "1", 0, schemas.StateAvailable)
		err = d.Send(t.Context(), []delivery.Item{state})
		if method == nethttp.MethodDelete && err == nil {
			state.Revision, state.AgentState.Retracted = state.Revision+1, true
			err = d.Send(t.Context(), []delivery.Item{state})
		}
		var fault *httpcall.Error
		var no *delivery.Refused
		if !misplaced && errors.As(err, &no) && len(no.Items) == 1 && strings.Contains(no.Items[0].Detail, strconv.Itoa(status)) {
			return
		}
		if !errors.As(err, &fault) || fault.Kind != httpcall.Permanent || fault.Misplaced != misplaced {
			t.Errorf("%s %s %d: %v", method, path, status, err)
		}
	}
	for _, status := range []int{404, 405, 415} {
		f("states: {}\n", "POST", "/tasks", status, true)
	}
	f("states: {}\n", "POST", "/tasks", 400, false)
	f("states: {}\n", "GET", "/tasks", 404, true)
	f("states: {}\n", "GET", "/users", 404, true)
	f("states: {}\n", "GET", "/users", 400, true)
	f("states: {}\n", "POST", "/token", 404, true)
	f("retracted: delete\nstates: {recover: false}\n", "DELETE", "/tasks", 405, true)
	f("retracted: delete\nstates: {recover: false}\n", "DELETE", "/tasks", 404, false)
}
