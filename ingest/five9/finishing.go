package five9

import (
	"context"
	"io"
	"net/http"
	"time"
)

// finishing is a transport whose calls outlive the context of who made them by a grace: the vendor goes on with a call that its client
// has left, and one more call of the user meanwhile breaks its rule of one at a time. Time-outs end calls at once.
type finishing struct {
	inner http.RoundTripper
	grace time.Duration
}

type callerKey struct{}

// called notes the context of who makes a call, so that its end can be told from a time-out.
func called(ctx context.Context) context.Context { return context.WithValue(ctx, callerKey{}, ctx) }

// RoundTrip implements http.RoundTripper.
func (f *finishing) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	caller, ok := ctx.Value(callerKey{}).(context.Context)
	if !ok {
		return f.inner.RoundTrip(r)
	}
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if caller.Err() == nil {
			cancel()
			return
		}
		late := time.AfterFunc(f.grace, cancel)
		context.AfterFunc(inner, func() { late.Stop() })
	})
	end := func() { stop(); cancel() }
	resp, err := f.inner.RoundTrip(r.WithContext(inner)) //nolint:bodyclose // the caller closes it
	if err != nil {
		end()
		return nil, err
	}
	resp.Body = &finished{resp.Body, end}
	return resp, nil
}

// finished is an answer's body that ends the call when it is closed.
type finished struct {
	io.ReadCloser
	end func()
}

func (f *finished) Close() error {
	defer f.end()
	return f.ReadCloser.Close()
}
