package http

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// placeholders are the names that a request may use.
var placeholders = []string{"from", "to", "now", "page", "offset", "size", "cursor"}

var (
	known  = regexp.MustCompile(`\{(from|to|now|page|offset|size|cursor)(?::([^{}]*))?\}`)
	braced = regexp.MustCompile(`\{[^{}"]*\}`)
)

// mentions says whether a text has a placeholder.
func mentions(text, name string) bool {
	for _, m := range known.FindAllStringSubmatch(text, -1) {
		if m[1] == name {
			return true
		}
	}
	return false
}

// unknownPlaceholder is the first thing in braces that is none of the placeholders, or "".
func unknownPlaceholder(text string) string {
	for _, m := range braced.FindAllString(text, -1) {
		if !known.MatchString(m) {
			return m
		}
	}
	return ""
}

// values are what the placeholders stand for in one request.
type values struct {
	from, to, now time.Time
	page, offset  int
	size          int
	cursor        string
	format        string         // of times, unless the placeholder says it
	zone          *time.Location // that times are written in
}

func (v *values) of(name, format string) string {
	if format == "" {
		format = v.format
	}
	switch name {
	case "from":
		return writeTime(v.from, format, v.zone)
	case "to":
		return writeTime(v.to, format, v.zone)
	case "now":
		return writeTime(v.now, format, v.zone)
	case "page":
		return strconv.Itoa(v.page)
	case "offset":
		return strconv.Itoa(v.offset)
	case "size":
		return strconv.Itoa(v.size)
	}
	return v.cursor
}

// fill puts the values into a text; escape is applied to each.
func (v *values) fill(text string, escape func(string) string) string {
	return known.ReplaceAllStringFunc(text, func(placeholder string) string {
		m := known.FindStringSubmatch(placeholder)
		return escape(v.of(m[1], m[2]))
	})
}

// path fills a path with or without a query.
func (v *values) path(text string) string {
	path, query, found := strings.Cut(text, "?")
	filled := v.fill(path, url.PathEscape)
	if found {
		filled += "?" + v.fill(query, url.QueryEscape)
	}
	return filled
}

func plain(s string) string { return s }

// escapeFor is how values are written in a body of a type.
func escapeFor(contentType string) func(string) string {
	switch {
	case strings.Contains(contentType, "json"):
		return func(s string) string {
			quoted, _ := json.Marshal(s) // a text: it cannot fail
			return string(quoted[1 : len(quoted)-1])
		}
	case strings.Contains(contentType, "form-urlencoded"):
		return url.QueryEscape
	case strings.Contains(contentType, "xml"):
		return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace
	}
	return plain
}

// writeTime writes an instant as an API wants it.
func writeTime(t time.Time, format string, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	t = t.In(zone)
	switch format {
	case "", "rfc3339":
		return t.Format("2006-01-02T15:04:05.999Z07:00")
	case "unix":
		return strconv.FormatInt(t.Unix(), 10)
	case "unix_ms":
		return strconv.FormatInt(t.UnixMilli(), 10)
	}
	return t.Format(layout(format))
}

var strftime = strings.NewReplacer(
	"%Y", "2006", "%y", "06", "%m", "01", "%d", "02", "%e", "_2", "%j", "002", "%H", "15", "%I", "03", "%M", "04", "%S", "05", "%L", "000", "%f", "000000",
	"%p", "PM", "%b", "Jan", "%B", "January", "%a", "Mon", "%A", "Monday", "%z", "-0700", "%:z", "-07:00", "%Z", "MST", "%F", "2006-01-02", "%T", "15:04:05", "%%", "%",
)

// layout is a format as Go writes it.
func layout(format string) string {
	if strings.Contains(format, "%") {
		return strftime.Replace(format)
	}
	return format
}
