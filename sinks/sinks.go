// Package sinks holds what a sink is: something that takes row revisions, and brings a destination to hold the greatest.
package sinks

import (
	"context"
	"log/slog"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/identity"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Sink brings one destination up to date.
type Sink interface {
	// Write hands over one batch and returns when the destination has acknowledged all of it. Writing a batch twice, in
	// part, or together with other records leaves the destination as writing it once: the greatest revision of each key wins.
	// An error leaves the whole batch to be written again.
	Write(ctx context.Context, b *Batch) error
	Close() error
}

// Batch is a run of records in log order. Strings belong to the batch: they are gone once Write returns.
type Batch struct {
	// Token is the same whenever the same run of log records is written: destinations that deduplicate use it.
	Token string

	QueueIntervals      []schemas.QueueInterval
	AgentQueueIntervals []schemas.AgentQueueInterval
	AgentIntervals      []schemas.AgentInterval
	Completeness        []schemas.Completeness
	Contacts            []Logged[schemas.Contact]
	AgentStates         []Logged[schemas.AgentState]
	DeadLetters         []Logged[schemas.DeadLetter]
	Workers             []Logged[schemas.Worker]
	Deliveries          []schemas.Delivery // attempts of sinks that deliver by requests
}

// Logged is a fact with the place in the log it was read from.
type Logged[T any] struct {
	Record    T
	Topic     string
	Partition int
	Offset    int64
	ArrivedAt int64 // when the log took it, milliseconds since 1970, UTC
}

// Len is the number of records.
func (b *Batch) Len() int {
	return len(b.QueueIntervals) + len(b.AgentQueueIntervals) + len(b.AgentIntervals) + len(b.Completeness) +
		len(b.Contacts) + len(b.AgentStates) + len(b.DeadLetters) + len(b.Workers) + len(b.Deliveries)
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	*b = Batch{
		QueueIntervals: b.QueueIntervals[:0], AgentQueueIntervals: b.AgentQueueIntervals[:0],
		AgentIntervals: b.AgentIntervals[:0], Completeness: b.Completeness[:0],
		Contacts: b.Contacts[:0], AgentStates: b.AgentStates[:0], DeadLetters: b.DeadLetters[:0], Workers: b.Workers[:0],
		Deliveries: b.Deliveries[:0],
	}
}

// Deps is what the runtime gives a sink besides its options.
type Deps struct {
	Tenant, Pipeline, Name string
	Warehouse              string // address of ClickHouse: http://host:port of the embedded engine, or clickhouse://...
	// Aliases are persons by what else they go by, as the pipeline file says: addresses, tags, and ids as source/worker id, in lower case.
	Aliases map[string]string
	// Workers are the records of all ids that the pipeline's sources know people by, as the log has them. nil: nobody is known.
	Workers  func(context.Context) ([]identity.Fact, error)
	Zone     *time.Location
	Interval time.Duration
	// Retention is how far back a fact still changes intervals; 0 where it is not said.
	Retention time.Duration
	Drain     bool           // the run ends once everything is delivered
	Watch     clock.Watch    // the time by which rows are due and quotas are counted
	Keyring   *quota.Keyring // the credentials of the process
	Log       *slog.Logger
}

// Delivering is a destination that is served by requests, and how it wants to be served.
type Delivering struct {
	Destination delivery.Destination
	Plan        delivery.Plan
	Options     delivery.Options
}

// Registration ties a declaration to its constructor: one line in pipelines/components.go adds a sink.
type Registration struct {
	spec.Component
	// Facts says whether the sink takes raw facts, dead letters and attempts of delivery besides rows.
	Facts bool
	Open  func(ctx context.Context, options any, d Deps) (Sink, error)
	// Deliver opens a destination that takes requests; Open is nil then, and Kinds says which records such a sink can deliver
	// (see delivery.Plan) with these options.
	Deliver func(ctx context.Context, options any, d Deps) (Delivering, error)
	Kinds   func(options any) []string
	// Offers says which kinds the option `kinds` may name, where those are more than Kinds has when it is left out; nil: they are not.
	Offers func(options any) []string
	// Inbox opens the queue that Deliver's destination fills, so that other sinks can post from it; nil: it is no queue.
	Inbox func(ctx context.Context, options any, d Deps) (Inbox, error)
}

// Offered are the kinds of record that the option `kinds` may name, given the others.
func (r *Registration) Offered(options any) []string {
	if r.Offers != nil {
		return r.Offers(options)
	}
	if o, ok := options.(interface{ Common() *delivery.Options }); ok {
		given := o.Common().Kinds
		defer func() { o.Common().Kinds = given }()
		o.Common().Kinds = nil
	}
	return r.Kinds(options)
}

// Fitting are options that go with some pipelines only.
type Fitting interface {
	// Fit reports what does not go with a pipeline of such intervals, as Validate does.
	Fit(interval time.Duration, problem func(path, message string))
}
