package webhook

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/rows"
	"github.com/quarterhour/quarterhour/ingest/webhook/receive"
	"github.com/quarterhour/quarterhour/internal/spec"
)

// Listening are the options of the listener.
type Listening = receive.Options

// Rows are the options of what is made of the records.
type Rows = rows.Options

// Options are what a pipeline file says about a webhook.
type Options struct {
	Listening
	Format     string         `cfg:"format" default:"auto" enum:"auto|json|avro" help:"of the body: JSON is one object, a list, or objects one after the other; Avro an object container file"`
	Records    string         `cfg:"records" help:"where in a JSON object the records are, as data.items; left out, the object is one"`
	MaxRecords int            `cfg:"max_records" default:"10000" help:"records of one request; more are refused with status 413"`
	Zone       *time.Location `cfg:"timezone" help:"IANA time zone of times without an offset; the pipeline's if left out"`
	NullValues []string       `cfg:"null_values" help:"texts that mean absent; an empty value always does"`
	Rows
	Complete string        `cfg:"complete" default:"none" enum:"none|lateness" help:"lateness: promise that what happened longer ago than lateness has been posted, so that intervals can become final"`
	Lateness time.Duration `cfg:"lateness" default:"10m" help:"how much later than its time senders may post a record"`
}

//go:embed sample.yaml
var sample string

// Registration declares the webhook source.
var Registration = ingest.Registration{
	Component: spec.Component{
		Kind:        spec.Ingest,
		Type:        "webhook",
		Summary:     "records that other systems post, as JSON or Avro, mapped to facts by expressions",
		Description: description,
		Guarantee: "A request is answered with status 2xx once all its facts are in the log; the answer lists the records that were refused, which are " +
			"dead-lettered too. What is posted twice changes nothing.",
		Example: sample,
		New:     func() any { return new(Options) },
	},
	Facts: func(options any) []string { return options.(*Options).Rows.Facts() },
	Open: func(options any, d ingest.Deps) (ingest.Source, error) {
		return open(options.(*Options), d)
	},
	Check: check,
}

// Validate checks what the types of the options do not say.
func (o *Options) Validate(problem func(path, message string)) {
	o.Listening.Validate(problem)
	o.ValidateRows(nil, "", problem)
	if o.MaxRecords < 1 {
		problem("max_records", fmt.Sprintf("is %d: at least 1", o.MaxRecords))
	}
	if o.Lateness < time.Second {
		problem("lateness", fmt.Sprintf("is %s: at least 1s", o.Lateness))
	}
}

// check tries the address and the certificate, and says what is risky.
func check(_ context.Context, options any, _ ingest.Deps, report func(ingest.Finding)) error {
	options.(*Options).Check(report)
	return nil
}
