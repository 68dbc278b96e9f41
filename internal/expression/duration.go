package expression

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// toDuration reads a duration: a clock ("0:01:10", "1:10", "0:01:10.250"), units ("70s", "1m10s"), or seconds ("70", 70, 1.5).
func toDuration(e *Env, v Value) Value {
	switch v.Kind {
	case Duration:
		return v
	case Int, Float:
		return scaled(Duration, 1000)(e, v)
	case Text:
		if ms, ok := parseDuration(strings.TrimSpace(v.text)); ok {
			return DurationOf(ms)
		}
	}
	return e.fail(`%s is not a duration such as "0:01:10", "70s" or 70 (seconds)`, v.quoted())
}

func parseDuration(s string) (ms int64, ok bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > -1<<50 && n < 1<<50 {
		return n * 1000, true
	}
	if strings.IndexByte(s, ':') >= 0 {
		return parseClock(s)
	}
	if d, err := time.ParseDuration(s); err == nil {
		return d.Round(time.Millisecond).Milliseconds(), true
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(f) < 1<<50 {
		return int64(math.RoundToEven(f * 1000)), true
	}
	return 0, false
}

// parseClock reads [-][h:]m:s[.fraction]. Hours may exceed 24, minutes and seconds not 59 where something larger precedes.
func parseClock(s string) (int64, bool) {
	s, negative := strings.CutPrefix(s, "-")
	parts := strings.Split(s, ":")
	if len(parts) > 3 {
		return 0, false
	}
	seconds, fraction, hasFraction := strings.Cut(parts[len(parts)-1], ".")
	parts[len(parts)-1] = seconds
	var total int64
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil || i > 0 && (n > 59 || len(p) != 2) {
			return 0, false
		}
		total = total*60 + int64(n)
	}
	total *= 1000
	if hasFraction {
		ms, ok := parseFraction(fraction)
		if !ok {
			return 0, false
		}
		total += ms
	}
	if negative {
		total = -total
	}
	return total, true
}

// parseFraction reads the digits after a decimal point as milliseconds; what is finer is cut off.
func parseFraction(digits string) (int64, bool) {
	var ms, unit int64 = 0, 100
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
		ms += int64(digits[i]-'0') * unit
		unit /= 10
	}
	return ms, digits != "" && len(digits) <= 9
}
