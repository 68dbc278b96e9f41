package clickhouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options of Start.
type Options struct {
	// Dir keeps the data and everything else that is written. It is made if missing.
	Dir string
	// Library is the path of libchdb; where empty, FindLibrary's.
	Library string
	// Addr to listen on; where empty, a free port of 127.0.0.1.
	Addr string
	// Listener is used instead of Addr where it is given. The server closes it; where Start fails, the caller does.
	Listener net.Listener
	// Log takes what goes wrong; where nil, nothing is logged.
	Log *slog.Logger
}

// Server is ClickHouse's engine behind ClickHouse's HTTP interface.
type Server struct {
	engine   *engine
	sessions *sessions
	spool    string // directory of request bodies
	log      *slog.Logger

	listener net.Listener
	http     *http.Server
	served   chan struct{}
	stop     context.CancelFunc // cancels the queries that still run
	closing  sync.Once
}

// Start opens the data in Options.Dir, making it if missing, and serves it until Close. One process can run one Server at a
// time. The caller must keep other processes away from Dir.
func Start(ctx context.Context, options Options) (*Server, error) {
	log := options.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	engine, err := start(options)
	if err != nil {
		return nil, err
	}
	s := &Server{engine: engine, sessions: newSessions(engine), spool: filepath.Join(options.Dir, "spool"), log: log, served: make(chan struct{})}
	if err := s.listen(ctx, options); err != nil {
		engine.close()
		return nil, err
	}
	return s, nil
}

// start checks and loads the library and opens the data.
func start(options Options) (*engine, error) {
	if options.Dir == "" {
		return nil, errors.New("start ClickHouse's engine: no directory for its data")
	}
	dir, err := filepath.Abs(options.Dir)
	if err != nil {
		return nil, fmt.Errorf("start ClickHouse's engine: %w", err)
	}
	library := options.Library
	if library == "" {
		if library, err = FindLibrary(); err != nil {
			return nil, err
		}
	}
	lib, err := load(library)
	if err != nil {
		return nil, err
	}
	arguments, err := prepare(dir)
	if err != nil {
		return nil, fmt.Errorf("prepare %q for ClickHouse's engine: %w", dir, err)
	}
	return openEngine(lib, arguments)
}

// prepare makes the directories, removes what a killed process left behind, and writes the engine's configuration.
func prepare(dir string) (arguments []string, err error) {
	spool := filepath.Join(dir, "spool")
	if err := os.RemoveAll(spool); err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	for _, sub := range []string{dir, data, spool} {
		if err := os.MkdirAll(sub, 0o700); err != nil {
			return nil, err
		}
	}
	config := filepath.Join(dir, "config.xml")
	if err := os.WriteFile(config, []byte(configuration), 0o600); err != nil {
		return nil, err
	}
	return []string{"clickhouse", "--config-file=" + config, "--path=" + data}, nil
}

// listen binds the address, unless that is done, and serves it in the background.
func (s *Server) listen(ctx context.Context, o Options) (err error) {
	if s.listener = o.Listener; s.listener == nil {
		s.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", cmp.Or(o.Addr, "127.0.0.1:0"))
	}
	if err != nil {
		return fmt.Errorf("serve ClickHouse's engine: %w", err)
	}
	queries, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.http = &http.Server{
		Handler:           s,
		BaseContext:       func(net.Listener) context.Context { return queries },
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       5 * time.Minute,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	go func() {
		defer close(s.served)
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("ClickHouse's engine is no longer served", "error", err)
		}
	}()
	return nil
}

// Addr is where the server listens, as host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// closeGrace is how long Close lets running queries go on before it cancels those that only read. Inserts always end.
const closeGrace = 10 * time.Second

// Close stops taking queries, waits for those that run, and closes the data. It is safe to call twice.
func (s *Server) Close() error {
	s.closing.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
		defer cancel()
		if s.http.Shutdown(ctx) != nil {
			s.stop()
			_ = s.http.Shutdown(context.Background())
		}
		s.stop()
		<-s.served
		s.sessions.close()
		s.engine.close()
	})
	return nil
}
