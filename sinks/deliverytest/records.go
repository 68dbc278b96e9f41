package deliverytest

import (
	"fmt"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Queues and Agents are those of the suite's rows and facts: a destination that knows who is who must know them.
var (
	Queues = []string{"sales", "support"}
	Agents = []string{"ann@acme.test", "bob@acme.test"}
)

const stretch = 3 // intervals

// history is a log of the kinds: for each key the revisions from one to another, one after the other, keys interleaved.
func (w *world) history(from, to int64) (log []delivery.Item) {
	for revision := from; revision <= to; revision++ {
		for n := range int64(stretch) {
			start := w.first + n*w.c.Interval.Milliseconds()
			for _, kind := range w.kinds {
				log = append(log, w.items(kind, start, revision)...)
			}
		}
	}
	return log
}

func (w *world) items(kind string, start, revision int64) (items []delivery.Item) {
	for n := range Agents {
		switch kind {
		case "queue_interval":
			items = append(items, w.queue(start, n, revision))
		case "agent_queue_interval":
			items = append(items, w.agentQueue(start, n, revision))
		case "agent_interval":
			items = append(items, w.agent(start, n, revision))
		case "contact":
			items = append(items, w.contact(start, n, revision))
		case "agent_state":
			items = append(items, w.agentState(start, n, revision))
		case "worker":
			if start == w.first {
				items = append(items, w.worker(n, revision))
			}
		}
	}
	return items
}

// row is the row of a kind, named as the log names rows.
func (w *world) row(kind string, start, revision int64, names ...string) delivery.Item {
	at := time.UnixMilli(start).UTC().Format(time.RFC3339)
	return delivery.Item{
		Key: strings.Join(append([]string{kind, Tenant, at}, names...), "/"), Tenant: Tenant, Revision: revision, Start: start, Seconds: int(w.c.Interval.Seconds()), Final: true,
	}
}

// Durations end in odd milliseconds, so that rounding shows: none is rounded up past its interval.

func (w *world) queue(start int64, n int, revision int64) delivery.Item {
	i := w.row("queue", start, revision, Queues[n], "voice")
	r := revision
	i.Queue = &schemas.QueueInterval{
		Tenant: Tenant, IntervalStart: start, IntervalSeconds: int32(i.Seconds), QueueID: Queues[n], QueueName: strings.ToUpper(Queues[n]), Channel: "voice",
		Offered: 20 + 3*r, Answered: 15 + 2*r, Abandoned: 4 + r, ShortAbandoned: 1, AnsweredInSl: 12 + r, AbandonedInSl: 2, TransferredOut: r, Overflowed: 1,
		WaitMs: 90_250 + 1000*r, AbandonWaitMs: 31_500 + 1000*r, MaxWaitMs: 20_499 + 1000*r, TalkMs: 400_500 + 2000*r, HoldMs: 20_500 + 1000*r,
		WrapMs: 60_250 + 1000*r, ContactMs: 421_000 + 3000*r, HandleMs: 481_250 + 4000*r, Backlog: 2 + r, Facts: 20 + 3*r, Final: true, Revision: r,
	}
	return i
}

func (w *world) agentQueue(start int64, n int, revision int64) delivery.Item {
	i := w.row("agent_queue", start, revision, Agents[n], Queues[n], "voice")
	r := revision
	i.AgentQueue = &schemas.AgentQueueInterval{
		Tenant: Tenant, IntervalStart: start, IntervalSeconds: int32(i.Seconds), AgentID: Agents[n], AgentName: agentName(n), QueueID: Queues[n],
		QueueName: strings.ToUpper(Queues[n]), Channel: "voice", Answered: 5 + r, Completed: 4 + r, ContactMs: 210_500 + 3000*r, TalkMs: 200_250 + 2000*r,
		HoldMs: 10_250 + 1000*r, WrapMs: 30_500 + 1000*r, HandleMs: 241_000 + 4000*r, DirectOut: r, Facts: 5 + r, Final: true, Revision: r,
	}
	return i
}

func (w *world) agent(start int64, n int, revision int64) delivery.Item {
	i := w.row("agent", start, revision, Agents[n])
	r, whole := revision, w.c.Interval.Milliseconds()
	i.Agent = &schemas.AgentInterval{
		Tenant: Tenant, IntervalStart: start, IntervalSeconds: int32(i.Seconds), AgentID: Agents[n], AgentName: agentName(n), LoginMs: whole,
		AvailableMs: whole - 300_000 - 3000*r, OnContactMs: 200_500 + 1000*r, WrapMs: 39_500 + 1000*r, NotReadyMs: 60_000 + 1000*r,
		NotReadyByReason: []schemas.NamedValue{{Name: "Break", Value: 40_250}, {Name: "Lunch", Value: 19_750 + 1000*r}},
		ConcurrencyMs:    200_500 + 1000*r, DirectOut: r, ScheduledMs: schemas.Null, AdherentMs: schemas.Null, Facts: 6 + r, Final: true, Revision: r,
	}
	return i
}

func agentName(n int) string { return [...]string{"Ann Müller", "Bob O'Hara"}[n] }

func (w *world) contact(start int64, n int, revision int64) delivery.Item {
	id, r := fmt.Sprintf("call-%d-%d", start/60_000, n), revision
	at := start + int64(n+1)*61_000
	return delivery.Item{
		Key: "contact/" + Tenant + "/" + Source + "/" + id + "/0", Tenant: Tenant, Revision: r, Start: at, Final: true,
		Contact: &schemas.Contact{
			Tenant: Tenant, Source: Source, InteractionID: id, Segment: "0", Revision: r, Channel: "voice", Direction: schemas.DirectionInbound,
			QueueID: Queues[n], QueueName: strings.ToUpper(Queues[n]), AgentID: Agents[n], AgentName: agentName(n), OfferedAt: at, AnsweredAt: at + 9_000,
			EndedAt: at + 100_000 + 1000*r, WrapEndedAt: at + 120_000 + 1000*r, TalkMs: 91_000 + 1000*r, HoldMs: 0, WrapMs: 20_000,
			Outcome: schemas.OutcomeHandled,
		},
	}
}

func (w *world) agentState(start int64, n int, revision int64) delivery.Item {
	at, r := start+int64(n)*7_000, revision
	id := fmt.Sprint(at)
	return delivery.Item{
		Key: "agent_state/" + Tenant + "/" + Source + "/" + Agents[n] + "/" + id, Tenant: Tenant, Revision: r, Start: at, Final: true,
		AgentState: &schemas.AgentState{
			Tenant: Tenant, Source: Source, AgentID: Agents[n], AgentName: agentName(n), StateID: id, Revision: r, StartedAt: at, EndedAt: schemas.Null,
			State: []schemas.State{schemas.StateAvailable, schemas.StateNotReady, schemas.StateOnContact}[r%3], Reason: []string{"", "Break", ""}[r%3],
		},
	}
}

func (w *world) worker(n int, revision int64) delivery.Item {
	id := fmt.Sprint(1001 + n)
	return delivery.Item{
		Key: "worker/" + Tenant + "/" + Source + "/" + id, Tenant: Tenant, Revision: revision, Start: w.first, Final: true,
		Worker: &schemas.Worker{
			Tenant: Tenant, Source: Source, WorkerID: id, Revision: revision, Email: Agents[n], Name: fmt.Sprintf("%s %d", agentName(n), revision), System: "five9",
			AgentID: Agents[n], Active: true,
		},
	}
}

// zero is the row of zeros in the place of a row.
func zero(i delivery.Item) delivery.Item {
	i.Revision, i.Zero, i.Final = 0, true, true
	switch {
	case i.Queue != nil:
		q := i.Queue
		i.Queue = &schemas.QueueInterval{
			Tenant: q.Tenant, IntervalStart: q.IntervalStart, IntervalSeconds: q.IntervalSeconds, QueueID: q.QueueID, QueueName: q.QueueName, Channel: q.Channel,
			Final: true,
		}
	case i.AgentQueue != nil:
		q := i.AgentQueue
		i.AgentQueue = &schemas.AgentQueueInterval{
			Tenant: q.Tenant, IntervalStart: q.IntervalStart, IntervalSeconds: q.IntervalSeconds, QueueID: q.QueueID, QueueName: q.QueueName, Channel: q.Channel,
			AgentID: q.AgentID, AgentName: q.AgentName, Final: true,
		}
	case i.Agent != nil:
		q := i.Agent
		i.Agent = &schemas.AgentInterval{
			Tenant: q.Tenant, IntervalStart: q.IntervalStart, IntervalSeconds: q.IntervalSeconds, AgentID: q.AgentID, AgentName: q.AgentName,
			ScheduledMs: schemas.Null, AdherentMs: schemas.Null, Final: true,
		}
	}
	return i
}
