package httpcall

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RetryAfter is how long the header Retry-After asks to wait (RFC 9110, 10.2.3): seconds, or a date, which is compared with the
// vendor's own header Date, because clocks differ, else with now. It is 0 where nothing is asked, at least a second otherwise, and
// at most a year.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	const most = 365 * 24 * time.Hour
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil { // some vendors send fractions
		switch {
		case seconds != seconds || seconds < 0:
			return 0
		case seconds > most.Seconds():
			return most
		}
		return max(time.Duration(seconds*float64(time.Second)), time.Second)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), time.Second), most)
}
