package transform

import (
	"fmt"
	"time"
)

// Options are the settings of a pipeline that its shards and merges need.
type Options struct {
	Tenant   string         // facts of other tenants are rejected; empty accepts all
	Pipeline string         // named in completeness records
	Zone     *time.Location // intervals are aligned to its wall clock; nil is UTC
	Interval time.Duration  // 5, 10, 15, 20, 30 or 60 minutes; 0 is 15

	Grace      time.Duration // a row is final once its sources are complete through its end plus this
	Retention  time.Duration // facts about intervals older than the mark less this are too late; 0 is 35 days
	MaxSession time.Duration // a state without end or successor holds this long at most; 0 is 16 hours
	ClockSkew  time.Duration // an instant that is earlier than the one it must follow by at most this is moved forward to it

	StageOptions
}

// Defaults for what is zero.
const (
	DefaultInterval   = 15 * time.Minute
	DefaultRetention  = 35 * 24 * time.Hour
	DefaultMaxSession = 16 * time.Hour
)

// The profiles: which rule assigns each measure to intervals where the attribution option does not say.
const (
	ProfileACD       = "acd"           // automatic call distributors; the default
	ProfileMessaging = "wfm-messaging" // questions and answers, as e-mail systems feed workforce management
)

// Profiles lists them.
var Profiles = []string{ProfileACD, ProfileMessaging}

// What happens to a fact that would change final rows.
const (
	LateRevise = "revise" // rows are corrected, with a higher revision; the default
	LateSide   = "side"   // the fact is set aside as a dead letter, and can be redriven
	LateDrop   = "drop"   // as side, with a reason of its own: nobody means to count it
)

// settings are Options as numbers, checked.
type settings struct {
	Options
	grid                               *Grid
	grace, retention, maxSession, skew int64 // milliseconds
	rules                              rules
}

func (o Options) settings() (*settings, error) {
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	if o.Retention == 0 {
		o.Retention = DefaultRetention
	}
	if o.MaxSession == 0 {
		o.MaxSession = DefaultMaxSession
	}
	grid, err := NewGrid(o.Zone, o.Interval)
	if err != nil {
		return nil, err
	}
	for what, d := range map[string]time.Duration{"grace": o.Grace, "retention": o.Retention, "max_session": o.MaxSession, "clock_skew": o.ClockSkew} {
		if d < 0 {
			return nil, fmt.Errorf("%s is %q: it cannot be negative", what, d)
		}
	}
	s := &settings{
		Options: o, grid: grid, grace: o.Grace.Milliseconds(), retention: o.Retention.Milliseconds(),
		maxSession: o.MaxSession.Milliseconds(), skew: o.ClockSkew.Milliseconds(),
	}
	s.Validate(func(path, message string) {
		if err == nil {
			err = fmt.Errorf("intervals: %s %s", path, message)
		}
	})
	if err != nil {
		return nil, err
	}
	s.rules, err = rulesOf(o.Profile, o.Attribution)
	return s, err
}

// limits are the service level and the short abandon of a queue, milliseconds.
func (s *settings) limits(queueID string) (level, short int64) {
	level, short = s.ServiceLevel.Milliseconds(), s.ShortAbandon.Milliseconds()
	if q, ok := s.Queues[queueID]; ok {
		if q.ServiceLevel > 0 {
			level = q.ServiceLevel.Milliseconds()
		}
		if q.ShortAbandon > 0 {
			short = q.ShortAbandon.Milliseconds()
		}
	}
	return level, short
}
