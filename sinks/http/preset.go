package http

import (
	"slices"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// The presets hold what vendors have published, and nothing else: what is not known stays an option.

// megabyte is how vendors count: they say 2 MB.
const megabyte = 1_000_000

// genesysFields are the measures of IntradayHistoricalQueueData. Averages of nothing are absent.
var genesysFields = spec.Exprs{
	{Name: "offered", Expr: spec.Expr{Source: "offered"}},
	{Name: "answered", Expr: spec.Expr{Source: "answered"}},
	{Name: "abandoned", Expr: spec.Expr{Source: "abandoned"}},
	{Name: "average_talk_time_seconds", Expr: spec.Expr{Source: "answered == 0 ? nil : talk_ms / answered"}},
	{Name: "average_after_call_work_seconds", Expr: spec.Expr{Source: "answered == 0 ? nil : wrap_ms / answered"}},
	{Name: "average_speed_of_answer_seconds", Expr: spec.Expr{Source: "answered == 0 ? nil : wait_ms / answered"}},
	{Name: "service_level_percent", Expr: spec.Expr{Source: "offered == 0 ? nil : 100.0 * answered_in_sl / offered"}},
}

// resolved is the options with what the preset says.
func (o *Options) resolved() *Options {
	c := *o
	switch o.Preset {
	case "eleveo":
		c.BodyFormat, c.CSV.Delimiter, c.MaxBytes = formatCSV, ",", 2*megabyte
		c.Times, c.Zone, c.ZeroRows = "2006-01-02T15:04:05Z", nil, "always"
	case "genesys":
		c.BodyFormat, c.Durations = formatJSON, "seconds"
		if q := o.Records.QueueInterval; q != nil && q.Body == "" {
			feed := *q
			feed.Fields = merged(genesysFields, q.Fields)
			c.Records.QueueInterval = &feed
		}
	}
	return &c
}

// merged puts what is given in the place of what is usual; further names come first, since they say what the record is about.
func merged(usual, given spec.Exprs) (list spec.Exprs) {
	list = slices.Clone(usual)
	var further spec.Exprs
	for _, g := range given {
		n := slices.IndexFunc(list, func(e spec.NamedExpr) bool { return e.Name == g.Name })
		if n < 0 {
			further = append(further, g)
			continue
		}
		list[n] = g
	}
	return append(further, list...)
}
