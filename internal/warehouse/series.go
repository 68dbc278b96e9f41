package warehouse

import "strings"

// oneSeries is a view series_<name> of one value for every queue, channel and interval.
type oneSeries struct {
	Name    string
	Value   string // over r, the row of queue_intervals
	Comment string
}

// series are the views that views/4_series.sql makes.
var series = []oneSeries{
	{"offered", "r.offered", "Contacts offered, count."},
	{"answered", "r.answered", "Contacts answered, count."},
	{"abandoned", "r.abandoned", "Contacts that ended unanswered, count."},
	{"handle_ms", "r.handle_ms", "Talk, hold and wrap-up, milliseconds."},
	{"contact_ms", "r.contact_ms", "Talk and hold, milliseconds."},
	{"wait_ms", "r.wait_ms", "Wait of answered contacts, milliseconds."},
	{"backlog", "r.backlog", "Contacts waiting at the interval's end, count."},
}

// SQLComment is the comment as it stands between quotes.
func (s oneSeries) SQLComment() string { return strings.ReplaceAll(s.Comment, "'", "''") }
