package httpcall

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// headBytes is how much of a body is looked at to judge an answer.
const headBytes = 16 << 10

// attempt sends the request once. The error is *Error or ctx's.
func (c *Client) attempt(ctx context.Context, r *Request, n int) (*Response, *http.Request, error) {
	began := clock.Now()
	resp, signed, err := c.send(ctx, r)
	if c.o.Observe != nil {
		call := Call{Name: c.o.Name, Operation: r.operation(), Outcome: "ok", Took: clock.Since(began), Attempt: n}
		var failed *Error
		switch {
		case errors.As(err, &failed):
			call.Outcome, call.Status = failed.Kind.String(), failed.Status
		case err != nil:
			return nil, signed, err // cancelled: nobody's failure
		default:
			call.Status = resp.Status
		}
		c.o.Observe(call)
	}
	return resp, signed, err
}

func (c *Client) send(ctx context.Context, r *Request) (*Response, *http.Request, error) {
	live, cancel := context.WithCancelCause(ctx)
	var sent atomic.Bool
	request, err := c.request(httptrace.WithClientTrace(live, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }}), r)
	if err != nil {
		cancel(nil)
		return nil, nil, c.outcome(ctx, err, nil, false)
	}
	timer := time.AfterFunc(c.o.Timeout, func() { cancel(fmt.Errorf("no answer within %s", c.o.Timeout)) })
	resp, err := c.http.Do(request)
	if err == nil && !timer.Stop() { // the time-out won by a hair
		err = context.Cause(live)
		_ = resp.Body.Close()
	}
	if err != nil {
		timer.Stop()
		if cause := context.Cause(live); cause != nil {
			err = cause
		}
		cancel(nil)
		return nil, request, c.outcome(ctx, err, request, sent.Load())
	}
	b := &body{client: c, ctx: ctx, live: live, cancel: cancel, from: resp.Body, request: request}
	answer, failed := c.judge(r, request, resp, b)
	if failed != nil {
		_ = b.Close()
		return nil, request, failed
	}
	return answer, request, nil
}

// request makes and signs the request.
func (c *Client) request(ctx context.Context, r *Request) (*http.Request, error) {
	u, own, err := c.url(r.Path)
	if err != nil {
		return nil, &Error{Kind: Permanent, Err: err}
	}
	var body io.Reader
	if r.Body != nil {
		body = bytes.NewReader(r.Body)
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, u.String(), body)
	if err != nil {
		return nil, &Error{Kind: Permanent, Err: fmt.Errorf("the request cannot be made: %s", c.redact(err.Error()))}
	}
	for name, values := range r.Header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", c.o.UserAgent)
	}
	if c.o.Auth != nil && own {
		if err := c.o.Auth.Sign(ctx, request); err != nil {
			return nil, unsigned(err)
		}
	}
	return request, nil
}

// outcome is the error of a call that got no answer.
func (c *Client) outcome(ctx context.Context, err error, request *http.Request, sent bool) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var failed *Error
	if errors.As(err, &failed) {
		return failed
	}
	var where *url.Error // it repeats the whole URL
	if errors.As(err, &where) {
		err = where.Err
	}
	return &Error{Kind: Transient, Call: c.name(request), Sent: sent, Err: c.cleaned(err)}
}

// judge decides what the answer is.
func (c *Client) judge(r *Request, request *http.Request, resp *http.Response, b *body) (*Response, error) {
	fail := func(err error) (*Response, error) { return nil, c.outcome(b.ctx, err, request, true) }
	var reader io.Reader = b
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") && resp.ContentLength != 0 && !resp.Uncompressed {
		unpacked, err := gzip.NewReader(reader)
		if err != nil {
			return fail(fmt.Errorf("the answer is not gzip, as it says it is: %w", err))
		}
		reader = unpacked
	}
	limited := &limitedReader{client: c, from: reader, request: request, left: c.o.MaxBody}
	out := &opened{Reader: limited, body: b}
	ok := resp.StatusCode >= 200 && resp.StatusCode < 300
	unexpected := ok && isHTML(resp.Header) && !strings.Contains(request.Header.Get("Accept"), "html")
	var head []byte
	if r.Judge != nil || !ok || unexpected {
		buffered := bufio.NewReaderSize(limited, headBytes)
		var err error
		if head, err = buffered.Peek(headBytes); err != nil && !errors.Is(err, io.EOF) && ok {
			return fail(err)
		}
		out.Reader = buffered
	}
	var failed *Error
	if r.Judge != nil {
		if failed = r.Judge(resp.StatusCode, resp.Header, head); failed != nil {
			failed.judged = true
		}
	}
	if failed == nil {
		failed = byStatus(resp.StatusCode, unexpected)
	}
	if failed == nil {
		return &Response{Status: resp.StatusCode, Header: resp.Header, Body: out}, nil
	}
	failed.Call, failed.Status, failed.Sent = c.name(request), resp.StatusCode, true
	if failed.RetryAfter == 0 && (failed.Kind == Throttled || failed.Kind == Transient) {
		failed.RetryAfter = RetryAfter(resp.Header, c.o.Watch.Now())
		if c.o.Asked > 0 {
			failed.RetryAfter = min(failed.RetryAfter, c.o.Asked)
		}
	}
	if failed.Excerpt == "" {
		failed.Excerpt = string(head)
	}
	failed.Excerpt, failed.Err = excerpt(c.redact(failed.Excerpt), isHTML(resp.Header)), c.cleaned(failed.Err)
	return nil, failed
}

// byStatus is the failure that a status is; nil for none.
func byStatus(status int, unexpected bool) *Error {
	switch {
	case unexpected:
		return &Error{Kind: Transient, Err: errors.New("an HTML page came where data was expected")}
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return &Error{Kind: Refused}
	case status == http.StatusTooManyRequests:
		return &Error{Kind: Throttled}
	case status == http.StatusRequestTimeout || status == http.StatusTooEarly:
		return &Error{Kind: Transient}
	case status >= 500 && status != http.StatusNotImplemented && status != http.StatusHTTPVersionNotSupported:
		return &Error{Kind: Transient}
	}
	return &Error{Kind: Permanent}
}
