// Package pipelines reads pipeline files and knows every component they may name.
//
// A pipeline file is one YAML document: who it is about (tenant, time zone, interval), the sources facts come from (ingest),
// what is made of them (transform), where the rows go (sinks), and its own test cases (tests). Read reports everything that is wrong at once, with file,
// line and the nearest right name.
package pipelines

import (
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/identity"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/transform/script"
)

// Pipeline is a pipeline file that was found to be in order.
type Pipeline struct {
	Path string // of the file, as it was given to Read
	Settings
	Sources []Source // in the order of the file, as are stages and sinks
	Stages  []Stage
	Sinks   []Sink
	Tests   []*script.Case // the pipeline's own cases
}

// Settings are the options at the top level of a pipeline file.
type Settings struct {
	Name       string         `cfg:"pipeline,required" help:"name of the pipeline; its topics and consumer groups are named after it"`
	Tenant     string         `cfg:"tenant,required" help:"the customer organisation that every record belongs to"`
	Zone       *time.Location `cfg:"timezone,required" help:"IANA time zone that days and intervals are aligned in"`
	Interval   time.Duration  `cfg:"interval" default:"15m" help:"length of an interval: 5m, 10m, 15m, 20m, 30m or 60m"`
	Grace      time.Duration  `cfg:"grace" default:"0s" help:"how long an interval stays provisional after its sources are complete"`
	Retention  time.Duration  `cfg:"retention" default:"840h" help:"how far back a fact still changes intervals; older ones are too late"`
	MaxSession time.Duration  `cfg:"max_session" default:"16h" help:"an agent's session without a logout ends after this long"`
	ClockSkew  time.Duration  `cfg:"clock_skew" default:"5s" help:"an instant this much before the one it must follow is moved to it"`
	Partitions int            `cfg:"partitions" default:"4" help:"partitions of each topic, fixed by the first run"`

	Identity identity.Settings `cfg:"identity" help:"who is who across the systems, where their addresses do not say"`
}

// Source is one connected system.
type Source struct {
	Name         string // the key in the file
	At           spec.Position
	Registration ingest.Registration
	Options      any // what Registration.New returned, filled in
}

// Stage is one step of the transform.
type Stage struct {
	At        spec.Position
	Component spec.Component
	Options   any // what Component.New returned, filled in
}

// Sink is one destination.
type Sink struct {
	Name         string // the key in the file
	At           spec.Position
	Registration sinks.Registration
	Options      any // what Registration.New returned, filled in
}
