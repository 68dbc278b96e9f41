package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// checkWithin bounds one readiness check, so that a probe gets an answer before it gives up.
const checkWithin = 2 * time.Second

// Check says whether something the process needs is there: nil, or what is wrong.
type Check func(context.Context) error

// ServerOptions of Listen.
type ServerOptions struct {
	Addr    string // host:port; port 0 takes any that is free
	Metrics prometheus.Gatherer
	Log     *slog.Logger
}

// Server answers /metrics, /healthz (the process lives) and /readyz (it can do its work).
type Server struct {
	http     *http.Server
	mux      *http.ServeMux
	addr     string
	served   chan error
	stopping chan struct{}
	once     sync.Once

	mu     sync.Mutex
	checks map[string]Check
}

// Listen starts to answer. The context bounds the start only.
func Listen(ctx context.Context, o ServerOptions) (*Server, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("cannot answer on %q: %w: choose another address with http.addr", o.Addr, err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		mux: http.NewServeMux(), addr: listener.Addr().String(), served: make(chan error, 1), stopping: make(chan struct{}),
		checks: map[string]Check{},
	}
	s.http = &http.Server{
		Handler: s.mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	s.mux.Handle("GET /metrics", promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	s.mux.HandleFunc("GET /healthz", s.health)
	s.mux.HandleFunc("GET /readyz", s.ready)
	s.mux.HandleFunc("GET /{$}", s.index)
	go func() { s.served <- s.http.Serve(listener) }()
	return s, nil
}

// Addr is host:port.
func (s *Server) Addr() string { return s.addr }

// Handle adds a page. Patterns are those of net/http.
func (s *Server) Handle(pattern string, h http.Handler) { s.mux.Handle(pattern, h) }

// Ready adds a check to /readyz, or replaces the one of that name.
func (s *Server) Ready(name string, c Check) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checks[name] = c
}

// Close refuses readiness at once, finishes what is being answered, at most until ctx ends, and stops.
func (s *Server) Close(ctx context.Context) error {
	var err error
	s.once.Do(func() {
		close(s.stopping)
		if err = s.http.Shutdown(ctx); err != nil {
			err = s.http.Close()
		}
		if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
	})
	return err
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, status{Status: "ok"})
}

func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("quarterhour\n\n/metrics  for Prometheus\n/healthz  the process lives\n/readyz   it can do its work\n"))
}

// status is the body of /healthz and /readyz.
type status struct {
	Status string            `json:"status"` // ok or failing
	Checks map[string]string `json:"checks,omitempty"`
}

// ready runs the checks side by side: 200 where all pass, else 503 with what each said.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	names := make([]string, 0, len(s.checks))
	checks := make([]Check, 0, len(s.checks))
	for n, c := range s.checks {
		names, checks = append(names, n), append(checks, c)
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(r.Context(), checkWithin)
	defer cancel()
	said := make([]string, len(checks))
	var group sync.WaitGroup
	for i, c := range checks {
		group.Go(func() { said[i] = ask(ctx, c) })
	}
	group.Wait()
	answer, code := status{Status: "ok", Checks: map[string]string{}}, http.StatusOK
	for i, n := range names {
		answer.Checks[n] = said[i]
	}
	select {
	case <-s.stopping:
		answer.Checks["process"] = "stopping"
		said = append(said, "stopping")
	default:
	}
	if slices.ContainsFunc(said, func(t string) bool { return t != "ok" }) {
		answer.Status, code = "failing", http.StatusServiceUnavailable
	}
	write(w, code, answer)
}

// ask gives up on a check that does not heed its context.
func ask(ctx context.Context, c Check) string {
	done := make(chan error, 1)
	go func() { done <- c(ctx) }()
	select {
	case err := <-done:
		if err != nil {
			return strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		return "ok"
	case <-ctx.Done():
		return "no answer within " + checkWithin.String()
	}
}

func write(w http.ResponseWriter, code int, body status) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // a client that went away asks again
}
