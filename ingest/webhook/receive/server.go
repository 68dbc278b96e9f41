package receive

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// server is one address, shared by those who listen at it.
type server struct {
	addr string
	key  string
	tls  TLS
	http *http.Server

	mu    sync.RWMutex
	paths map[string]*path
	done  chan struct{} // closed when it has stopped
}

// path is who serves a path.
type path struct {
	serve *serving      // nil until Serve
	ready chan struct{} // closed then
}

// starting is how long a request waits for a listener that was opened and does not serve yet.
const starting = 3 * time.Second

// shared are the servers of the process by the address in the options: two sources may name the same one.
var shared = struct {
	sync.Mutex
	by map[string]*server
}{by: make(map[string]*server)}

// join takes a path at an address, which is opened if need be.
func join(o *Options, l *Listener) (*server, error) {
	shared.Lock()
	defer shared.Unlock()
	s := shared.by[o.Listen]
	if s == nil {
		var err error
		if s, err = newServer(o, l); err != nil {
			return nil, err
		}
		if _, port, _ := net.SplitHostPort(o.Listen); port != "0" && port != "" { // a port of one's own is not shared
			s.key = o.Listen
			shared.by[s.key] = s
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.tls != o.TLS:
		return nil, errors.New("another source listens there with another certificate: give both the same, or another port")
	case s.paths[o.Path] != nil:
		return nil, fmt.Errorf("another source listens there at path %q: give one of them another path", o.Path)
	}
	s.paths[o.Path] = &path{ready: make(chan struct{})}
	return s, nil
}

func newServer(o *Options, l *Listener) (*server, error) {
	config, err := o.TLS.open()
	if err != nil {
		return nil, err
	}
	socket, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, err
	}
	s := &server{addr: socket.Addr().String(), tls: o.TLS, paths: make(map[string]*path), done: make(chan struct{})}
	s.http = &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: o.ReadTimeout, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, TLSConfig: config, ErrorLog: slog.NewLogLogger(l.log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(s.done)
		if config != nil {
			_ = s.http.ServeTLS(socket, "", "")
		} else {
			_ = s.http.Serve(socket)
		}
	}()
	return s, nil
}

// leave gives a path back; the last one closes the address once its requests are answered, or patience is at its end.
func (s *server) leave(name string, patience time.Duration) {
	shared.Lock()
	s.mu.Lock()
	delete(s.paths, name)
	last := len(s.paths) == 0
	s.mu.Unlock()
	if last && s.key != "" {
		delete(shared.by, s.key)
	}
	if last { // the lock keeps the next one from opening the address before it is closed
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if s.http.Shutdown(ctx) != nil {
			_ = s.http.Close()
		}
		cancel()
		<-s.done
	}
	shared.Unlock()
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serve, ready := s.take(r.URL.Path)
	if serve == nil && ready != nil {
		timer := time.NewTimer(starting)
		select {
		case <-ready:
		case <-timer.C:
		case <-r.Context().Done():
		}
		timer.Stop()
		serve, ready = s.take(r.URL.Path)
	}
	switch {
	case serve != nil:
		defer serve.under.Done()
		serve.answer(w, r)
	case ready != nil:
		refuse(w, &Refusal{Status: http.StatusServiceUnavailable, RetryAfter: time.Second, Detail: "starting"})
	default:
		refuse(w, &Refusal{Status: http.StatusNotFound, Detail: "nobody listens at this path"})
	}
}

// take is who serves a path, who then knows of one more request, and what tells that somebody does; both nil where there is nobody.
func (s *server) take(name string) (serve *serving, ready <-chan struct{}) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.paths[name]
	if p == nil {
		return nil, nil
	}
	if p.serve != nil {
		p.serve.under.Add(1) // while the path is there: Serve waits for what was taken before it gave the path back
	}
	return p.serve, p.ready
}

// open reads the certificate; nil where there is none. It is read again for every connection, so that a renewed one is used without
// a restart.
func (t *TLS) open() (*tls.Config, error) {
	if t.Cert == "" {
		return nil, nil
	}
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		return &pair, err
	}
	if _, err := load(); err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return load() }}
	if t.ClientCA != "" {
		pem, err := os.ReadFile(t.ClientCA)
		if err != nil {
			return nil, err
		}
		config.ClientCAs = x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%q holds no certificate in PEM", t.ClientCA)
		}
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}
