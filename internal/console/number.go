package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Count writes a whole number with commas between thousands.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Bytes writes a size in the unit that keeps it under a thousand.
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	x, unit := float64(n), 0
	for x >= 999.5 && unit < 5 {
		x, unit = x/1000, unit+1
	}
	if x < 9.95 {
		return fmt.Sprintf("%.1f %cB", x, " kMGTP"[unit])
	}
	return fmt.Sprintf("%.0f %cB", x, " kMGTP"[unit])
}

// Span writes a duration as a person would say it: 850ms, 2.4s, 3m20s, 1h5m.
func Span(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Span(-d)
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return strings.TrimSuffix(strconv.FormatFloat(d.Seconds(), 'f', 1, 64), ".0") + "s"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 0, 64) + "s"
	case d < time.Hour:
		return two(d.Round(time.Second), time.Minute, "m", time.Second, "s")
	default:
		return two(d.Round(time.Minute), time.Hour, "h", time.Minute, "m")
	}
}

// two writes the greater unit, and the lesser where there is some of it.
func two(d, great time.Duration, greatName string, less time.Duration, lessName string) string {
	s := strconv.FormatInt(int64(d/great), 10) + greatName
	if rest := d % great / less; rest > 0 {
		s += strconv.FormatInt(int64(rest), 10) + lessName
	}
	return s
}

// amount writes n of a unit.
func amount(n int64, unit string) string {
	if unit == "bytes" {
		return Bytes(n)
	}
	return Count(n)
}
