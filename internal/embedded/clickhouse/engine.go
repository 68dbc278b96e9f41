package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"
)

// maxConnections bounds the queries that run at once; further ones wait. A connection costs a thread while its query runs.
const maxConnections = 16

// tagSetting marks each running query, so that it can be found and stopped: libchdb chooses query ids itself.
const tagSetting = "log_comment"

// engine is libchdb with one data directory open. libchdb allows one directory in a process and one query at a time on a
// connection, so concurrent queries each take a connection from the pool here.
type engine struct {
	lib       *symbols
	arguments []string

	slots chan struct{} // holds one token per connection in use

	mu     sync.Mutex
	idle   []*connection
	killer *connection // runs KILL QUERY, so that a full pool can still be cancelled
}

// opened guards the one engine a process can have.
var opened sync.Mutex

var errOpen = errors.New("this process already runs ClickHouse's engine: close the first before starting another")

func openEngine(lib *symbols, arguments []string) (*engine, error) {
	if !opened.TryLock() {
		return nil, errOpen
	}
	e := &engine{lib: lib, arguments: arguments, slots: make(chan struct{}, maxConnections)}
	keepSignals(func() { lib.setSignalHandlers(0) })
	killer, err := e.connect()
	if err != nil {
		opened.Unlock()
		return nil, err
	}
	e.killer = killer
	return e, nil
}

// close ends every connection; the last one flushes and closes the data directory. No query may be running.
func (e *engine) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, conn := range append(e.idle, e.killer) {
		conn.close()
	}
	e.idle, e.killer = nil, nil
	opened.Unlock()
}

// acquire takes a connection, waiting for one while all are busy.
func (e *engine) acquire(ctx context.Context) (*connection, error) {
	select {
	case e.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a free connection to ClickHouse's engine: %w", context.Cause(ctx))
	}
	e.mu.Lock()
	if last := len(e.idle) - 1; last >= 0 {
		conn := e.idle[last]
		e.idle = e.idle[:last]
		e.mu.Unlock()
		return conn, nil
	}
	e.mu.Unlock()
	conn, err := e.connect()
	if err != nil {
		<-e.slots
	}
	return conn, err
}

// release gives a connection back. One whose state was changed in a way that cannot be undone is closed instead.
func (e *engine) release(conn *connection, spoiled bool) {
	defer func() { <-e.slots }()
	if spoiled {
		conn.close()
		return
	}
	e.mu.Lock()
	e.idle = append(e.idle, conn)
	e.mu.Unlock()
}

// kill asks the query that carries the tag to stop. It does not wait, and finding no such query is not an error.
func (e *engine) kill(tag string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.killer != nil {
		// What goes wrong here goes wrong again at the next try.
		_ = e.killer.exec("KILL QUERY WHERE Settings['" + tagSetting + "'] = " + quote(tag) + " ASYNC")
	}
}

// connecting serialises connects: libchdb takes the signal handlers away in each, and keepSignals must see them whole.
var connecting sync.Mutex

// connect opens one more connection (about 0.2 ms; the first, which opens the data, about 70 ms).
func (e *engine) connect() (*connection, error) {
	connecting.Lock()
	defer connecting.Unlock()
	vector := make([]*byte, len(e.arguments))
	var pin runtime.Pinner
	defer pin.Unpin()
	for i, argument := range e.arguments {
		text := append([]byte(argument), 0)
		vector[i] = &text[0]
		pin.Pin(vector[i])
	}
	conn := &connection{lib: e.lib, database: "default"}
	keepSignals(func() { conn.pointer = e.lib.connect(int32(len(vector)), unsafe.Pointer(&vector[0])) })
	if conn.pointer == nil {
		return nil, fmt.Errorf("ClickHouse's engine did not open its data (%v): another process may hold it, the disk may be full, or the files damaged", e.arguments[1:])
	}
	for name, value := range base {
		if err := conn.set([]setting{{name, value}}); err != nil {
			keepSignals(func() { e.lib.closeConn(conn.pointer) })
			return nil, fmt.Errorf("prepare a connection to ClickHouse's engine: %w", err)
		}
	}
	return conn, nil
}
