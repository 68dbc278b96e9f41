// Package ingest holds what a source is: something that reads a system and hands facts and marks to the log.
package ingest

import (
	"context"
	"log/slog"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// Source reads one connected system.
type Source interface {
	// Run reads from where cursor says (nil at first) until ctx ends or the system has no more, and returns nil then.
	// It calls out from one goroutine at a time. An error is about the source as a whole; a record that cannot be used goes
	// to out.Reject and the run goes on.
	Run(ctx context.Context, cursor []byte, out Out) error
}

// Out is where a source puts what it read. Tenant and source names are filled in. Not safe for concurrent use.
type Out interface {
	// Contact, AgentState and Shift buffer a copy of the fact; they block while the log is slower than the source. A shift that
	// moves to another agent is retracted for the first.
	Contact(ctx context.Context, c *schemas.Contact) error
	AgentState(ctx context.Context, a *schemas.AgentState) error
	Shift(ctx context.Context, s *schemas.Shift) error
	// Worker buffers a copy of a person's ids. Nothing is computed from it; it says who is who.
	Worker(ctx context.Context, w *schemas.Worker) error
	// QueueInterval, AgentQueueInterval and AgentInterval buffer a copy of a row that the source has computed itself, for one of the
	// pipeline's intervals (Deps.Bounds); a start where none begins is an error. What is not known is 0, or schemas.Null where the
	// measure may be absent. Facts is 1, and 0 for a row that the source withdrew, which is of zeros. The greatest Revision of a row
	// wins. The row adds to what facts and other sources say about its key.
	QueueInterval(ctx context.Context, r *schemas.QueueInterval) error
	AgentQueueInterval(ctx context.Context, r *schemas.AgentQueueInterval) error
	AgentInterval(ctx context.Context, r *schemas.AgentInterval) error
	// Reject dead-letters an input: Fact, Reason, Detail, Location and Payload are the source's to fill.
	Reject(ctx context.Context, d *schemas.DeadLetter) error
	// Commit returns when all that was handed over is acknowledged by the log, and stores the cursor after that: a crash
	// between the two costs a replay, never a gap.
	Commit(ctx context.Context, cursor []byte) error
	// Mark promises, after a Commit of its own, that every fact of the kind ("contact", "agent_state", "shift", "interval") before the
	// instant (milliseconds, UTC) has been handed over. It is written to every partition of the kind's topic.
	Mark(ctx context.Context, fact string, completeThrough int64) error
}

// Deps is what the runtime gives a source besides its options.
type Deps struct {
	Tenant, Pipeline, Name string
	Zone                   *time.Location // the pipeline's, where the source has none of its own
	// Bounds is the pipeline's interval that holds an instant, milliseconds UTC. Safe for concurrent use.
	Bounds   func(ms int64) (start, end int64)
	Drain    bool // read what there is, then return
	Log      *slog.Logger
	Progress Progress
	Now      func() time.Time
	// Watch is the time by which schedules run and quotas are counted: Now's, except against simulated vendors.
	Watch   clock.Watch
	Keyring *quota.Keyring // the credentials of the process
	Recall  Recall
	Raw     func(ctx context.Context, r Raw) error // keeps an answer as the vendor gave it; nil: not kept
	Metrics Metrics                                // nil: nobody counts
}

// Raw is an answer as a vendor gave it, or a part of one, to be kept for those who ask later what the vendor said.
type Raw struct {
	Stream      string
	From, To    time.Time // zero where it is about no stretch of time
	ContentType string
	Answer      string // what its parts have in common; "" of an answer that is whole
	Part        int    // from 1; 0: the answer is whole
	Last        bool   // of the parts; one that was not read to its end has none
	Payload     []byte // valid during the call
	Keep        time.Duration
}

// Metrics counts what a source does. Safe for concurrent use.
type Metrics interface {
	// Flow counts one read of a flow, by outcome: ok, failed, exhausted, locked. behind is how far the flow is from being complete up to
	// now; negative where unknown.
	Flow(flow, outcome string, behind time.Duration, n FlowCounts)
}

// FlowCounts is what became of the facts of a flow's reads.
type FlowCounts struct {
	Handed, Repeated, Retracted, Rejected int64
}

// Recall reads back what the source handed over, in the order of the log: facts of the kind that the log took at or after since.
// A fact is only valid during the call.
type Recall func(ctx context.Context, kind string, since time.Time, each func(fact any)) error

// Progress shows how far a long piece of work is. Total is 0 where unknown. Safe for concurrent use.
type Progress interface {
	Report(what string, done, total int64, unit string)
}

// Registration ties a declaration to its constructor: one line in pipelines/components.go adds a source.
type Registration struct {
	spec.Component
	// Facts are the kinds of fact a source with these options writes: "contact", "agent_state", "shift", and "interval" for rows.
	Facts func(options any) []string
	Open  func(options any, d Deps) (Source, error)
	// Check looks at a source without reading any data: that it is reached, that the credential is accepted and allowed what the
	// source will do, that the reports have the columns, that the clocks agree, that quota is left. nil: there is nothing to check.
	Check func(ctx context.Context, options any, d Deps, report func(Finding)) error
}

// Finding is one thing that Check looked at.
type Finding struct {
	What    string // "credentials", "report WFM Reports/WFM Call Log"
	Outcome Outcome
	Detail  string // what was found, and what to do where it is not Fine
}

// Outcome is how a finding came out.
type Outcome string

// The outcomes.
const (
	Fine    Outcome = "ok"
	Doubt   Outcome = "warning" // it will run, and perhaps not as expected
	Failure Outcome = "failed"
)
