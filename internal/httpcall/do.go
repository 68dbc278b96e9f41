package httpcall

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Do makes the call, again where that makes sense, with growing pauses and jitter. The error is *Error, quota.ErrLocked,
// *quota.Exhausted or ctx's.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	return c.do(ctx, r, c.o.Hold, func(ctx context.Context, n int) (*Response, *http.Request, error) { return c.attempt(ctx, r, n) })
}

// Bytes makes the call and reads the whole answer, which is asked for again where the connection is cut. An answer larger than
// Options.MaxBody, or 64 MiB where there is none, is an error.
func (c *Client) Bytes(ctx context.Context, r *Request) ([]byte, *Response, error) {
	limit := c.o.MaxBody
	if limit == 0 {
		limit = 64 << 20
	}
	var body []byte
	resp, err := c.do(ctx, r, false, func(ctx context.Context, n int) (*Response, *http.Request, error) {
		resp, sent, err := c.attempt(ctx, r, n)
		if err != nil {
			return nil, sent, err
		}
		defer func() { _ = resp.Body.Close() }()
		body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
		if err == nil && int64(len(body)) > limit {
			err = &Error{Kind: Permanent, Call: c.name(sent), Status: resp.Status, Sent: true, Err: tooLarge(limit)}
		}
		if err != nil {
			return nil, sent, err
		}
		return resp, sent, nil
	})
	if err != nil {
		return nil, nil, err
	}
	resp.Body = http.NoBody
	return body, resp, nil
}

// try is one attempt. It returns the request as it was signed, for renewal.
type try func(ctx context.Context, n int) (*Response, *http.Request, error)

// do makes attempts. hold keeps the credential's turn until the body of the answer is read or closed.
func (c *Client) do(ctx context.Context, r *Request, hold bool, once try) (*Response, error) {
	pauses := &backoff.ExponentialBackOff{InitialInterval: c.o.Pause, Multiplier: 2, RandomizationFactor: 0.3, MaxInterval: c.o.Longest / 2}
	pauses.Reset()
	renewed := false
	for n := 1; ; n++ {
		resp, signed, err := c.paid(ctx, r, hold, c.final(once, renewed), n)
		if err == nil {
			return resp, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var failed *Error
		if !errors.As(err, &failed) {
			return nil, err // locked or exhausted
		}
		if failed.Kind == Refused && !renewed && signed != nil {
			renewed = true
			again, err := c.renew(ctx, signed)
			if err == nil && again {
				n-- // what was refused was not tried
				continue
			}
			if err != nil && !errors.As(err, &failed) {
				return nil, err
			}
		}
		if failed.Kind == Refused {
			return nil, c.refused(ctx, failed)
		}
		pause := pauses.NextBackOff()
		if failed.RetryAfter > 0 { // not all at the same instant
			pause = failed.RetryAfter + time.Duration(rand.Int64N(int64(failed.RetryAfter/20)+int64(time.Millisecond)))
		}
		if failed.Kind == Throttled && c.o.Credential != nil {
			c.o.Credential.Hold(r.operation(), c.o.Watch.Now().Add(pause))
		}
		if n >= c.o.Attempts || !r.again(failed) || pause > c.o.Longest {
			return nil, failed
		}
		c.o.Log.Info("call failed, will try again", "name", c.o.Name, "operation", r.operation(), "attempt", n, "pause", pause, "error", failed)
		if err := c.o.Watch.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// final tells the credential of a refusal that nothing can be done about, while the call still has its turn: the next in the
// queue must not try the same password.
func (c *Client) final(once try, renewed bool) try {
	return func(ctx context.Context, n int) (*Response, *http.Request, error) {
		resp, signed, err := once(ctx, n)
		var failed *Error
		if errors.As(err, &failed) && failed.Kind == Refused && (renewed || !c.renewable()) {
			err = c.refused(ctx, failed)
		}
		return resp, signed, err
	}
}

// renewable says whether another token may be had in place of one that was refused.
func (c *Client) renewable() bool {
	_, never := c.o.Auth.(fixed)
	return c.o.Auth != nil && !never
}

// again says whether the request may be sent again after the failure.
func (r *Request) again(e *Error) bool {
	switch {
	case e.Kind != Transient && e.Kind != Throttled:
		return false
	case !r.Once || !e.Sent || e.Kind == Throttled:
		return true
	}
	return e.Status == http.StatusServiceUnavailable
}

func (r *Request) operation() string {
	if r.Operation == "" {
		return "call"
	}
	return r.Operation
}

// renew asks for another token in place of the one that the request was signed with.
func (c *Client) renew(ctx context.Context, signed *http.Request) (bool, error) {
	if c.o.Auth == nil {
		return false, nil
	}
	if a, ok := c.o.Auth.(interface {
		RenewAfter(ctx context.Context, signed *http.Request) (bool, error)
	}); ok {
		return a.RenewAfter(ctx, signed)
	}
	return c.o.Auth.Renew(ctx)
}

// refused tells everybody who uses the credential not to try again, unless the client persists: accounts lock.
func (c *Client) refused(ctx context.Context, e *Error) error {
	locks := e.judged || e.Status != http.StatusForbidden || c.o.LockOnForbidden
	if c.o.Credential == nil || c.o.Persists || !locks {
		return e
	}
	if err := c.o.Credential.Refused(ctx, e.Error()); err != nil {
		c.o.Log.Error("the refusal of a credential could not be stored", "name", c.o.Name, "error", err)
	}
	return e
}

// paid makes one attempt within the credential's budget.
func (c *Client) paid(ctx context.Context, r *Request, hold bool, once try, n int) (resp *Response, signed *http.Request, err error) {
	if c.o.Credential == nil {
		return once(ctx, n)
	}
	if hold {
		return c.held(ctx, r, once, n)
	}
	// The body is read after Do has returned: it lives in our context, not in Do's.
	err = c.o.Credential.Do(ctx, r.operation(), func(context.Context) error {
		resp, signed, err = once(ctx, n)
		return err
	})
	return resp, signed, err
}

// held makes one attempt that keeps the credential's turn until the body has been read or closed.
func (c *Client) held(ctx context.Context, r *Request, once try, n int) (*Response, *http.Request, error) {
	type answer struct {
		resp   *Response
		signed *http.Request
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		err := c.o.Credential.Do(ctx, r.operation(), func(context.Context) error {
			if a.resp, a.signed, a.err = once(ctx, n); a.err != nil {
				return a.err
			}
			body := &turn{ReadCloser: a.resp.Body, over: make(chan struct{})}
			a.resp.Body = body
			answers <- a
			select {
			case <-body.over:
			case <-ctx.Done():
			}
			return nil
		})
		if a.resp == nil {
			answers <- answer{nil, a.signed, err}
		}
	}()
	a := <-answers
	return a.resp, a.signed, a.err
}
