package delivery

import (
	"math/rand/v2"
	"sync"
	"time"
)

// The pauses after failures: they double, and part of each is chance, so that many senders do not come back at once.
const (
	firstPause   = time.Second
	longestPause = 5 * time.Minute
)

// LongestAsked is how long a destination is left alone at most because it asks for that: one that says a year is asked again before. A spent
// quota is another thing: it is known when there is some again.
const LongestAsked = time.Hour

// pace decides how many requests may be under way: one more for every round that went well, half as many after a failure, none
// during a pause. After a pause a single request tries the destination. Safe for concurrent use.
type pace struct {
	mu       sync.Mutex
	most     int
	allowed  float64
	sending  int
	failures int       // in a row
	since    time.Time // the first of them
	pause    time.Time
	round    int   // of requests: a failure ends it
	answered int64 // requests that went well, ever
}

// permit is what a request under way has.
type permit struct {
	trial bool // one item, to see whether the destination is back
	round int
}

func newPace(most int) *pace { return &pace{most: most, allowed: 1} }

// begin takes one place, if there is one. After a failure it is for a trial.
func (p *pace) begin(now time.Time) (at permit, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at = permit{p.failures > 0, p.round}
	if now.Before(p.pause) || p.sending >= int(p.allowed) || at.trial && p.sending > 0 {
		return at, false
	}
	p.sending++
	return at, true
}

// drop gives a place back that was not used.
func (p *pace) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sending--
}

// went says that a request was answered as it should be. It returns how long the destination had been failing; 0 if it had not.
func (p *pace) went(now time.Time) (away time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sending--
	if p.failures > 0 {
		away = max(now.Sub(p.since), 1)
	}
	p.failures = 0
	p.answered++
	p.allowed = min(float64(p.most), p.allowed+1/p.allowed)
	return away
}

// failed says that the destination could not answer, and does not want to be asked for a while, at least so long where it said so.
// It returns the pause, and whether the failure is the first of its round: those that were under way with it are the same hiccup, of which
// only the longest wait that is asked for counts.
func (p *pace) failed(at permit, now time.Time, least time.Duration) (wait time.Duration, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sending--
	if first = at.round == p.round; first {
		p.round++
		if p.failures++; p.failures == 1 {
			p.since = now
		}
		p.allowed = max(1, p.allowed/2)
		wait = min(longestPause, firstPause<<min(p.failures-1, 16))
		wait = wait/2 + rand.N(wait/2)
	}
	if until := now.Add(max(least, wait)); until.After(p.pause) {
		p.pause = until
	}
	return max(0, p.pause.Sub(now)), first
}

func (p *pace) wentWell() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answered
}

func (p *pace) state() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return State{Sending: p.sending, Allowed: int(p.allowed), Pause: p.pause}
}
