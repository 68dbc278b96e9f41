package pipkins

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

var placeholders = []string{"set", "date", "time", "sequence", "tenant", "pipeline"}

func (c *Config) validateName(problem func(path, message string)) {
	used := map[string]bool{}
	for rest := c.Name; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			break
		}
		name, behind, ok := strings.Cut(after, "}")
		if !ok || !slices.Contains(placeholders, name) {
			problem("name", fmt.Sprintf("names {%s}, and there are {%s}", name, strings.Join(placeholders, "}, {")))
			return
		}
		used[name], rest = true, behind
	}
	switch {
	case strings.ContainsAny(c.Name, `/\`) || strings.HasPrefix(c.Name, "."):
		problem("name", fmt.Sprintf("is %q: a file's name has no / and begins with no dot", c.Name))
	case !used["set"] && len(Registration.Kinds(c)) > 1:
		problem("name", "has no {set}: each set needs files of its own")
	case !used["date"] || c.Files != "day" && !used["time"]:
		problem("name", "has no {date} and {time} (files: day needs {date} only): each interval needs a file of its own")
	}
	days := map[string]bool{}
	for n := range 400 {
		days[time.Date(2026, 1, 1+n, 0, 0, 0, 0, time.UTC).Format(c.Dates)] = true
	}
	if len(days) < 400 {
		problem("name_date", fmt.Sprintf("is %q, which does not tell days apart: write year, month and day as Go does, such as 20060102", c.Dates))
	}
	times := map[string]bool{}
	for n := range 288 {
		times[time.Date(2026, 1, 1, 0, 5*n, 0, 0, time.UTC).Format(c.Times)] = true
	}
	if c.Files != "day" && len(times) < 288 {
		problem("name_time", fmt.Sprintf("is %q, which does not tell intervals apart: write hour and minute as Go does, such as 1504", c.Times))
	}
}

// names makes the names of files.
type names struct {
	pattern, dates, times string
	pipeline              string
	zone                  *time.Location
	day                   bool
}

// name is a file's, with {sequence} left open.
func (n *names) name(set, tenant string, start int64) string {
	at := time.UnixMilli(start).In(n.zone)
	if n.day {
		at = time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, n.zone)
	}
	return strings.NewReplacer("{set}", clean(set), "{date}", clean(at.Format(n.dates)), "{time}", clean(at.Format(n.times)), "{tenant}", clean(tenant),
		"{pipeline}", clean(n.pipeline)).Replace(n.pattern)
}

func numbered(name string, sequence int64) string {
	return strings.ReplaceAll(name, "{sequence}", strconv.FormatInt(sequence, 10))
}

// clean keeps what a name of a file may have anywhere.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '-'
		}
		return r
	}, s)
}
