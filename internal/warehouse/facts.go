package warehouse

import (
	"unsafe"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
)

type (
	loggedContact    = sinks.Logged[schemas.Contact]
	loggedAgentState = sinks.Logged[schemas.AgentState]
	loggedDeadLetter = sinks.Logged[schemas.DeadLetter]
	loggedWorker     = sinks.Logged[schemas.Worker]
)

var contactColumns = append(logColumns[schemas.Contact](), []column[loggedContact]{
	text("tenant", func(r *loggedContact) string { return r.Record.Tenant }),
	text("source", func(r *loggedContact) string { return r.Record.Source }),
	text("interaction_id", func(r *loggedContact) string { return r.Record.InteractionID }),
	text("segment", func(r *loggedContact) string { return r.Record.Segment }),
	unsigned("revision", func(r *loggedContact) int64 { return r.Record.Revision }),
	flag("retracted", func(r *loggedContact) bool { return r.Record.Retracted }),
	text("channel", func(r *loggedContact) string { return r.Record.Channel }),
	symbol("direction", enumDirection, func(r *loggedContact) schemas.Direction { return r.Record.Direction }),
	text("queue_id", func(r *loggedContact) string { return r.Record.QueueID }),
	text("queue_name", func(r *loggedContact) string { return r.Record.QueueName }),
	text("agent_id", func(r *loggedContact) string { return r.Record.AgentID }),
	text("agent_name", func(r *loggedContact) string { return r.Record.AgentName }),
	optionalInstant("offered_at", func(r *loggedContact) int64 { return r.Record.OfferedAt }),
	optionalInstant("answered_at", func(r *loggedContact) int64 { return r.Record.AnsweredAt }),
	optionalInstant("ended_at", func(r *loggedContact) int64 { return r.Record.EndedAt }),
	optionalInstant("wrap_ended_at", func(r *loggedContact) int64 { return r.Record.WrapEndedAt }),
	optional("talk_ms", func(r *loggedContact) int64 { return r.Record.TalkMs }),
	optional("hold_ms", func(r *loggedContact) int64 { return r.Record.HoldMs }),
	optional("wrap_ms", func(r *loggedContact) int64 { return r.Record.WrapMs }),
	symbol("outcome", enumOutcome, func(r *loggedContact) schemas.Outcome { return r.Record.Outcome }),
}...)

var agentStateColumns = append(logColumns[schemas.AgentState](), []column[loggedAgentState]{
	text("tenant", func(r *loggedAgentState) string { return r.Record.Tenant }),
	text("source", func(r *loggedAgentState) string { return r.Record.Source }),
	text("agent_id", func(r *loggedAgentState) string { return r.Record.AgentID }),
	text("agent_name", func(r *loggedAgentState) string { return r.Record.AgentName }),
	text("state_id", func(r *loggedAgentState) string { return r.Record.StateID }),
	unsigned("revision", func(r *loggedAgentState) int64 { return r.Record.Revision }),
	flag("retracted", func(r *loggedAgentState) bool { return r.Record.Retracted }),
	optionalInstant("started_at", func(r *loggedAgentState) int64 { return r.Record.StartedAt }),
	optionalInstant("ended_at", func(r *loggedAgentState) int64 { return r.Record.EndedAt }),
	long("sequence", func(r *loggedAgentState) int64 { return r.Record.Sequence }),
	symbol("state", enumState, func(r *loggedAgentState) schemas.State { return r.Record.State }),
	text("reason", func(r *loggedAgentState) string { return r.Record.Reason }),
	text("channel", func(r *loggedAgentState) string { return r.Record.Channel }),
}...)

var workerColumns = append(logColumns[schemas.Worker](), []column[loggedWorker]{
	text("tenant", func(r *loggedWorker) string { return r.Record.Tenant }),
	text("source", func(r *loggedWorker) string { return r.Record.Source }),
	text("worker_id", func(r *loggedWorker) string { return r.Record.WorkerID }),
	unsigned("revision", func(r *loggedWorker) int64 { return r.Record.Revision }),
	flag("retracted", func(r *loggedWorker) bool { return r.Record.Retracted }),
	text("email", func(r *loggedWorker) string { return r.Record.Email }),
	text("tag", func(r *loggedWorker) string { return r.Record.Tag }),
	text("name", func(r *loggedWorker) string { return r.Record.Name }),
	text("system", func(r *loggedWorker) string { return r.Record.System }),
	text("agent_id", func(r *loggedWorker) string { return r.Record.AgentID }),
	flag("active", func(r *loggedWorker) bool { return r.Record.Active }),
}...)

