// Package rows reads the rows of CSV, JSON and Avro one after the other, whatever they come in, and makes facts of them as expressions
// say. Sources whose rows the user describes share it.
package rows

import (
	"fmt"
	"time"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/spec"
)

const (
	// MaxRow bounds a row in bytes, so that a file without line breaks, or with a quote that is never closed, cannot exhaust memory.
	MaxRow = 1 << 20
	// MaxPayload is how much of a row goes into its dead letter.
	MaxPayload = 64 << 10
)

// Reader gives the rows of one input. Values alias its memory until the next row.
type Reader interface {
	// Read puts the columns of the next row into the environment. io.EOF is the end, an *Error a row that is no good.
	Read(e *expression.Env) error
	// Position is the line, or the number, of the last row, and Raw its text as far as it is known.
	Position() string
	Raw() []byte
}

// Error is what is wrong with one row.
type Error struct {
	Reason string // short, the same as in the metrics
	Err    error
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Options are what a pipeline file says about rows and the facts that they are.
type Options struct {
	As     string     `cfg:"as,required" enum:"contact|agent_state|shift|worker" help:"kind of fact that a row is"`
	Let    spec.Exprs `cfg:"let" help:"names for expressions that where and fields use"`
	Where  spec.Expr  `cfg:"where" help:"rows for which this is not true are left out"`
	Fields spec.Exprs `cfg:"fields" help:"expression for each field of the fact; the columns of the same names if left out"`
}

// required are the fields without which a row is no fact.
var required = map[string][]string{
	"contact":     {"interaction_id"},
	"agent_state": {"agent_id", "started_at"},
	"shift":       {"agent_id", "starts_at", "ends_at"},
	"worker":      {"worker_id"},
}

// ValidateRows compiles the expressions; columns are their names where the options say them, else nil. path is that of the options, with
// a dot at its end, or empty.
func (o *Options) ValidateRows(columns []string, path string, problem func(path, message string)) {
	for _, name := range required[o.As] {
		if o.Fields != nil && !has(o.Fields, name) {
			problem(path+"fields", fmt.Sprintf("has no %s, without which a row is no %s", name, o.As))
		}
	}
	var known expression.Columns = &expression.Open{}
	if len(columns) > 0 {
		known = expression.Named{List: columns, Kind: expression.Text}
	}
	for _, p := range NewMapping(o, known, time.UTC).problems {
		problem(path+p.path, p.err.Message)
	}
}

func has(list spec.Exprs, name string) bool {
	for _, e := range list {
		if e.Name == name {
			return true
		}
	}
	return false
}

// Texts are the options as texts, which change when what a row becomes does.
func (o *Options) Texts() []any {
	return []any{o.As, sources(o.Let), o.Where.Source, sources(o.Fields)}
}

// sources are the expressions of a list, by name.
func sources(list spec.Exprs) (texts []string) {
	for _, e := range list {
		texts = append(texts, e.Name, e.Expr.Source)
	}
	return texts
}

// Facts are the kinds of fact for whose sake a source is complete or not: workers are no events, and have no time.
func (o *Options) Facts() []string {
	if o.As == "worker" {
		return nil
	}
	return []string{o.As}
}
