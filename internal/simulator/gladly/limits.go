package gladly

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// What Gladly allows an organisation.
const (
	perSecond      = 10 // requests per method
	perMinute      = 10 // reports
	atOnce         = 2  // reports
	webhooksAtMost = 20
)

// window counts by the seconds or minutes of the clock.
type window struct {
	at      int64 // number of the second or minute
	n, last int   // in it, and in the one before
}

// take counts one at an instant. Under a watch that runs fast a request may have left the client well before: within the jitter,
// it counts for the second or minute before, where that has room.
func (w *window) take(now time.Time, length, jitter time.Duration, limit int) (n int, ok bool) {
	at := now.UnixNano() / int64(length)
	if at != w.at {
		if w.last = 0; at == w.at+1 {
			w.last = w.n
		}
		w.at, w.n = at, 0
	}
	if w.n >= limit && w.last < limit && now.UnixNano()%int64(length) < int64(jitter) {
		w.last++
		return w.n, true
	}
	w.n++
	return w.n, w.n <= limit
}

// limits are what is counted.
type limits struct {
	mu         sync.Mutex
	requests   map[string]*window // by method
	reports    window
	running    int
	violations []string

	began, showed time.Time // of the first request, by the machine's clock and by the watch
}

// jitter is how long ago a request may have been sent: 5 ms of the machine's clock, by the watch; at most 10 s.
func (l *limits) jitter(now time.Time) time.Duration {
	const most = 5 * time.Millisecond
	if l.began.IsZero() {
		l.began, l.showed = clock.Now(), now
	}
	gone := clock.Since(l.began)
	if gone < most {
		return most
	}
	return min(max(most, time.Duration(float64(most)*float64(now.Sub(l.showed))/float64(gone))), 10*time.Second)
}

// request counts one, and says in the headers what is left of the second.
func (l *limits) request(w http.ResponseWriter, method string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.requests == nil {
		l.requests = map[string]*window{}
	}
	if l.requests[method] == nil {
		l.requests[method] = &window{}
	}
	n, ok := l.requests[method].take(now, time.Second, l.jitter(now), perSecond)
	w.Header().Set("Ratelimit-Limit-Second", strconv.Itoa(perSecond))
	w.Header().Set("Ratelimit-Remaining-Second", strconv.Itoa(max(0, perSecond-n)))
	if !ok {
		l.violate(now, "%d %s requests in a second, %d are allowed", n, method, perSecond)
	}
	return ok
}

// report counts one, and takes a place among those that run; busy of the places are taken by others.
func (l *limits) report(now time.Time, busy int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, ok := l.reports.take(now, time.Minute, l.jitter(now), perMinute)
	switch {
	case !ok:
		l.violate(now, "%d reports in a minute, %d are allowed", n, perMinute)
	case l.running >= atOnce:
		l.violate(now, "%d reports at once, %d are allowed", l.running+1, atOnce)
	case l.running+busy >= atOnce: // the client cannot know
	default:
		l.running++
		return true
	}
	return false
}

func (l *limits) done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
}

func (l *limits) violate(now time.Time, format string, args ...any) {
	if len(l.violations) < 1000 {
		l.violations = append(l.violations, now.UTC().Format(time.RFC3339)+" "+fmt.Sprintf(format, args...))
	}
}

// Violations are the rules that clients broke: limits, in the first place.
func (s *Server) Violations() []string {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	return append([]string(nil), s.limits.violations...)
}
