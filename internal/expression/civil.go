package expression

import (
	"errors"
	"fmt"
	"strings"
)

// fields are the parts of a time while it is read.
type fields struct {
	year, month, day     int64
	hour, minute, second int64
	ms                   int64
	half                 byte // 'A', 'P', or 0 for a 24-hour clock
	zoned                bool
	offsetMs             int64
}

// step reads one element and gives back what follows it.
func (f *fields) step(s string, p *step) (string, error) {
	switch p.field {
	case 0:
		if s == "" || s[0] != p.literal {
			return s, fmt.Errorf("%q is not %q", shorten(s), p.literal)
		}
		return s[1:], nil
	case 'f':
		if s == "" || (s[0] != '.' && s[0] != ',') {
			if p.min > 0 && s == "" {
				return s, nil // 05.000 also reads whole seconds, as exports leave out zeros
			}
			return s, nil
		}
		n := 1
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		ms, ok := parseFraction(s[1:n])
		if !ok {
			return s, fmt.Errorf("%q is not a fraction of a second", shorten(s))
		}
		f.ms = ms
		return s[n:], nil
	case 'p':
		if len(s) < 2 || s[1]|0x20 != 'm' || s[0]|0x20 != 'a' && s[0]|0x20 != 'p' {
			return s, fmt.Errorf("%q is not AM or PM", shorten(s))
		}
		f.half = s[0] &^ 0x20
		return s[2:], nil
	case 'z':
		return f.zone(s)
	}
	n, rest, ok := digits(s, p.min, p.max)
	if !ok {
		return s, fmt.Errorf("%q is not a number of %d digits", shorten(s), p.max)
	}
	switch p.field {
	case 'Y':
		f.year = n
	case 'y': // as Go, POSIX and everybody else
		if f.year = 2000 + n; n >= 69 {
			f.year = 1900 + n
		}
	case 'm':
		f.month = n
	case 'd':
		f.day = n
	case 'H':
		f.hour = n
	case 'h':
		if n < 1 || n > 12 {
			return s, fmt.Errorf("hour %d of a 12-hour clock", n)
		}
		if f.hour = n; f.half == 0 {
			f.half = 'A'
		}
	case 'M':
		f.minute = n
	case 'S':
		f.second = n
	}
	return rest, nil
}

// digits reads between least and most digits.
func digits(s string, least, most int) (n int64, rest string, ok bool) {
	i := 0
	for i < most && i < len(s) && s[i] >= '0' && s[i] <= '9' {
		n = n*10 + int64(s[i]-'0')
		i++
	}
	return n, s[i:], i >= least
}

// zone reads Z, +01:00, +0100 or +01.
func (f *fields) zone(s string) (string, error) {
	f.zoned = true
	if strings.HasPrefix(s, "Z") || strings.HasPrefix(s, "z") {
		return s[1:], nil
	}
	if s == "" || s[0] != '+' && s[0] != '-' {
		return s, fmt.Errorf("%q is not an offset from UTC such as Z or +01:00", shorten(s))
	}
	hours, rest, ok := digits(s[1:], 2, 2)
	minutes := int64(0)
	if ok {
		if colon := strings.TrimPrefix(rest, ":"); colon != rest || rest != "" && rest[0] >= '0' && rest[0] <= '9' {
			minutes, rest, ok = digits(colon, 2, 2)
		}
	}
	if !ok || hours > 23 || minutes > 59 {
		return s, fmt.Errorf("%q is not an offset from UTC such as Z or +01:00", shorten(s))
	}
	f.offsetMs = (hours*60 + minutes) * 60_000
	if s[0] == '-' {
		f.offsetMs = -f.offsetMs
	}
	return rest, nil
}

var errClock = errors.New("no such time of day")

// instant is the instant of the fields in a zone, or at the offset they carry.
func (f *fields) instant(z *zoneCache) (int64, error) {
	if f.month < 1 || f.month > 12 || f.day < 1 || f.day > daysIn(f.year, f.month) {
		return 0, fmt.Errorf("no such date: %04d-%02d-%02d", f.year, f.month, f.day)
	}
	hour := f.hour
	if f.half != 0 {
		if hour %= 12; f.half == 'P' {
			hour += 12
		}
	}
	// 24:00:00 is the end of the day, as ISO 8601 writes it. A leap second, which our time does not have, is the second behind it.
	leap := f.second == 60 && f.minute == 59
	if hour > 24 || f.minute > 59 || f.second > 59 && !leap || hour == 24 && (f.minute|f.second|f.ms) != 0 {
		return 0, errClock
	}
	civil := daysOf(f.year, f.month, f.day)*dayMs + ((hour*60+f.minute)*60+f.second)*1000 + f.ms
	if f.zoned {
		return civil - f.offsetMs, nil
	}
	return z.instant(civil), nil
}
