package registry_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	embedded "github.com/quarterhour/quarterhour/internal/embedded/registry"
	"github.com/quarterhour/quarterhour/internal/registry"
)

const schema = `{"type":"record","name":"quarterhour.r","fields":[{"name":"x","type":"int"}]}`

// server is the embedded registry, behind a counter of requests.
func server(t *testing.T) (address string, requests *atomic.Int64) {
	t.Helper()
	s, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	requests = new(atomic.Int64)
	proxy := httputil.NewSingleHostReverseProxy(u)
	counter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(counter.Close)
	return counter.URL, requests
}

func open(t *testing.T, address string, opts ...registry.Option) *registry.Client {
	t.Helper()
	c, err := registry.Open(address, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEachQuestionIsAskedOnce(t *testing.T) {
	address, requests := server(t)
	c := open(t, address)
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	id, err := c.Register(t.Context(), "quarterhour.r", schema)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := c.Schema(t.Context(), id); err != nil || text != schema {
		t.Fatalf("schema %d: %q, %v", id, text, err)
	}
	before := requests.Load()
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if again, err := c.Register(t.Context(), "quarterhour.r", schema); err != nil || again != id {
				t.Errorf("id %d, %v", again, err)
			}
			if text, err := c.Schema(t.Context(), id); err != nil || text != schema {
				t.Errorf("schema %q, %v", text, err)
			}
		})
	}
	group.Wait()
	if n := requests.Load() - before; n != 0 {
		t.Errorf("%d requests for what is known", n)
	}
	// Another client, as another process would be, gets the same id.
	if again, err := open(t, address).Register(t.Context(), "quarterhour.r", schema); err != nil || again != id {
		t.Errorf("the other client has id %d, %v; want %d", again, err, id)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	address, _ := server(t)
	f := func(err error, want ...string) {
		t.Helper()
		if err == nil {
			t.Fatalf("no error, want %q", want)
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("error %q lacks %q", err, w)
			}
		}
	}
	c := open(t, address)
	_, err := c.Schema(t.Context(), 99)
	f(err, address, "schema 99", "40403", "is this the registry")
	if _, err := c.Register(t.Context(), "s", schema); err != nil {
		t.Fatal(err)
	}
	_, err = c.Register(t.Context(), "s", strings.ReplaceAll(schema, `"int"`, `"boolean"`))
	f(err, address, `register "s"`, "409", "BACKWARD")
	_, err = c.Register(t.Context(), "s", "{")
	f(err, "42201", "invalid schema")
	_, err = registry.Open("localhost:8081")
	f(err, `"localhost:8081"`, "http://host:port")
	_, err = registry.Open("")
	f(err, "http://host:port")
	ended, end := context.WithCancel(t.Context())
	end()
	f(c.Ping(ended), "context canceled")
	// A failure is not remembered.
	if _, err := c.Register(t.Context(), "s", schema); err != nil {
		t.Error(err)
	}
}

func TestCredentials(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "me" || password != "s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error_code":401,"message":"Unauthorized"}`))
			return
		}
		_, _ = w.Write([]byte(`{"schema":"\"int\""}`))
	}))
	t.Cleanup(s.Close)
	if text, err := open(t, s.URL, registry.BasicAuth("me", "s3cret")).Schema(t.Context(), 1); err != nil || text != `"int"` {
		t.Errorf("schema %q, %v", text, err)
	}
	if _, err := open(t, s.URL).Schema(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "registry.username") {
		t.Errorf("error %v, want the option to set", err)
	}
}

func TestOnlyAvroInOnePiece(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
		defer s.Close()
		if _, err := open(t, s.URL).Schema(t.Context(), 7); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", body, err, want)
		}
	}
	f(`{"schema":"{}","schemaType":"JSON"}`, "only Avro")
	f(`{"schema":"\"r\"","references":[{"name":"r","subject":"r","version":1}]}`, "one piece")
}
