// Package receive listens for requests that other systems push: it checks who sends them, keeps them within limits, and answers
// only when their handler is done.
//
// What is checked, in this order: path and method, the secrets in the headers, the rate, the number of requests at a time, the size
// of the body, and its HMAC. Secrets are compared in constant time. Several sources may listen at one address, each at a path of its
// own.
package receive

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// Options are what a pipeline file says about a listener.
type Options struct {
	Listen      string        `cfg:"listen,required" help:"address to listen at, as :8443 or 127.0.0.1:8080; sources may share one"`
	Path        string        `cfg:"path" default:"/" help:"of the URL that senders post to"`
	TLS         TLS           `cfg:"tls" help:"certificate of the listener; without one it speaks plain HTTP, for use behind a proxy"`
	Auth        Auth          `cfg:"auth" help:"how senders show who they are; everything given must hold"`
	MaxBody     int           `cfg:"max_body_bytes" default:"8388608" help:"largest body of a request, decompressed, in bytes"`
	Rate        float64       `cfg:"max_requests_per_second" default:"0" help:"requests taken per second, answered with status 429 beyond; 0: no limit"`
	Concurrent  int           `cfg:"max_concurrent" default:"64" help:"requests handled at a time; further ones wait for a moment, and are answered with status 503"`
	Within      time.Duration `cfg:"answer_within" default:"14s" help:"time after which a request is answered with status 503, whatever became of it"`
	ReadTimeout time.Duration `cfg:"read_timeout" default:"30s" help:"time a sender has for a request"`
}

// TLS are the listener's certificate and, for mutual TLS, the authority of the senders'.
type TLS struct {
	Cert     string `cfg:"cert" help:"PEM file with the certificate and its chain"`
	Key      string `cfg:"key" help:"PEM file with the key of cert"`
	ClientCA string `cfg:"client_ca" help:"PEM file with the authorities that senders' certificates must be from"`
}

// Request is one request that passed every check. It is only valid until its handler returns.
type Request struct {
	Header http.Header
	Query  url.Values
	Body   []byte // decompressed
	Remote string // address of the sender, for dead letters and log
	// Answer is what the sender is told where the handler returns nil: status 200 without a body if left as it is.
	Answer Answer
	kept   bool
}

// Keep lets Body live longer than the handler.
func (r *Request) Keep() { r.kept = true }

// Answer is what a sender is told.
type Answer struct {
	Status int
	Type   string // of the body; application/json if empty
	Body   []byte
}

// Handler does what a request asks for: the sender is answered once it returns. A *Refusal is answered as it says; any other
// error with status 503 and Retry-After, and logged. ctx ends when the answer is due or the sender has gone. Called from many goroutines.
type Handler func(ctx context.Context, r *Request) error

// Refusal is the error of a request that is not taken.
type Refusal struct {
	Status     int
	RetryAfter time.Duration // 0: not said
	Detail     string        // for the sender
}

func (r *Refusal) Error() string { return fmt.Sprintf("status %d: %s", r.Status, r.Detail) }

// Listener holds an address and a path. The system accepts connections from Open on; requests are answered while Serve runs.
type Listener struct {
	o      *Options
	log    *slog.Logger
	checks *checks
	server *server
	calls  chan struct{}
}

// Open starts to listen.
func Open(o *Options, log *slog.Logger) (*Listener, error) {
	checks, err := newChecks(&o.Auth)
	if err != nil {
		return nil, err
	}
	l := &Listener{o: o, log: log, checks: checks, calls: make(chan struct{}, o.Concurrent)}
	if l.server, err = join(o, l); err != nil {
		return nil, fmt.Errorf("listen at %q: %w", o.Listen, err)
	}
	return l, nil
}

// Listen opens and serves until ctx ends.
func Listen(ctx context.Context, o *Options, log *slog.Logger, handler Handler) error {
	l, err := Open(o, log)
	if err != nil {
		return err
	}
	return l.Serve(ctx, handler)
}

// Addr is the address that is listened at, with the port that the system chose where the options leave it open.
func (l *Listener) Addr() string { return l.server.addr }
