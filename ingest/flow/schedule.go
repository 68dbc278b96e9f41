package flow

import (
	"errors"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/robfig/cron/v3"
)

// Check says what is wrong with a schedule; Run refuses it.
func (s Schedule) Check() error {
	switch {
	case s.Every < 0:
		return fmt.Errorf("every is %s: longer than nothing", s.Every)
	case s.Every > 0 && s.Cron != "":
		return errors.New("every and cron are both set: leave one out")
	case s.Jitter < 0:
		return fmt.Errorf("jitter is %s: not negative", s.Jitter)
	case s.Cron != "":
		if _, err := cron.ParseStandard(s.Cron); err != nil {
			return fmt.Errorf("cron is %q, not five fields such as \"*/15 6-20 * * 1-5\": %w", s.Cron, err)
		}
	}
	return nil
}

// listens says that the flow has no schedule: its Read goes on until ctx ends.
func (s Schedule) listens() bool { return s.Every == 0 && s.Cron == "" }

// next is when the flow is due again after a read that began at one instant and ended at another. jitter is the flow's own.
func (s Schedule) next(began, ended time.Time, jitter time.Duration) time.Time {
	zone := s.Zone
	if zone == nil {
		zone = time.UTC
	}
	ended = ended.Add(-jitter)
	var due time.Time
	switch {
	case s.Cron != "":
		plan, err := cron.ParseStandard(s.Cron)
		if err != nil { // Check refused it
			return ended.Add(time.Hour)
		}
		due = plan.Next(ended.In(zone))
		if due.IsZero() { // such as the 30th of February
			due = ended.AddDate(1, 0, 0)
		}
	case s.Align < 0:
		if due = began.Add(s.Every); due.Before(ended) {
			due = ended
		}
		return due
	default:
		due = s.aligned(ended, zone)
	}
	return due.Add(jitter)
}

// aligned is the first instant after another that is Align after a full Every by the clock.
func (s Schedule) aligned(after time.Time, zone *time.Location) time.Time {
	align := s.Align % s.Every
	const day = 24 * time.Hour
	switch {
	case s.Every <= time.Hour || s.Every > day || day%s.Every != 0:
		_, seconds := after.In(zone).Zone()
		offset := time.Duration(seconds) * time.Second
		due := after.Add(offset).Truncate(s.Every).Add(align - offset)
		for !due.After(after) {
			due = due.Add(s.Every)
		}
		return due
	}
	// Some hours, or a day: by the clock on the wall, also on days of 23 and 25 hours.
	y, m, d := after.In(zone).Date()
	for n := -1; ; n++ {
		wall := align + time.Duration(n)*s.Every
		due := time.Date(y, m, d, 0, 0, 0, int(wall), zone)
		if due.After(after) {
			return due
		}
	}
}

// jitterOf is where in its jitter a flow always is.
func (s Schedule) jitterOf(name string) time.Duration {
	if s.Jitter <= 0 {
		return 0
	}
	return time.Duration(xxhash.Sum64String(name) % uint64(s.Jitter))
}
