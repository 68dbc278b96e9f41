package gladly

import (
	"sync"
	"time"
)

// Options are what the simulated Gladly holds its clients to.
type Options struct {
	Email, Token string // of the API user; "api@example.test" and "gladly-token" if empty
	Host         string // path that the server is mounted under, as "/gladly": redirects lead there
	// Loopback lets webhooks have plain http URLs of this machine. Gladly itself asks for https.
	Loopback bool
	// ReportTime is how long a report takes, by the watch; none if 0.
	ReportTime time.Duration
	// ReportLatency is how late a report knows of anything, at most; an hour if 0, none if negative.
	ReportLatency time.Duration
	// Answer is how long a webhook may take on the machine's clock, however fast the watch runs, before 15 s by the watch count; 2 s if 0.
	Answer time.Duration
	// Spaced writes the times of reports as "2026-03-02 17:03:10.405" instead of RFC 3339.
	Spaced bool
	// Novelties puts an event of an unknown type, and unknown fields, after every so many events; none if 0.
	Novelties int
	// Merges gives every so many conversations a second one that is merged into it; none if 0.
	Merges int
	// Apart gives an agent to whom a contact is passed on a contact session of their own in the conversation. Otherwise it stays the same
	// contact session, with a row of the work sessions for each agent.
	Apart bool
	// Idle lets one in so many absences be the vendor's doing, for want of any movement: without a reason; none if 0.
	Idle   int
	Faults Faults // to begin with; see Server.Break
}

func (o Options) withDefaults() Options {
	if o.Email == "" {
		o.Email = "api@example.test"
	}
	if o.Token == "" {
		o.Token = "gladly-token"
	}
	switch {
	case o.ReportLatency == 0:
		o.ReportLatency = time.Hour
	case o.ReportLatency < 0:
		o.ReportLatency = 0
	}
	if o.Answer == 0 {
		o.Answer = 2 * time.Second
	}
	return o
}

// Window is a stretch of time, [From, To).
type Window struct{ From, To time.Time }

func within(list []Window, t time.Time) bool {
	for _, w := range list {
		if !t.Before(w.From) && t.Before(w.To) {
			return true
		}
	}
	return false
}

// Faults are what goes wrong. The zero value: nothing.
type Faults struct {
	Down     bool     // every request is answered 503
	Outages  []Window // the same, for a while
	Unheard  bool     // no webhook reaches its receiver
	Silences []Window // the same, for a while
	CutEvery int      // every so many event streams end in the middle of a line, the connection broken or not; none if 0
	Refuse   bool     // no token is accepted
	NoReport bool     // the user may not read reports: 403
	// Disorder delivers webhook events up to 20 s late and so out of order, and one in RepeatEvery twice.
	Disorder    bool
	RepeatEvery int
	// Forged has every delivery come first from somebody who does not know the webhook's secrets; that the receiver takes it is a violation.
	Forged bool
	// Busy are reports of the customer's own people that run at the same time, of the two allowed.
	Busy int
}

// faults guards what Break changes.
type faults struct {
	mu  sync.RWMutex
	now Faults
}

func (f *faults) get() Faults {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.now
}

// Break changes what goes wrong from now on.
func (s *Server) Break(change func(*Faults)) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	change(&s.faults.now)
}
