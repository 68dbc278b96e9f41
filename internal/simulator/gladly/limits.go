package gladly

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// What Gladly allows an organisation.
const (
	perSecond      = 10 // requests per method
	perMinute      = 10 // reports
	atOnce         = 2  // reports
	webhooksAtMost = 20
)

// limits counts by the seconds and minutes of the clock.
type limits struct {
	mu         sync.Mutex
	second     int64
	requests   map[string]int
	minute     int64
	reports    int
	running    int
	violations []string
}

// request counts one, and says in the headers what is left of the second.
func (l *limits) request(w http.ResponseWriter, method string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := now.Unix(); s != l.second || l.requests == nil {
		l.second, l.requests = s, map[string]int{}
	}
	l.requests[method]++
	n := l.requests[method]
	w.Header().Set("Ratelimit-Limit-Second", strconv.Itoa(perSecond))
	w.Header().Set("Ratelimit-Remaining-Second", strconv.Itoa(max(0, perSecond-n)))
	if n > perSecond {
		l.violate(now, "%d %s requests in a second, %d are allowed", n, method, perSecond)
		return false
	}
	return true
}

// report counts one, and takes a place among those that run; busy of the places are taken by others.
func (l *limits) report(now time.Time, busy int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := now.Unix() / 60; m != l.minute {
		l.minute, l.reports = m, 0
	}
	l.reports++
	switch {
	case l.reports > perMinute:
		l.violate(now, "%d reports in a minute, %d are allowed", l.reports, perMinute)
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
