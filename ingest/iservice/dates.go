package iservice

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// layouts are the forms of dates that are understood without being told.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04", "2006-01-02 15:04",
	"1/2/2006 3:04:05 PM", "1/2/2006 3:04 PM", "1/2/2006 15:04:05", "1/2/2006 15:04", time.RFC1123Z, time.RFC1123,
}

// calendar reads and writes the dates of one request.
type calendar struct {
	formats []string
	zone    *time.Location // a fixed offset: what __TZO__ says
}

// calendarAt is the calendar of a request about a stretch that begins at an instant.
func (o *Options) calendarAt(at time.Time) calendar {
	zone := o.Zone
	if zone == nil {
		zone = time.UTC
	}
	name, ahead := at.In(zone).Zone()
	return calendar{o.DateFormats, time.FixedZone(name, ahead)}
}

// tzo is the offset as requests carry it: "+05:30".
func (c calendar) tzo() string { return time.Unix(0, 0).In(c.zone).Format("-07:00") }

// parse reads a date; milliseconds since 1970.
func (c calendar) parse(text string) (int64, error) {
	for _, formats := range [][]string{c.formats, layouts} {
		for _, f := range formats {
			if t, err := c.parseAs(f, text); err == nil {
				return t.UnixMilli(), nil
			}
		}
	}
	return 0, fmt.Errorf("%q is no date in a form that is known: add its layout to date_formats", text)
}

func (c calendar) parseAs(how, text string) (time.Time, error) {
	switch how {
	case "rfc3339":
		how = time.RFC3339Nano
	case "unix", "unix_ms":
		n, err := strconv.ParseInt(text, 10, 64)
		if how == "unix" {
			return time.Unix(n, 0), err
		}
		return time.UnixMilli(n), err
	}
	return time.ParseInLocation(how, text, c.zone)
}

// format writes an instant: rfc3339, unix, unix_ms, or by a layout of Go.
func (c calendar) format(at time.Time, how string) string {
	switch how {
	case "rfc3339":
		return at.UTC().Format(time.RFC3339)
	case "unix":
		return strconv.FormatInt(at.Unix(), 10)
	case "unix_ms":
		return strconv.FormatInt(at.UnixMilli(), 10)
	}
	return at.In(c.zone).Format(how)
}

// fill puts values in the place of {names}.
func fill(template string, values map[string]string) string {
	var pairs []string
	for name, v := range values {
		pairs = append(pairs, "{"+name+"}", v)
	}
	return strings.NewReplacer(pairs...).Replace(template)
}
