package nativetest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// The one account that the front lets in.
const (
	User     = "writer"
	Password = "s3cret"
)

// Cut is a place where a connection breaks.
type Cut int32

// Nowhere breaks nothing; InData breaks where rows come, before ClickHouse sees them; AfterInsert breaks when ClickHouse has
// stored a batch and the client does not know.
const (
	Nowhere Cut = iota
	InData
	AfterInsert
)

// Front is a listener of the native protocol before one engine.
type Front struct {
	t        testing.TB
	engine   *url.URL
	listener net.Listener
	ctx      context.Context // ends with the front
	cut      atomic.Int32
	done     sync.WaitGroup

	plain, compressed atomic.Int64 // blocks of rows that came
}

// Start listens until the test ends; engine is the address of an HTTP interface. A client that breaks the protocol fails the test.
func Start(t testing.TB, engine string) *Front {
	t.Helper()
	u, err := url.Parse(engine)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &Front{t: t, engine: u, listener: listener, ctx: ctx}
	f.done.Go(f.accept)
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		f.done.Wait()
	})
	return f
}

// URL is the front's address for the user and password, with the parameters of clickhouse-go in query.
func (f *Front) URL(user, password, query string) string {
	u := url.URL{Scheme: "clickhouse", User: url.UserPassword(user, password), Host: f.listener.Addr().String(), RawQuery: query}
	return u.String()
}

// CutNext breaks the connection of the next insert that comes to that place.
func (f *Front) CutNext(where Cut) { f.cut.Store(int32(where)) }

func (f *Front) cuts(where Cut) bool { return f.cut.CompareAndSwap(int32(where), int32(Nowhere)) }

// Blocks counts the blocks of rows that clients sent.
func (f *Front) Blocks() (plain, compressed int64) { return f.plain.Load(), f.compressed.Load() }

func (f *Front) accept() {
	for {
		conn, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.done.Go(func() {
			stop := context.AfterFunc(f.ctx, func() { _ = conn.Close() })
			defer stop()
			if err := newSession(f, conn).run(); err != nil && !gone(err) {
				f.t.Errorf("native protocol: %v", err)
			}
			_ = conn.Close()
		})
	}
}

// gone says that either side left, which it may at any time.
func gone(err error) bool {
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.EPIPE, syscall.ECONNRESET, context.Canceled} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
