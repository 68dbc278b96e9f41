package expression

import (
	"fmt"
	"strings"
	"time"
)

// layout reads times written one way. The common elements of Go's layouts are read by hand; a layout with others goes
// through time.ParseInLocation.
type layout struct {
	text  string
	steps []step
	zoned bool // the text carries its own offset
	slow  bool
}

// step is one element of a layout: a literal byte, or a number.
type step struct {
	field    byte // 'Y' 4 digits, 'y' 2, 'm' month, 'd' day, 'H' 24 hours, 'h' 12 hours, 'M' minute, 'S' second, 'f' fraction, 'p' AM/PM, 'z' offset; 0 literal
	literal  byte
	min, max int // digits
}

// elements of Go's layouts, longest first where one starts another.
var elements = []struct {
	text string
	step step
}{
	{"2006", step{field: 'Y', min: 4, max: 4}}, {"Z07:00", step{field: 'z'}}, {"Z0700", step{field: 'z'}},
	{"-07:00", step{field: 'z'}}, {"-0700", step{field: 'z'}},
	{"PM", step{field: 'p'}}, {"pm", step{field: 'p'}},
	{"01", step{field: 'm', min: 2, max: 2}}, {"02", step{field: 'd', min: 2, max: 2}}, {"03", step{field: 'h', min: 2, max: 2}},
	{"04", step{field: 'M', min: 2, max: 2}}, {"05", step{field: 'S', min: 2, max: 2}}, {"06", step{field: 'y', min: 2, max: 2}},
	{"15", step{field: 'H', min: 1, max: 2}}, {"1", step{field: 'm', min: 1, max: 2}}, {"2", step{field: 'd', min: 1, max: 2}},
	{"3", step{field: 'h', min: 1, max: 2}}, {"4", step{field: 'M', min: 1, max: 2}}, {"5", step{field: 'S', min: 1, max: 2}},
}

// named elements only Go's own parser knows.
var named = []string{"Jan", "Mon", "MST", "_2", "002", "__2", "Z07", "-07"}

func newLayout(text string) (*layout, error) {
	if strings.Contains(text, "%") {
		return nil, fmt.Errorf("time layout %q has %%: write the layout as the time Mon Jan 2 15:04:05 2006 would be written, such as \"2006-01-02 15:04:05\"", text)
	}
	l := &layout{text: text}
	for rest := text; rest != ""; {
		before := rest
		for _, e := range elements {
			if strings.HasPrefix(rest, e.text) {
				l.steps = append(l.steps, e.step)
				l.zoned = l.zoned || e.step.field == 'z'
				rest = rest[len(e.text):]
				break
			}
		}
		if len(rest) < len(before) {
			continue
		}
		for _, n := range named {
			l.slow = l.slow || strings.HasPrefix(rest, n)
		}
		if size := fractionSize(rest); size > 0 {
			l.steps = append(l.steps, step{field: 'f', literal: rest[0], min: size - 1, max: 9})
			rest = rest[size:]
			continue
		}
		l.steps = append(l.steps, step{literal: rest[0]})
		rest = rest[1:]
	}
	return l, l.check()
}

// fractionSize is the length of ".000" or ",999" at the start of s.
func fractionSize(s string) int {
	if s[0] != '.' && s[0] != ',' {
		return 0
	}
	n := 1
	for n < len(s) && (s[n] == '0' || s[n] == '9') && s[n] == s[1] {
		n++
	}
	if n == 1 || n < len(s) && s[n] >= '0' && s[n] <= '9' { // 02.01.2006 has no fraction
		return 0
	}
	return n
}

func (l *layout) check() error {
	fields := make(map[byte]int)
	for _, s := range l.steps {
		fields[s.field]++
	}
	for field, n := range fields {
		if field != 0 && n > 1 {
			return fmt.Errorf("time layout %q says one thing twice: layouts are written as the time Mon Jan 2 15:04:05 2006", l.text)
		}
	}
	if fields['Y']+fields['y'] == 0 || (fields['m'] == 0 || fields['d'] == 0) && !l.slow {
		return fmt.Errorf("time layout %q has no date: put the date column before the clock, as in date + \" \" + clock, and layouts as \"2006-01-02 15:04:05\"", l.text)
	}
	return nil
}

// parse reads a text into an instant.
func (l *layout) parse(s string, z *zoneCache) (ms int64, err error) {
	if l.slow {
		return l.parseSlow(s, z)
	}
	var f fields
	f.month, f.day = 1, 1
	for i := range l.steps {
		if s, err = f.step(s, &l.steps[i]); err != nil {
			return 0, err
		}
	}
	if s != "" {
		return 0, fmt.Errorf("%q is left over", shorten(s))
	}
	return f.instant(z)
}

// parseSlow uses Go's parser for the civil time, and the zone's own rules for its instant.
func (l *layout) parseSlow(s string, z *zoneCache) (int64, error) {
	if strings.Contains(l.text, "MST") {
		return l.parseAbbreviated(s, z)
	}
	t, err := time.ParseInLocation(l.text, s, time.UTC)
	if err != nil {
		return 0, err
	}
	if l.zoned || strings.Contains(l.text, "Z07") || strings.Contains(l.text, "-07") {
		return t.UnixMilli(), nil
	}
	return z.instant(t.UnixMilli()), nil
}

// parseAbbreviated reads a time with the abbreviation of a zone, which must be one of the zone at hand: others are ambiguous, and Go
// would take them for UTC.
func (l *layout) parseAbbreviated(s string, z *zoneCache) (int64, error) {
	t, err := time.ParseInLocation(l.text, s, z.location)
	if err != nil {
		return 0, err
	}
	if name, offset := t.Zone(); t.Location() != z.location && t.Location() != time.UTC && offset == 0 {
		return 0, fmt.Errorf("zone %q is not one of %s", name, z.location)
	}
	return t.UnixMilli(), nil
}
