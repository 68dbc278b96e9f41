package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/quarterhour/quarterhour/internal/embedded/loopback"
)

// preferredPort is the usual one with a 1 before it, so that it does not stand in the way of a real server.
const preferredPort = 18081

// Options of a registry.
type Options struct {
	Dir string // where the journal is
	Log *slog.Logger
}

// Server is a running registry.
type Server struct {
	http    *http.Server
	journal *journal
	addr    string
	served  chan error
	once    sync.Once
	closed  error
}

// Start reads the journal and listens. The context bounds the start only.
func Start(ctx context.Context, o Options) (*Server, error) {
	memory := srfake.NewRegistry()
	journal, err := openJournal(filepath.Join(o.Dir, "journal.jsonl"), memory.Handler(), o.Log)
	if err != nil {
		return nil, err
	}
	listener, err := loopback.Listen(ctx, filepath.Join(o.Dir, "address"), preferredPort)
	if err != nil {
		return nil, errors.Join(err, journal.Close())
	}
	s := &Server{
		http:    &http.Server{Handler: journal, ReadHeaderTimeout: 10 * time.Second},
		journal: journal,
		addr:    listener.Addr().String(),
		served:  make(chan error, 1),
	}
	go func() { s.served <- s.http.Serve(listener) }()
	return s, nil
}

// Addr is host:port.
func (s *Server) Addr() string { return s.addr }

// URL is the address as a client wants it.
func (s *Server) URL() string { return "http://" + s.addr }

// Close waits for what is being answered, at most two seconds, and stops. Further calls do nothing and return the same error.
func (s *Server) Close() error {
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		err := s.http.Shutdown(ctx)
		if err != nil {
			err = s.http.Close()
		}
		if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, fmt.Errorf("schema registry: %w", served))
		}
		s.closed = errors.Join(err, s.journal.Close())
	})
	return s.closed
}
