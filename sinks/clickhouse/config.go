package clickhouse

import (
	_ "embed"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks"
)

//go:embed sample.yaml
var sample string

// Config is what a pipeline file may say.
type Config struct {
	URL      string `cfg:"url,secret" help:"clickhouse://user:password@host:9000, or http(s)://host:8123; the system's ClickHouse where not given"`
	Database string `cfg:"database" help:"database of the tables; the one in the address where not given, else quarterhour"`
	Raw      bool   `cfg:"raw" default:"true" help:"keep the facts as they were read too (contacts, agent_states), which questions about a single number need"`
	Migrate  string `cfg:"migrate" default:"auto" enum:"auto|never" help:"auto: create and upgrade the tables at the start; never: refuse to start until quarterhour migrate has run"`
}

// Registration declares the sink.
var Registration = sinks.Registration{
	Component: spec.Component{
		Kind: spec.Sink, Type: "clickhouse",
		Summary: "tables and views in ClickHouse",
		Description: "Writes interval rows, completeness, raw facts, dead letters and attempts of delivery to ClickHouse, and creates the tables. " +
			"Read the views `queue_intervals`, `agent_queue_intervals` and `agent_intervals`: they show the newest revision of each row. " +
			"`*_revisions` show every revision, `series_*` are filled without gaps for forecasting.",
		Guarantee: "Each row shows its greatest revision, whatever is written twice, late or out of order. " +
			"A batch is acknowledged once ClickHouse has stored all of it.",
		Example: sample,
		New:     func() any { return new(Config) },
	},
	Facts: true,
	Open:  open,
}
