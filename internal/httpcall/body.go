package httpcall

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// body is an answer's body as it comes from the connection, which it keeps open as long as something comes.
type body struct {
	client  *Client
	ctx     context.Context // the caller's
	live    context.Context // the attempt's
	cancel  context.CancelCauseFunc
	from    io.ReadCloser
	request *http.Request
	idle    *time.Timer
	closed  sync.Once
}

func (b *body) Read(p []byte) (int, error) {
	idle := b.client.o.Idle
	if b.idle == nil {
		b.idle = time.AfterFunc(idle, func() { b.cancel(fmt.Errorf("the answer stopped for %s", idle)) })
	} else {
		b.idle.Reset(idle)
	}
	n, err := b.from.Read(p)
	b.idle.Stop()
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	if cause := context.Cause(b.live); cause != nil && b.ctx.Err() == nil {
		err = cause
	} else if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the connection was cut before the end of the answer")
	}
	return n, b.client.outcome(b.ctx, err, b.request, true)
}

// Close ends the attempt.
func (b *body) Close() error {
	b.closed.Do(func() {
		if b.idle != nil {
			b.idle.Stop()
		}
		// What little is left is read, so that the connection can serve the next call.
		if b.live.Err() == nil {
			_, _ = io.CopyN(io.Discard, b, 4<<10)
		}
		_ = b.from.Close()
		b.cancel(nil)
	})
	return nil
}

// opened is the body that the caller sees.
type opened struct {
	io.Reader
	body *body
}

func (o *opened) Close() error { return o.body.Close() }

// limitedReader fails where more comes than is wanted.
type limitedReader struct {
	client  *Client
	from    io.Reader
	request *http.Request
	left    int64
}

func tooLarge(limit int64) error { return fmt.Errorf("the answer has more than %d bytes", limit) }

func (l *limitedReader) Read(p []byte) (int, error) {
	n, err := l.from.Read(p)
	if limit := l.client.o.MaxBody; limit > 0 {
		if l.left -= int64(n); l.left < 0 {
			return 0, &Error{Kind: Permanent, Call: l.client.name(l.request), Sent: true, Err: tooLarge(limit)}
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		var failed *Error
		if !errors.As(err, &failed) && l.request.Context().Err() == nil { // gzip that does not add up
			err = l.client.outcome(context.Background(), err, l.request, true)
		}
	}
	return n, err
}

// turn tells when a body has been read or closed.
type turn struct {
	io.ReadCloser
	over chan struct{}
	once sync.Once
}

func (t *turn) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if err != nil {
		t.once.Do(func() { close(t.over) })
	}
	return n, err
}

func (t *turn) Close() error {
	err := t.ReadCloser.Close()
	t.once.Do(func() { close(t.over) })
	return err
}
