package file

import (
	"fmt"
	"syscall"
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

// used is the processor time of the process.
func used() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A day of 480,000 rows into one file, in requests of as many rows as the engine makes at most, and of fewer: rows a second, and rows a second
// of processor time, which says more where the machine has other work.
func BenchmarkDay(b *testing.B) {
	for _, ext := range []string{"csv", "jsonl", "parquet"} {
		for _, most := range []int{requestItems, 15_000, 5_000} {
			b.Run(fmt.Sprint(ext, "-by-", most), func(b *testing.B) {
				items := day(96, 5_000)
				b.ResetTimer()
				var took, cpu time.Duration
				for range b.N {
					d := opened(b, b.TempDir()+"/{kind}/{day}."+ext)
					began, before := clock.Now(), used()
					for n := 0; n < len(items); n += most {
						if err := d.Send(b.Context(), items[n:min(n+most, len(items))]); err != nil {
							b.Fatal(err)
						}
					}
					took, cpu = took+clock.Since(began), cpu+used()-before
					if err := d.Close(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N*len(items))/took.Seconds(), "rows/s")
				b.ReportMetric(float64(b.N*len(items))/cpu.Seconds(), "rows/cpu-s")
			})
		}
	}
}

// A day of 200,000 contacts, each in three revisions that come in requests after each other: the rows of a request stand in parts that have older
// revisions of others, and may stand in the files of the day before and after.
func BenchmarkContacts(b *testing.B) {
	const contacts, most = 200_000, 15_000
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).UnixMilli()
	for _, ext := range []string{"csv", "jsonl", "parquet"} {
		b.Run(ext, func(b *testing.B) {
			var log []delivery.Item
			for n := range contacts + 2*most {
				for revision := range 3 {
					if id := n - revision*most; id >= 0 && id < contacts {
						i := contact(fmt.Sprint("call-", id*7919%contacts), "", int64(revision+1))
						i.Contact.OfferedAt = start + int64(id)*86_000_000/contacts
						i.Start = i.Contact.OfferedAt
						log = append(log, i)
					}
				}
			}
			b.ResetTimer()
			var took, cpu time.Duration
			for range b.N {
				d := opened(b, b.TempDir()+"/{kind}/{day}."+ext)
				began, before := clock.Now(), used()
				for n := 0; n < len(log); n += most {
					if err := d.Send(b.Context(), log[n:min(n+most, len(log))]); err != nil {
						b.Fatal(err)
					}
				}
				took, cpu = took+clock.Since(began), cpu+used()-before
				if err := d.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*len(log))/took.Seconds(), "rows/s")
			b.ReportMetric(float64(b.N*len(log))/cpu.Seconds(), "rows/cpu-s")
		})
	}
}
