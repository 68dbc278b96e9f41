package deliverytest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// moment is where in a request the process is killed.
type moment string

const (
	asked    moment = "before the sink is asked"
	within   moment = "within the request" // after a part of the time that one takes
	arrived  moment = "when the destination has the request"
	taken    moment = "when the destination has done it"
	answered moment = "when the sink has its answer"
	recorded moment = "when the answer is written down" // and nothing is committed
)

// kill is one of them, at one of the requests.
type kill struct {
	at      moment
	request int
	part    float64 // of the time of a request: for within
}

var allKills = []kill{
	{at: asked, request: 2}, {at: arrived, request: 2}, {at: taken, request: 1}, {at: answered, request: 2}, {at: recorded, request: 1},
	{at: within, request: 1, part: 0.3}, {at: within, request: 2, part: 0.6}, {at: within, request: 1, part: 0.9},
}

// kills lets processes of their own deliver, and kills each with SIGKILL in the middle of a request. After each, another goes on from
// what the dead one left: the destination, the deliveries, the commits.
func kills(t *testing.T, s *suite) {
	w := newWorld(t, s.c, 0)
	dir := t.TempDir()
	revision := int64(0)
	for _, k := range allKills {
		if w.way == nil && (k.at == arrived || k.at == taken) {
			continue // as within, where nobody else sees the request
		}
		for killed := false; !killed; k.request = 1 { // there may be fewer requests; one there is
			revision++
			w.log = append(w.log, w.history(revision, revision)...)
			killed = w.child(t, k, dir, s.took)
			if !killed && k.request == 1 {
				t.Fatalf("%s: nothing was sent", k.at)
			}
		}
		w.settle(t)
		w.check(t)
		if t.Failed() {
			t.Fatalf("killed %s", k.at)
		}
	}
}

// orders are what a process is to do that will be killed.
type orders struct {
	Began     time.Time // what the watch counts from, by the machine's clock
	Dir, URL  string
	Address   string
	Env       map[string]string
	Log       []delivery.Item
	Ledger    string // the file of the deliveries
	Committed int64
	Moment    moment
	Request   int
	After     time.Duration // within the request
}

// childVariable is the file of a process's orders.
const childVariable = "DELIVERYTEST_ORDERS"

// child lets a process deliver until it is killed. false: it came to the end before.
func (w *world) child(t *testing.T, k kill, dir string, took time.Duration) bool {
	t.Helper()
	o := orders{
		Began: w.began, Dir: w.dir, URL: w.url, Address: w.address, Env: w.c.Env, Log: w.log, Ledger: filepath.Join(dir, "deliveries"), Committed: w.committed, Moment: k.at, Request: k.request,
		After: time.Duration(k.part * float64(took)),
	}
	path := filepath.Join(dir, "orders")
	text, err := json.Marshal(o)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err == nil {
		err = w.ledger.write(o.Ledger)
	}
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern(t), "-test.count=1", "-test.timeout=2m")
	run.Env = append(os.Environ(), childVariable+"="+path)
	var out bytes.Buffer
	run.Stdout, run.Stderr = &out, &out
	started := make(chan struct{})
	if w.way != nil && (k.at == arrived || k.at == taken) {
		w.way.strikeAt(k.at, k.request, func() { <-started; _ = run.Process.Kill() })
		defer w.way.strikeAt("", 0, nil)
	}
	err = run.Start()
	close(started)
	if err != nil {
		t.Fatal(err)
	}
	err = run.Wait()
	killed := run.ProcessState.String() == "signal: killed"
	if err != nil && !killed {
		t.Fatalf("the process ended of itself: %v\n%.4000s", err, out.String())
	}
	said, _ := os.ReadFile(o.Ledger + ".log")
	_, _ = w.said.Write(append(out.Bytes(), said...))
	if w.ledger, w.committed, err = readLedger(o.Ledger, w.committed); err != nil {
		t.Fatal(err)
	}
	return killed
}

// pattern is the -test.run that comes to the Run of a test, given a part of it.
func pattern(t *testing.T) string {
	parts := strings.Split(t.Name(), "/")
	for n, part := range parts[:len(parts)-1] {
		parts[n] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts[:len(parts)-1], "/")
}

// beKilled is a process that delivers until it is killed.
func beKilled(t *testing.T, c *Case, path string) {
	t.Helper()
	var o orders
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &o)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.Env = o.Env
	w := &world{c: c, dir: o.Dir, url: o.URL, address: o.Address, said: &said{}, poisoned: map[string]bool{}, log: o.Log}
	w.place(o.Began)
	if w.ledger, w.committed, err = readLedger(o.Ledger, o.Committed); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(o.Ledger + ".log")
	if err != nil {
		t.Fatal(err)
	}
	w.said.file = log
	if w.ledger.file, err = os.OpenFile(o.Ledger, os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		t.Fatal(err)
	}
	w.kinds = c.Registration.Kinds(w.options(t))
	r := w.start(t)
	b := r.between
	at := func(n int, _ []delivery.Item) error {
		if n == o.Request {
			die()
		}
		return nil
	}
	var answers atomic.Int64
	switch o.Moment {
	case asked:
		b.before = at
	case answered:
		b.after = at
	case recorded:
		w.ledger.wrote = func() {
			if answers.Add(1) == int64(o.Request) {
				die()
			}
		}
	case within:
		b.before = func(n int, _ []delivery.Item) error {
			if n == o.Request {
				go func() { time.Sleep(o.After); die() }()
			}
			return nil
		}
	case arrived, taken: // the destination's side sees to it
	}
	w.settle(t)
	w.stop(t)
	if o.Moment == within && b.requests >= o.Request {
		select {} // it is killed any moment
	}
}

// die ends the process as kill -9 does.
func die() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {}
}

// strike is a process that is killed while a request of it is under way.
type strike struct {
	at      moment
	request int
	kill    func()
}

func (e *endpoint) strikeAt(at moment, request int, kill func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.strike = strike{at, request, kill}
	e.requests = 0
}

// struck kills who sent a request, if it is time to, and says whether it did.
func (e *endpoint) struck(r *http.Request) bool {
	e.mu.Lock()
	s := e.strike
	now := s.kill != nil && e.requests == s.request
	e.mu.Unlock()
	if !now {
		return false
	}
	if s.at == taken {
		e.destination.ServeHTTP(httptest.NewRecorder(), r)
	}
	s.kill()
	return true
}
