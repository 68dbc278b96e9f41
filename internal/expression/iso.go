package expression

import (
	"fmt"
	"strings"
	"time"
)

// steps of the times that need no layout.
var (
	isoDate    = []step{{field: 'Y', min: 4, max: 4}, {literal: '-'}, {field: 'm', min: 1, max: 2}, {literal: '-'}, {field: 'd', min: 1, max: 2}}
	slashDate  = []step{{field: 'Y', min: 4, max: 4}, {literal: '/'}, {field: 'm', min: 1, max: 2}, {literal: '/'}, {field: 'd', min: 1, max: 2}}
	bareDate   = []step{{field: 'Y', min: 4, max: 4}, {field: 'm', min: 2, max: 2}, {field: 'd', min: 2, max: 2}}
	shortDate  = []step{{field: 'y', min: 2, max: 2}, {field: 'm', min: 2, max: 2}, {field: 'd', min: 2, max: 2}}
	clockSteps = []step{{field: 'H', min: 1, max: 2}, {literal: ':'}, {field: 'M', min: 2, max: 2}}
	second     = []step{{literal: ':'}, {field: 'S', min: 2, max: 2}, {field: 'f', max: 9}}
	bareClock  = []step{{field: 'H', min: 2, max: 2}, {field: 'M', min: 2, max: 2}}
	bareSecond = []step{{field: 'S', min: 2, max: 2}, {field: 'f', max: 9}}
)

// parseISO reads a time without a layout: a date as 2026-01-31, 2026/01/31, 20260131 or 260131; then, after T or a space, a clock as
// 7:02, 07:02:47, 07:02:47.250 or 070247; then Z or an offset. Without an offset the time is the zone's.
func parseISO(s string, z *zoneCache) (int64, error) {
	s = strings.TrimSpace(s)
	date := bareDate
	switch n := leadingDigits(s); {
	case n == 4 && len(s) > 4 && s[4] == '-':
		date = isoDate
	case n == 4 && len(s) > 4 && s[4] == '/':
		date = slashDate
	case n == 6:
		date = shortDate
	case n != 8:
		return 0, fmt.Errorf("the order of day and month is not known: give the layout, as in time(text, \"02/01/2006 15:04\")")
	}
	f := fields{}
	rest, err := f.run(s, date)
	if err != nil {
		return 0, err
	}
	if rest == "" {
		return f.instant(z)
	}
	if rest[0] != 'T' && rest[0] != 't' && rest[0] != ' ' {
		return 0, fmt.Errorf("%q after the date", shorten(rest))
	}
	if rest, err = f.clock(rest[1:]); err != nil {
		return 0, err
	}
	if rest = strings.TrimPrefix(rest, " "); rest != "" {
		if rest, err = f.zone(rest); err != nil {
			return 0, err
		}
	}
	if rest != "" {
		return 0, fmt.Errorf("%q is left over", shorten(rest))
	}
	return f.instant(z)
}

func (f *fields) clock(s string) (string, error) {
	hour, more := clockSteps, second
	bare := leadingDigits(s) >= 4
	if bare {
		hour, more = bareClock, bareSecond
	}
	rest, err := f.run(s, hour)
	if err != nil || rest == "" || bare && (rest[0] < '0' || rest[0] > '9') || !bare && rest[0] != ':' {
		return rest, err
	}
	return f.run(rest, more)
}

func (f *fields) run(s string, steps []step) (string, error) {
	var err error
	for i := range steps {
		if s, err = f.step(s, &steps[i]); err != nil {
			return s, err
		}
	}
	return s, nil
}

func leadingDigits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// ParseInstant reads a time as the function time does, in milliseconds UTC.
func ParseInstant(text string, l *time.Location) (int64, error) {
	return parseISO(text, &zoneCache{location: l})
}
