package warehouse_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"

	"github.com/quarterhour/quarterhour/internal/warehouse/warehousetest"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
)

func contactBatch(n int) []sinks.Logged[schemas.Contact] {
	all := make([]sinks.Logged[schemas.Contact], n)
	for i := range all {
		at := quarter(0) + int64(i)*10
		all[i] = sinks.Logged[schemas.Contact]{Topic: "p.contact", Offset: int64(i), ArrivedAt: at, Record: schemas.Contact{
			Tenant: "acme", Source: "five9", InteractionID: fmt.Sprint("interaction-", i), Segment: "1", Revision: at, Channel: "voice",
			QueueID: fmt.Sprint("queue-", i%20), QueueName: fmt.Sprint("Queue ", i%20), AgentID: fmt.Sprint("agent-", i%200), AgentName: fmt.Sprint("Agent ", i%200),
			OfferedAt: at, AnsweredAt: at + 20_000, EndedAt: at + 200_000, WrapEndedAt: schemas.Null, TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: 30_000,
			Outcome: schemas.OutcomeHandled,
		}}
	}
	return all
}

func BenchmarkInsertContacts(b *testing.B) {
	for _, size := range []int{10_000, 50_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			t := warehousetest.Open(b).Tables()
			batch := contactBatch(size)
			b.ReportAllocs()
			used := cpu()
			for i := 0; b.Loop(); i++ {
				if err := t.Contacts.Insert(context.Background(), fmt.Sprint(i), batch); err != nil {
					b.Fatal(err)
				}
			}
			report(b, b.N*size, cpu()-used)
		})
	}
}

func BenchmarkInsertQueueIntervals(b *testing.B) {
	const size = 20_000
	t := warehousetest.Open(b).Tables()
	batch := make([]schemas.QueueInterval, size)
	for i := range batch {
		batch[i] = row(i/20, int64(i), int64(i))
		batch[i].QueueID = fmt.Sprint("queue-", i%20)
	}
	used := cpu()
	for i := 0; b.Loop(); i++ {
		if err := t.QueueIntervals.Insert(context.Background(), fmt.Sprint(i), batch); err != nil {
			b.Fatal(err)
		}
	}
	report(b, b.N*size, cpu()-used)
}

// cpu is the processor time of this process, the engine's included, in nanoseconds.
func cpu() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func report(b *testing.B, rows int, used int64) {
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(used)/float64(rows), "cpu-ns/row")
}