var deadLetterColumns = append(logColumns[schemas.DeadLetter](), []column[loggedDeadLetter]{
	text("tenant", func(r *loggedDeadLetter) string { return r.Record.Tenant }),
	text("pipeline", func(r *loggedDeadLetter) string { return r.Record.Pipeline }),
	text("stage", func(r *loggedDeadLetter) string { return r.Record.Stage }),
	text("source", func(r *loggedDeadLetter) string { return r.Record.Source }),
	text("fact", func(r *loggedDeadLetter) string { return r.Record.Fact }),
	text("reason", func(r *loggedDeadLetter) string { return r.Record.Reason }),
	text("detail", func(r *loggedDeadLetter) string { return r.Record.Detail }),
	text("location", func(r *loggedDeadLetter) string { return r.Record.Location }),
	text("payload", func(r *loggedDeadLetter) string {
		return unsafe.String(unsafe.SliceData(r.Record.Payload), len(r.Record.Payload))
	}),
	instant("rejected_at", func(r *loggedDeadLetter) int64 { return r.Record.RejectedAt }),
}...)

var deliveryColumns = []column[schemas.Delivery]{
	text("tenant", func(r *schemas.Delivery) string { return r.Tenant }),
	text("pipeline", func(r *schemas.Delivery) string { return r.Pipeline }),
	text("sink", func(r *schemas.Delivery) string { return r.Sink }),
	text("row_key", func(r *schemas.Delivery) string { return r.RowKey }),
	unsigned("revision", func(r *schemas.Delivery) int64 { return r.Revision }),
	text("outcome", func(r *schemas.Delivery) string { return r.Outcome }),
	short("status", func(r *schemas.Delivery) int32 { return r.Status }),
	long("latency_ms", func(r *schemas.Delivery) int64 { return r.LatencyMs }),
	short("attempt", func(r *schemas.Delivery) int32 { return r.Attempt }),
	text("error", func(r *schemas.Delivery) string { return r.Error }),
	instant("attempted_at", func(r *schemas.Delivery) int64 { return r.AttemptedAt }),
}

var completenessColumns = []column[schemas.Completeness]{
	text("tenant", func(r *schemas.Completeness) string { return r.Tenant }),
	text("pipeline", func(r *schemas.Completeness) string { return r.Pipeline }),
	text("timezone", func(r *schemas.Completeness) string { return r.Timezone }),
	word("interval_seconds", func(r *schemas.Completeness) int { return int(r.IntervalSeconds) }),
	optionalInstant("complete_through", func(r *schemas.Completeness) int64 { return r.CompleteThrough }),
	unsigned("revision", func(r *schemas.Completeness) int64 { return r.Revision }),
}

// logColumns say where in the log a record was read.
func logColumns[T any]() []column[sinks.Logged[T]] {
	return []column[sinks.Logged[T]]{
		text("log_topic", func(r *sinks.Logged[T]) string { return r.Topic }),
		word("log_partition", func(r *sinks.Logged[T]) int { return r.Partition }),
		unsigned("log_offset", func(r *sinks.Logged[T]) int64 { return r.Offset }),
		instant("arrived_at", func(r *sinks.Logged[T]) int64 { return r.ArrivedAt }),
	}
}

// The enums as the tables have them.
const (
	enumDirection = "Enum8('inbound' = 0, 'outbound' = 1, 'internal' = 2, 'callback' = 3)"
	enumOutcome   = "Enum8('unknown' = 0, 'handled' = 1, 'abandoned' = 2, 'transferred' = 3, 'overflowed' = 4, 'voicemail' = 5)"
	enumState     = "Enum8('logged_out' = 0, 'available' = 1, 'on_contact' = 2, 'wrap' = 3, 'not_ready' = 4)"
)
