package file

import (
	"fmt"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// day is a day of agent-queue rows: 96 intervals of 5,000 rows.
func day(intervals, perInterval int) []delivery.Item {
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).UnixMilli()
	items := make([]delivery.Item, 0, intervals*perInterval)
	for n := range intervals {
		for k := range perInterval {
			at, x := start+int64(n)*900_000, int64(n*k)
			q := &schemas.AgentQueueInterval{
				Tenant: "acme", IntervalStart: at, IntervalSeconds: 900, AgentID: fmt.Sprintf("agent-%05d@acme.example", k/5), AgentName: fmt.Sprintf("Agent %d", k/5),
				QueueID: fmt.Sprintf("queue-%03d", k%200), QueueName: fmt.Sprintf("Queue %d", k%200), Channel: "voice", Answered: x % 17, Completed: x % 17,
				ContactMs: x * 7919 % 900_000, TalkMs: x * 7907 % 800_000, HoldMs: x * 31 % 100_000, WrapMs: x * 101 % 60_000, HandleMs: x * 7919 % 960_000,
				Facts: x % 17, Final: true, Revision: x%100_000 + 1,
			}
			items = append(items, delivery.Item{
				Key: fmt.Sprint("agent_queue/acme/", at, "/", k), Tenant: "acme", Revision: q.Revision, Start: at, Seconds: 900, Final: true, AgentQueue: q,
			})
		}
	}
	return items
}

// A day of 480,000 rows into one file, in requests as the engine makes them.
func BenchmarkDay(b *testing.B) {
	for _, ext := range []string{"csv", "jsonl", "parquet"} {
		b.Run(ext, func(b *testing.B) {
			items := day(96, 5_000)
			b.ResetTimer()
			for range b.N {
				d := opened(b, b.TempDir()+"/{kind}/{day}."+ext)
				began := clock.Now()
				for n := 0; n < len(items); n += requestItems {
					if err := d.Send(b.Context(), items[n:min(n+requestItems, len(items))]); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(items))/clock.Since(began).Seconds(), "rows/s")
			}
		})
	}
}
