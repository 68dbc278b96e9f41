package pipelines

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// lengths are the intervals that divide an hour and that workforce systems know.
var lengths = []time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 20 * time.Minute, 30 * time.Minute, time.Hour}

// maxPartitions bounds a typing error, not a use: each partition is a shard that some worker holds in memory.
const maxPartitions = 1024

// names are what Kafka allows in a topic, less the dot, which separates our own parts of a topic's name.
var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)

// namesRule is the message for a name that is none.
const namesRule = "%q is not a name: use up to 100 letters, digits, - and _, starting with a letter or digit"

// Validate checks what types alone do not say.
func (s *Settings) Validate(problem func(path, message string)) {
	if !names.MatchString(s.Name) {
		problem("pipeline", fmt.Sprintf(namesRule, s.Name))
	}
	if strings.TrimSpace(s.Tenant) != s.Tenant || s.Tenant == "" || len(s.Tenant) > 100 || strings.ContainsFunc(s.Tenant, unicode.IsControl) {
		problem("tenant", fmt.Sprintf("%q is not a tenant: use up to 100 characters, without blanks around them or line breaks", s.Tenant))
	}
	if !slices.Contains(lengths, s.Interval) {
		problem("interval", fmt.Sprintf("is %q, and 5m, 10m, 15m, 20m, 30m or 60m are allowed: did you mean \"%dm\"?", short(s.Interval), nearestLength(s.Interval)/time.Minute))
	}
	if s.Grace < 0 {
		problem("grace", "is negative: write 0s for none")
	}
	if s.Retention < 24*time.Hour {
		problem("retention", fmt.Sprintf("is %q, less than a day: corrections of the day's facts would be too late", short(s.Retention)))
	}
	if s.MaxSession <= 0 {
		problem("max_session", "must be above 0s, such as 16h")
	}
	if s.ClockSkew < 0 || s.ClockSkew > time.Minute {
		problem("clock_skew", fmt.Sprintf("is %q, not between 0s and 1m: facts further backwards than that are wrong, not skewed", short(s.ClockSkew)))
	}
	s.Identity.Validate("identity.", problem)
	if s.Partitions < 1 || s.Partitions > maxPartitions {
		problem("partitions", fmt.Sprintf("is %d, not between 1 and %d", s.Partitions, maxPartitions))
	}
}

func nearestLength(d time.Duration) time.Duration {
	return slices.MinFunc(lengths, func(a, b time.Duration) int { return int((a - d).Abs() - (b - d).Abs()) })
}

// short is a duration without the zeros at its end: 15m, not 15m0s.
func short(d time.Duration) string {
	s := d.String()
	if t, ok := strings.CutSuffix(s, "m0s"); ok {
		s = t + "m"
	}
	if t, ok := strings.CutSuffix(s, "h0m"); ok {
		s = t + "h"
	}
	return s
}
