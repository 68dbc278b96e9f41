package five9

import (
	"fmt"
	"strings"
	"time"
)

// civilTime reads the time formats of reports and statistics, which carry no zone: the clock time as the milliseconds since 1970
// that it would have in UTC.
//
//	Fri, 21 Aug 2026 09:00:12     TIMESTAMP columns; the day may have one digit, the weekday may be missing
//	2026-08-21 09:00:12           State Since
//	2026/08/21 09:00:12           DATE and TIME columns joined
//
// Seconds may have a fraction, and clocks may be in 12 hours with AM or PM.
func civilTime(s string) (int64, error) {
	p := scan{s: strings.TrimSpace(s)}
	year, month, day := p.date()
	if p.bad || p.at == len(p.s) && !p.dateOnly {
		return 0, notATime(s)
	}
	ms := p.clock()
	if p.bad || p.at != len(p.s) || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || year < 1 {
		return 0, notATime(s)
	}
	return daysOf(year, month, day)*dayMs + ms, nil
}

const dayMs = 24 * 60 * 60 * 1000

func notATime(s string) error {
	const most = 60
	if len(s) > most {
		s = s[:most] + "..."
	}
	return fmt.Errorf("%q is not a time such as %q or %q", s, "Fri, 21 Aug 2026 09:00:12", "2026-08-21 09:00:12")
}

// scan reads a text from left to right; what does not fit makes it bad.
type scan struct {
	s        string
	at       int
	bad      bool
	dateOnly bool
}

func (p *scan) peek() byte {
	if p.at < len(p.s) {
		return p.s[p.at]
	}
	return 0
}

func (p *scan) take(c byte) bool {
	if p.peek() == c && p.at < len(p.s) {
		p.at++
		return true
	}
	return false
}

func (p *scan) need(c byte) {
	if !p.take(c) {
		p.bad = true
	}
}

func (p *scan) spaces() bool {
	from := p.at
	for p.take(' ') {
	}
	return p.at > from
}

// digits reads a number of least to most digits.
func (p *scan) digits(least, most int) (n int64) {
	from := p.at
	for p.at < len(p.s) && p.at-from < most && p.s[p.at] >= '0' && p.s[p.at] <= '9' {
		n = n*10 + int64(p.s[p.at]-'0')
		p.at++
	}
	p.bad = p.bad || p.at-from < least
	return n
}

func (p *scan) word() string {
	from := p.at
	for p.at < len(p.s) && (p.s[p.at]|0x20) >= 'a' && (p.s[p.at]|0x20) <= 'z' {
		p.at++
	}
	return p.s[from:p.at]
}

func (p *scan) date() (year, month, day int64) {
	if c := p.peek(); c < '0' || c > '9' { // the weekday, which says nothing new
		if len(p.word()) < 3 {
			p.bad = true
		}
		p.take(',')
		p.spaces()
	}
	first := p.digits(1, 4)
	if sep := p.peek(); p.at >= 4 && (sep == '-' || sep == '/') {
		p.at++
		month = p.digits(1, 2)
		p.need(sep)
		return first, month, p.digits(1, 2)
	}
	p.spaces()
	month = monthOf(p.word())
	p.spaces()
	return p.digits(4, 4), month, first
}

// clock reads what follows a date; nothing is midnight.
func (p *scan) clock() (ms int64) {
	if !p.spaces() && !p.take('T') {
		p.bad = true
	}
	hour := p.digits(1, 2)
	p.need(':')
	minute := p.digits(2, 2)
	var second, fraction int64
	if p.take(':') {
		second = p.digits(2, 2)
		if p.take('.') {
			fraction = p.fraction()
		}
	}
	if p.spaces() {
		switch half := p.word(); {
		case (half == "AM" || half == "am") && hour >= 1 && hour <= 12:
			hour %= 12
		case (half == "PM" || half == "pm") && hour >= 1 && hour <= 12:
			hour = hour%12 + 12
		default:
			p.bad = true
		}
	}
	p.bad = p.bad || hour > 23 || minute > 59 || second > 60 // a leap second is the next one
	return ((hour*60+minute)*60+second)*1000 + fraction
}

// fraction reads the digits after a point as milliseconds; what is finer is cut off.
func (p *scan) fraction() (ms int64) {
	from := p.at
	for unit := int64(100); p.at < len(p.s) && p.s[p.at] >= '0' && p.s[p.at] <= '9'; unit /= 10 {
		ms += int64(p.s[p.at]-'0') * unit
		p.at++
	}
	p.bad = p.bad || p.at == from
	return ms
}

const months = "janfebmaraprmayjunjulaugsepoctnovdec"

func monthOf(word string) int64 {
	if len(word) < 3 {
		return 0
	}
	for i := 0; i < len(months); i += 3 {
		if strings.EqualFold(word[:3], months[i:i+3]) {
			return int64(i/3 + 1)
		}
	}
	return 0
}

// duration reads HH:MM:SS, MM:SS or seconds, with a fraction or without, as milliseconds. Hours may exceed 24. An empty text is 0.
func duration(s string) (int64, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, nil
	}
	p := scan{s: s}
	negative := p.take('-')
	total := p.digits(1, 9)
	parts := 1
	for ; parts < 3 && p.take(':'); parts++ {
		part := p.digits(2, 2)
		p.bad = p.bad || part > 59
		total = total*60 + part
	}
	total *= 1000
	if p.take('.') {
		total += p.fraction()
	}
	if p.bad || p.at != len(p.s) {
		return 0, notADuration(s)
	}
	if negative {
		total = -total
	}
	return total, nil
}

func notADuration(s string) error {
	const most = 60
	if len(s) > most {
		s = s[:most] + "..."
	}
	return fmt.Errorf("%q is not a duration such as %q", s, "00:01:10")
}

// daysOf is the number of days since 1970 of a date of the Gregorian calendar.
func daysOf(year, month, day int64) int64 {
	return time.Date(int(year), time.Month(month), int(day), 0, 0, 0, 0, time.UTC).Unix() / (dayMs / 1000)
}

func daysIn(year, month int64) int64 {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}
