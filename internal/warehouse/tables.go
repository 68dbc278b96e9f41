package warehouse

import (
	"context"
	"errors"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
)

// Tables are the inserters of every kind of record that a batch may hold.
type Tables struct {
	QueueIntervals      *Inserter[schemas.QueueInterval]
	AgentQueueIntervals *Inserter[schemas.AgentQueueInterval]
	AgentIntervals      *Inserter[schemas.AgentInterval]
	Completeness        *Inserter[schemas.Completeness]
	Contacts            *Inserter[sinks.Logged[schemas.Contact]]
	AgentStates         *Inserter[sinks.Logged[schemas.AgentState]]
	DeadLetters         *Inserter[sinks.Logged[schemas.DeadLetter]]
	Workers             *Inserter[sinks.Logged[schemas.Worker]]
	Deliveries          *Inserter[schemas.Delivery]
}

// Tables makes the inserters.
func (w *Warehouse) Tables() *Tables {
	t := &Tables{
		QueueIntervals:      newInserter(w, "queue_intervals_store", queueIntervalColumns),
		AgentQueueIntervals: newInserter(w, "agent_queue_intervals_store", agentQueueIntervalColumns),
		AgentIntervals:      newInserter(w, "agent_intervals_store", agentIntervalColumns),
		Completeness:        newInserter(w, "completeness_store", completenessColumns),
		Contacts:            newInserter(w, "contacts_store", contactColumns),
		AgentStates:         newInserter(w, "agent_states_store", agentStateColumns),
		DeadLetters:         newInserter(w, "dead_letters_store", deadLetterColumns),
		Workers:             newInserter(w, "workers_store", workerColumns),
		Deliveries:          newInserter(w, "deliveries_store", deliveryColumns),
	}
	t.Contacts.asIs, t.AgentStates.asIs = true, true
	return t
}

// Insert writes a whole batch, table by table. Completeness goes last, so that nothing counts as complete before its rows
// are there. All tables are tried; the error joins those that failed.
func (t *Tables) Insert(ctx context.Context, b *sinks.Batch) error {
	err := errors.Join(
		t.Contacts.Insert(ctx, b.Token, b.Contacts),
		t.AgentStates.Insert(ctx, b.Token, b.AgentStates),
		t.DeadLetters.Insert(ctx, b.Token, b.DeadLetters),
		t.Workers.Insert(ctx, b.Token, b.Workers),
		t.Deliveries.Insert(ctx, b.Token, b.Deliveries),
		t.AgentIntervals.Insert(ctx, b.Token, b.AgentIntervals),
		t.AgentQueueIntervals.Insert(ctx, b.Token, b.AgentQueueIntervals),
		t.QueueIntervals.Insert(ctx, b.Token, b.QueueIntervals),
	)
	if err != nil {
		return err
	}
	return t.Completeness.Insert(ctx, b.Token, b.Completeness)
}
