package clock

import "time"

// Repeated says whether the clock on the wall of the instant's zone showed the same earlier: in the hour that comes twice when summer time
// ends.
func Repeated(at time.Time) (earlier time.Time, ok bool) {
	const wall = "2006-01-02 15:04"
	for _, back := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour} {
		if earlier = at.Add(-back); earlier.Format(wall) == at.Format(wall) {
			return earlier, true
		}
	}
	return at, false
}
