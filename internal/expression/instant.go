package expression

import "fmt"

// makeTime is time(text[, layout]): the instant that a text says, in the component's time zone where it says none.
func makeTime(c *Compiler, args []node) (eval, error) {
	return timeReader(c, args, func(_ *zoneCache, ms int64) int64 { return ms })
}

// makeDate is date(text[, layout]): the start of the local day.
func makeDate(c *Compiler, args []node) (eval, error) {
	return timeReader(c, args, (*zoneCache).midnight)
}

func timeReader(c *Compiler, args []node, then func(*zoneCache, int64) int64) (eval, error) {
	location, text := c.Zone, args[0].eval
	if k := args[0].kind; k != Text && k != Any && k != Nil && k != Instant {
		return nil, fmt.Errorf("time of %s: it reads text; unix(seconds) and unix_ms(milliseconds) read numbers", k)
	}
	parse := parseISO
	if len(args) == 2 {
		if !args[1].constant || args[1].kind != Text {
			return nil, fmt.Errorf("the layout of a time must be a text written out")
		}
		l, err := newLayout(args[1].eval(nil).text)
		if err != nil {
			return nil, err
		}
		parse = l.parse
	}
	return func(e *Env) Value {
		v := text(e)
		switch v.Kind {
		case Nil:
			return v
		case Instant:
			return InstantOf(then(e.in(location), v.num))
		case Text:
			z := e.in(location)
			ms, err := parse(v.text, z)
			if err != nil {
				return e.fail("%s is not a time as expected: %w", v.quoted(), err)
			}
			return InstantOf(then(z, ms))
		}
		return e.fail("time of %s: it reads text; unix(seconds) and unix_ms(milliseconds) read numbers", v.quoted())
	}, nil
}

// makeAfter is after(t, earlier): clock times carry no date, so a time that seems more than half a day before the one it must follow
// is the next day's.
func makeAfter(c *Compiler, args []node) (eval, error) {
	for _, a := range args {
		if a.kind != Instant && a.kind != Any && a.kind != Nil {
			return nil, fmt.Errorf("after compares instants, not %s: use time()", a.kind)
		}
	}
	location, later, earlier := c.Zone, args[0].eval, args[1].eval
	return func(e *Env) Value {
		t, from := later(e), earlier(e)
		if absent(t, from) {
			return t
		}
		if t.Kind != Instant || from.Kind != Instant {
			return e.fail("after(%s, %s) compares instants: use time()", t.quoted(), from.quoted())
		}
		if t.num < from.num-dayMs/2 {
			z := e.in(location)
			return InstantOf(z.instant(z.civil(t.num) + dayMs))
		}
		return t
	}, nil
}
