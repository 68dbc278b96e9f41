package file

import (
	_ "embed"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/columns"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Config is what a pipeline file may say.
type Config struct {
	Path      string `cfg:"path,required" help:"of the files; {kind} is queue_intervals, agent_queue_intervals, agent_intervals, contacts, agent_states or workers, {day} is 2026-03-02 in the pipeline's time zone, {tenant} and {pipeline} are theirs"`
	Format    string `cfg:"format" default:"auto" enum:"auto|csv|jsonl|parquet" help:"auto: by the end of path, as .csv, .jsonl or .parquet"`
	Delimiter string `cfg:"delimiter" default:"," help:"one character between the columns of csv"`
	Columns   Tables `cfg:"columns" help:"columns and their expressions by kind of record, where not each field is a column"`
	delivery.Options
}

// Tables are the columns that a user wants.
type Tables struct {
	QueueInterval      spec.Exprs `cfg:"queue_interval" help:"columns of queue intervals"`
	AgentQueueInterval spec.Exprs `cfg:"agent_queue_interval" help:"columns of agent queue intervals"`
	AgentInterval      spec.Exprs `cfg:"agent_interval" help:"columns of agent intervals"`
	Contact            spec.Exprs `cfg:"contact" help:"columns of contacts"`
	AgentState         spec.Exprs `cfg:"agent_state" help:"columns of agent states"`
	Worker             spec.Exprs `cfg:"worker" help:"columns of workers"`
}

func (t *Tables) of(kind string) spec.Exprs {
	return map[string]spec.Exprs{
		"queue_interval": t.QueueInterval, "agent_queue_interval": t.AgentQueueInterval, "agent_interval": t.AgentInterval,
		"contact": t.Contact, "agent_state": t.AgentState, "worker": t.Worker,
	}[kind]
}

//go:embed sample.yaml
var sample string

// Registration declares the sink.
var Registration = sinks.Registration{
	Component: spec.Component{
		Kind:    spec.Sink,
		Type:    "file",
		Summary: "CSV, JSON Lines or Parquet files by kind and day",
		Description: "Writes one file for each kind of record and day, which holds the newest revision of each row in the order of time and key. " +
			"Each field is a column unless `columns` says otherwise; own columns must keep the fields of the key and `revision`, because the next " +
			"write reads them. Instants are UTC, durations milliseconds. Workers are in one file, whose {day} is `all`. A file that was " +
			"changed or damaged by others is named in the log with the line and what to do, and is not overwritten. Contacts and agent states " +
			"that their source took back stay, with `retracted` true.",
		Guarantee: "Each file holds exactly the newest revision of each of its rows, and is replaced at once: a reader never sees half a file, whatever " +
			"crashes when, and whoever else writes into it by the same path.",
		Example: sample,
		New:     func() any { return new(Config) },
	},
	Kinds: func(options any) []string {
		if c, ok := options.(*Config); ok && len(c.Kinds) > 0 {
			return slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return !slices.Contains(c.Kinds, k) })
		}
		return kinds
	},
	Deliver: open,
}

// format is the format of the files; empty where neither option nor path says it.
func (c *Config) format() string {
	if c.Format != "auto" && c.Format != "" {
		return c.Format
	}
	switch strings.ToLower(filepath.Ext(c.Path)) {
	case ".csv":
		return "csv"
	case ".jsonl", ".ndjson":
		return "jsonl"
	case ".parquet":
		return "parquet"
	}
	return ""
}

// Validate checks what the types of the options do not say.
func (c *Config) Validate(problem func(path, message string)) {
	c.validatePath(problem)
	if c.format() == "" {
		problem("format", "is auto, and path does not end in .csv, .jsonl or .parquet: give one of them")
	}
	if len(c.Delimiter) != 1 || strings.ContainsAny(c.Delimiter, "\"\r\n") {
		problem("delimiter", fmt.Sprintf("is %q, not one ASCII character such as \";\"", c.Delimiter))
	}
	for _, kind := range kinds {
		own := c.Columns.of(kind)
		if len(own) == 0 {
			continue
		}
		if _, err := columns.New(kind, own, columns.Format{}); err != nil {
			at := "columns." + kind
			var where *expression.Error
			if errors.As(err, &where) {
				for _, column := range own {
					if column.Expr.At == where.At {
						at += "." + column.Name
					}
				}
			}
			problem(at, err.Error())
			continue
		}
		c.validateColumns(kind, own, problem)
	}
}

// validateColumns checks that what a merge reads is there.
func (c *Config) validateColumns(kind string, own spec.Exprs, problem func(path, message string)) {
	seen := map[string]bool{}
	for _, column := range own {
		if seen[column.Name] {
			problem("columns."+kind+"."+column.Name, "is there twice")
		}
		seen[column.Name] = true
	}
	id := identities[kind]
	for _, field := range append(append(slices.Clone(id.fields), id.at...), "revision") {
		if field == "tenant" && strings.Contains(c.Path, "{tenant}") {
			continue
		}
		n := slices.IndexFunc(own, func(e spec.NamedExpr) bool { return e.Name == field })
		if n < 0 || strings.TrimSpace(own[n].Expr.Source) != field {
			problem("columns."+kind, fmt.Sprintf("has no column %q that is the field of this name, which tells rows and revisions apart", field))
		}
	}
}

func (c *Config) validatePath(problem func(path, message string)) {
	for rest := c.Path; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			break
		}
		name, behind, ok := strings.Cut(after, "}")
		if !ok || !slices.Contains([]string{"kind", "day", "tenant", "pipeline"}, name) {
			problem("path", fmt.Sprintf("names {%s}, and there are {kind}, {day}, {tenant} and {pipeline}", name))
			return
		}
		rest = behind
	}
	wanted := Registration.Kinds(c)
	if len(wanted) > 1 && !strings.Contains(c.Path, "{kind}") {
		problem("path", "has no {kind}: each kind of record needs a file of its own")
	}
	if !strings.Contains(c.Path, "{day}") && !slices.Equal(wanted, []string{"worker"}) {
		problem("path", "has no {day}: one file for all days would grow without end")
	}
}
