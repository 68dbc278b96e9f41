package iservice

import (
	"sync"
	"time"
)

// Options are how the simulated iService answers.
type Options struct {
	Username, Password string        // "api@example.test" and "iservice-password" if empty
	UsernameField      string        // "username" if empty
	PasswordField      string        // "password" if empty
	Session            time.Duration // without a call; 90 minutes if 0
	DateFormat         string        // "2006-01-02 15:04:05" if empty
	// Lag is how much later than its time a message or a resolution shows, at most; 30 s if 0, none if negative.
	Lag time.Duration
	// StatisticsLag is how much later the statistics know of what happened, at most; 5 minutes if 0, none if negative.
	StatisticsLag time.Duration
	Statistics    Statistics
	LongNames     bool // the first topic's and the first agent's names have more than 100 characters
	// OddLogins adds, to the step before an agent logs in, a record with a login time below zero.
	OddLogins bool
	// Reported lets Truth be about a source that reads the statistics alone.
	Reported bool
	// Steady leaves out that questions are moved, and spam.
	Steady bool
	Faults Faults // to begin with; see Server.Break
}

// Statistics are the names by which statistics are asked for.
type Statistics struct {
	Form                  string // "integration-api-workforce-management" if empty
	Queues, Agents, Login string // endpoints; "queuestatistics", "agentactivity", "agentlogin" if empty
	From, To              string // parameters; "from", "to" if empty
}

func (o Options) withDefaults() Options {
	text := func(at *string, otherwise string) {
		if *at == "" {
			*at = otherwise
		}
	}
	text(&o.Username, "api@example.test")
	text(&o.Password, "iservice-password")
	text(&o.UsernameField, "username")
	text(&o.PasswordField, "password")
	text(&o.DateFormat, time.DateTime)
	text(&o.Statistics.Form, "integration-api-workforce-management")
	text(&o.Statistics.Queues, "queuestatistics")
	text(&o.Statistics.Agents, "agentactivity")
	text(&o.Statistics.Login, "agentlogin")
	text(&o.Statistics.From, "from")
	text(&o.Statistics.To, "to")
	length := func(at *time.Duration, otherwise time.Duration) {
		if *at == 0 {
			*at = otherwise
		}
		*at = max(*at, 0)
	}
	length(&o.Session, 90*time.Minute)
	length(&o.Lag, 30*time.Second)
	length(&o.StatisticsLag, 5*time.Minute)
	return o
}

// Window is a stretch of time, [From, To).
type Window struct{ From, To time.Time }

// Faults are what goes wrong. The zero value: nothing.
type Faults struct {
	Down        bool     // every request is answered 503 with a page of HTML
	Outages     []Window // the same, for a while
	ExpireEvery int      // the session ends before every so many calls
	Refuse      bool     // no password is accepted
	Denied      bool     // the user has no right to anything but the login
	FailEvery   int      // every so many calls are answered with an error that passes
}

type faults struct {
	mu  sync.RWMutex
	now Faults
}

func (f *faults) get() Faults {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.now
}

func (f Faults) down(now time.Time) bool {
	for _, w := range f.Outages {
		if !now.Before(w.From) && now.Before(w.To) {
			return true
		}
	}
	return f.Down
}

// Break changes what goes wrong from now on.
func (s *Server) Break(change func(*Faults)) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	change(&s.faults.now)
}
