package deliverytest

import (
	"net"
	"sync"
	"testing"
)

// wire stands between a sink and a destination that is spoken to by TCP.
type wire struct {
	net.Listener
	to string

	mu      sync.Mutex
	passed  int64 // bytes, both ways
	cutAt   int64 // after so many the connection is cut, once; 0: never
	silent  bool
	waiting chan struct{} // closed when something is held back
	once    sync.Once
	open    map[net.Conn]bool
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l, to: to, waiting: make(chan struct{}), open: map[net.Conn]bool{}}
	t.Cleanup(func() { _ = l.Close(); w.hangUp() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.connect(c)
		}
	}()
	return w
}

func (w *wire) connect(c net.Conn) {
	d, err := net.Dial("tcp", w.to)
	if err != nil {
		_ = c.Close()
		return
	}
	w.mu.Lock()
	w.open[c], w.open[d] = true, true
	w.mu.Unlock()
	go w.forward(c, d)
	w.forward(d, c)
}

// forward passes on what comes from one side, until either is gone.
func (w *wire) forward(to, from net.Conn) {
	defer func() { _, _ = from.Close(), to.Close() }()
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil || !w.pass(n) {
			return
		}
		if w.quiet() {
			continue // it is swallowed
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// pass counts, and says whether the connection goes on.
func (w *wire) pass(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.passed += int64(n)
	if w.cutAt > 0 && w.passed >= w.cutAt {
		w.cutAt = 0
		return false
	}
	return true
}

func (w *wire) quiet() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.silent {
		w.once.Do(func() { close(w.waiting) })
	}
	return w.silent
}

// silence lets nothing through from now on, or everything again.
func (w *wire) silence(on bool) {
	w.mu.Lock()
	w.silent = on
	w.mu.Unlock()
	if !on {
		w.hangUp() // what was swallowed is missed
	}
}

func (w *wire) hangUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.open {
		_ = c.Close()
	}
	clear(w.open)
}

func (w *wire) cut(after int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cutAt = w.passed + after
}

func (w *wire) count() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.passed
}
