// Package httpcall calls the HTTP APIs of vendors: it signs requests, tells answers that are worth another try from those that are not,
// waits as long as the vendor asks, and never shows a secret.
//
// Time-outs are by the machine's clock, pauses by Options.Watch. Bodies are streamed: what counts against them is silence, not length.
package httpcall

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
)

// Auth signs requests. A request is signed anew for every attempt; Renew is called once after a 401 and says whether trying
// again makes sense. An Auth may also have a method Secrets() []string: what never to show, were it to come back in an answer.
type Auth interface {
	Sign(ctx context.Context, r *http.Request) error
	Renew(ctx context.Context) (again bool, err error)
}

// Options of a client.
type Options struct {
	Name       string // of the source or sink, for log and errors
	Base       string // URL that paths are relative to; only requests to its host are signed
	Auth       Auth   // nil: none
	TLS        *tls.Config
	Timeout    time.Duration     // of one attempt, the reading of the body not included; 60 s if 0
	Idle       time.Duration     // how long a body may stay silent; Timeout if 0
	Attempts   int               // at most; 5 if 0, 1 for no second try
	Pause      time.Duration     // before the second attempt; each further one is twice as long; 1 s if 0
	Longest    time.Duration     // of a pause. A vendor that asks for more is left alone: the error comes back at once. 2 min if 0
	Asked      time.Duration     // that a vendor may ask to be left alone for at most, by Retry-After; a year if 0
	MaxBody    int64             // bytes, decompressed, after which the reading of a body fails; 0: no limit
	Credential *quota.Credential // nil: no budget
	// Hold keeps the credential's turn until the body is read or closed: for vendors that take one request at a time. A caller that makes
	// another call before that waits for ever.
	Hold bool
	// LockOnForbidden treats 403 as 401. Without it 403 is about rights, and the credential stays in use.
	LockOnForbidden bool
	// Persists leaves a refused credential in use: for a caller that leaves the vendor alone by itself for a while and then tries once, as
	// sinks do, so that a renewed token needs nobody's hand.
	Persists  bool
	Watch     clock.Watch // clock.Wall if nil
	Log       *slog.Logger
	UserAgent string
	Secrets   []string          // texts never to show, besides those that Auth knows
	Observe   func(Call)        // nil: nobody counts
	Transport http.RoundTripper // nil: one of its own, with TLS
}

// Call is one attempt, for metrics.
type Call struct {
	Name, Operation string
	Outcome         string // "ok", "transient", "throttled", "refused", "permanent"
	Status          int    // 0 where no answer came
	Took            time.Duration
	Attempt         int // from 1
}

// Client calls one API. Safe for concurrent use.
type Client struct {
	o    Options
	base *url.URL
	http *http.Client
}

// New makes a client.
func New(o Options) (*Client, error) {
	c := &Client{o: o}
	c.defaults()
	if o.Base != "" {
		base, err := url.Parse(o.Base)
		switch {
		case err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http":
			return nil, fmt.Errorf("%q is not a URL: write it as https://host/path", c.redact(o.Base))
		case base.User != nil:
			return nil, errors.New("the URL holds a user name or password: give them as options, where they are kept secret")
		case base.RawQuery != "" || base.Fragment != "":
			return nil, fmt.Errorf("%q holds a query: give its parameters with the request", c.redact(o.Base))
		}
		c.base = base
	}
	transport := o.Transport
	if transport == nil {
		transport = newTransport(o.TLS)
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: followed}
	return c, nil
}

func (c *Client) defaults() {
	o := &c.o
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	if o.Idle == 0 {
		o.Idle = o.Timeout
	}
	if o.Attempts == 0 {
		o.Attempts = 5
	}
	if o.Pause == 0 {
		o.Pause = time.Second
	}
	if o.Longest == 0 {
		o.Longest = 2 * time.Minute
	}
	if o.Watch == nil {
		o.Watch = clock.Wall
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.UserAgent == "" {
		o.UserAgent = "quarterhour"
	}
}

func newTransport(config *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   15 * time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// Close closes the connections that are not in use.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Request is one call.
type Request struct {
	Method, Path string // GET if empty. Path may hold a query; a whole URL is taken as it is
	Header       http.Header
	Body         []byte // sent again on every attempt
	Operation    string // the budget it is paid from; "" is "call"
	// Once forbids a second try after the request left and the vendor may have done what it asks for: after no answer, after one
	// that cannot be understood, after a 5xx other than 503.
	Once bool
	// Judge looks at an answer before its status is judged; what it returns, if not nil, is the failure that the answer is. Refused
	// means that the credential is not accepted, and that no other call is made with it. head is the beginning of the body, all of it
	// where it has less than 16 KiB.
	Judge func(status int, header http.Header, head []byte) *Error
}

// Response is an answer of status 2xx. Body must be closed; it fails with *Error where the connection is cut.
type Response struct {
	Status int
	Header http.Header
	Body   io.ReadCloser
}

// url is where the request goes, and whether the host is the API's own, so that secrets may be sent there.
func (c *Client) url(path string) (u *url.URL, own bool, err error) {
	if c.base == nil || strings.HasPrefix(path, "https://") || strings.HasPrefix(path, "http://") {
		u, err = url.Parse(path)
		if err != nil || u.Host == "" {
			return nil, false, fmt.Errorf("%q is not a URL", c.redact(path))
		}
		if c.base == nil {
			return u, true, nil
		}
		own = u.Host == c.base.Host
		if own && c.base.Scheme == "https" && u.Scheme != "https" {
			return nil, false, fmt.Errorf("%q is not encrypted as %q is: nothing is sent there", c.redact(path), c.o.Base)
		}
		return u, own, nil
	}
	whole := c.o.Base
	switch {
	case strings.HasPrefix(path, "?"):
		whole += path
	case path != "":
		whole = strings.TrimSuffix(whole, "/") + "/" + strings.TrimPrefix(path, "/")
	}
	if u, err = url.Parse(whole); err != nil {
		return nil, false, fmt.Errorf("%q is not a URL", c.redact(whole))
	}
	return u, true, nil
}

// followed lets reads be redirected on the same host. Elsewhere headers with secrets would go along, and a POST would become a GET.
func followed(r *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > 5 || r.URL.Host != first.URL.Host || r.URL.Scheme != first.URL.Scheme && r.URL.Scheme != "https" ||
		first.Method != http.MethodGet && first.Method != http.MethodHead {
		return http.ErrUseLastResponse
	}
	return nil
}
