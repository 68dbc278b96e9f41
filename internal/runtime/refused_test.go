package runtime

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/pipelines"
	httpsink "github.com/quarterhour/quarterhour/sinks/http"
)

// A destination that answers 401 ends a draining run with what it said, and the next run delivers everything once it is accepted again.
func TestDrainingEndsWhereTheCredentialIsRefused(t *testing.T) {
	w := newWorld(t)
	var accepted atomic.Bool
	var refused, took atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if !accepted.Load() {
			refused.Add(1)
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		took.Add(1)
	}))
	defer server.Close()
	node, problems := spec.Document("sink.yaml", []byte("url: "+server.URL+"\nauth: {type: bearer, token: hunter2}\nrecords: {queue_interval: {path: rows, fields: {id: queue_id}}}\n"))
	options := httpsink.Registration.New()
	problems = append(problems, spec.Decode(node, options, spec.Source{File: "sink.yaml"})...)
	if err := spec.Err(problems); err != nil {
		t.Fatal(err)
	}
	p := pipelineOf(t, history(21), newTableSink())
	p.Sinks = []pipelines.Sink{{Name: "wfm", Options: options, Registration: httpsink.Registration}}
	run := func() error {
		o := w.options(true)
		o.Watch = clock.Fast(clock.Now(), clock.Now(), 100)
		return Run(t.Context(), []*pipelines.Pipeline{p}, o)
	}
	err := run()
	if err == nil || !strings.Contains(err.Error(), "401") || !strings.Contains(err.Error(), `sink "wfm"`) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the run ends with %v", err)
	}
	if n := refused.Load(); n != 2 {
		t.Errorf("%d requests were refused, want 2", n)
	}
	accepted.Store(true)
	if err := run(); err != nil {
		t.Fatal(err)
	}
	if took.Load() == 0 {
		t.Error("nothing was delivered")
	}
}
