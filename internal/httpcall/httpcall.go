// Package httpcall calls the HTTP APIs of vendors: it signs requests, tells answers that are worth another try from those that are not,
// waits as long as the vendor asks, and never shows a secret.
package httpcall

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
)

// Kind says what to do about a failure.
type Kind int

// The kinds of failure.
const (
	Transient Kind = iota + 1 // not reached, 5xx, an HTML page where data was expected: another try may do
	Throttled                 // 429: another try, after RetryAfter where the vendor says so
	Refused                   // 401, 403: the credential is not accepted
	Permanent                 // any other 4xx: the request itself is wrong
)

// Error is a call that failed.
type Error struct {
	Kind       Kind
	Status     int           // 0 where no answer came
	RetryAfter time.Duration // 0 where the vendor does not say
	Excerpt    string        // of the answer, without secrets, one line
	Sent       bool          // the request left: the vendor may have done what it asked
	Err        error
}

func (e *Error) Error() string { return fmt.Sprintf("status %d: %s", e.Status, e.Excerpt) }

func (e *Error) Unwrap() error { return e.Err }

// Auth signs requests. A request is signed anew for every attempt; Renew is called once after a 401 and says whether trying
// again makes sense.
type Auth interface {
	Sign(ctx context.Context, r *http.Request) error
	Renew(ctx context.Context) (again bool, err error)
}

// Options of a client.
type Options struct {
	Name       string // of the source or sink, for log and errors
	Base       string // URL that paths are relative to
	Auth       Auth   // nil: none
	TLS        *tls.Config
	Timeout    time.Duration     // of one attempt, the reading of the body not included; 60 s if 0
	Attempts   int               // at most; 5 if 0, 1 for no second try
	Credential *quota.Credential // nil: no budget
	Watch      clock.Watch
	Log        *slog.Logger
	UserAgent  string
}

// Client calls one API. Safe for concurrent use.
type Client struct{}

// New makes a client.
func New(o Options) (*Client, error) { return &Client{}, nil }

// Request is one call.
type Request struct {
	Method, Path string // Path may hold a query; a whole URL is taken as it is
	Header       http.Header
	Body         []byte // sent again on every attempt
	Operation    string // the budget it is paid from; "" is "call"
	// Once forbids a second try after the request left without an answer: what it asks for must not happen twice.
	Once bool
	// Judge replaces the judgement by status: nil keeps it. It may read the head of the body, which is given whole where it is small.
	Judge func(status int, header http.Header, head []byte) *Error
}

// Response is an answer of status 2xx. Body must be closed; it fails with *Error where the connection is cut.
type Response struct {
	Status int
	Header http.Header
	Body   io.ReadCloser
}

// Do makes the call, again where that makes sense, with growing pauses and jitter. The error is *Error, quota.ErrLocked,
// *quota.Exhausted or ctx's.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) { return nil, &Error{} }
