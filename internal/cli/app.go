package cli

import (
	"context"
	"io"
	"log/slog"

	"github.com/quarterhour/quarterhour/internal/config"
	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
)

// App does the work behind the commands. It prints nothing but through the Session. Every method ends soon after ctx does,
// and leaves what it had begun in a state that a later run goes on from.
type App interface {
	// Run runs the pipelines until ctx ends, which is no error, or, draining, until all that the sources had has reached
	// every sink.
	Run(ctx context.Context, s *Session, list []*pipelines.Pipeline, o RunOptions) error
	// Query asks the warehouse. The answer's body may fail in the middle: its error is then the warehouse's own.
	Query(ctx context.Context, s *Session, sql, format string) (*Answer, error)
	// Migrate brings the warehouse's schema to this version and lists all steps, in order.
	Migrate(ctx context.Context, s *Session) ([]Migration, error)
	// DeadLetters hands the dead letters to each, oldest first, until it says stop.
	DeadLetters(ctx context.Context, s *Session, each func(*schemas.DeadLetter) (more bool)) error
	// Demo runs the whole system against a simulated day and shows on s.Screen the tables, the check against the
	// simulator's own truth, and where to look next. An error says what did not hold.
	Demo(ctx context.Context, s *Session, o DemoOptions) error
	// Bench runs the benchmarks whose names contain one of the words (all, without words) and hands over each result as
	// it is known.
	Bench(ctx context.Context, s *Session, words []string, each func(Measurement)) error

	Books
	Connections
	Deliveries
	Simulations
}

// Session is what the surroundings of one command give it.
type Session struct {
	Command  string // "quarterhour run", for the lock's holder
	System   config.System
	Stdin    io.Reader
	Screen   *console.Screen   // standard output
	Progress *console.Progress // on standard error, where the log goes too
	Log      *slog.Logger      // of the level and format that System.Log asks for
}

// RunOptions are the flags of run.
type RunOptions struct {
	Stages []string // some of ingest, intervals, merge, sinks; empty: all
	Drain  bool
}

// Answer is a query's result.
type Answer struct {
	Format string // the one the warehouse wrote in, which a FORMAT clause may have chosen
	Body   io.ReadCloser
}

// Migration is one step of the warehouse's schema.
type Migration struct {
	Name    string
	Outcome string // applied, unchanged or unknown
}

// DemoOptions are the flags of demo.
type DemoOptions struct {
	Agents int
	Seed   uint64
	Stay   bool // keep everything running for queries until ctx ends
}

// Measurement is one figure of a benchmark.
type Measurement struct {
	Name   string
	Value  string // with its unit: "141 ns/op"
	Target string // what the project asks for, "" where nothing
	Held   bool
	Note   string
}
