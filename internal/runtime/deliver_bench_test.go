package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/transform"
)

// counting is a destination that takes everything, after a while.
type counting struct {
	took          time.Duration
	rows, sending atomic.Int64
	busy          atomic.Int64 // requests at once, summed up over requests
	requests      atomic.Int64
	url           string // where not empty, rows are posted there as JSON
}

func (c *counting) post(ctx context.Context, items []delivery.Item) error {
	rows := make([]*schemas.QueueInterval, len(items))
	for i := range items {
		rows[i] = items[i].Queue
	}
	body, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	c.rows.Add(int64(len(items)))
	return answer.Body.Close()
}

// receiver takes JSON, as a destination does.
func receiver(w http.ResponseWriter, r *http.Request) {
	var rows []schemas.QueueInterval
	if json.NewDecoder(r.Body).Decode(&rows) != nil {
		w.WriteHeader(http.StatusBadRequest)
	}
}

// used is the processor time of the process.
func used() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (c *counting) Send(ctx context.Context, items []delivery.Item) error {
	c.requests.Add(1)
	c.busy.Add(c.sending.Add(1))
	defer c.sending.Add(-1)
	if err := clock.Sleep(ctx, c.took); err != nil {
		return err
	}
	if c.url != "" {
		return c.post(ctx, items)
	}
	c.rows.Add(int64(len(items)))
	return nil
}

func (c *counting) Close() error { return nil }

// nothing writes nothing down.
type nothing struct{}

func (nothing) Deliveries(context.Context, []schemas.Delivery) error    { return nil }
func (nothing) DeadLetters(context.Context, []schemas.DeadLetter) error { return nil }

// fillRows writes final rows into the topic of rows, as merges do.
func fillRows(tb testing.TB, p *pipeline, n int) {
	tb.Helper()
	out := make([][]broker.Record, p.file.Partitions)
	for i := range n {
		r := schemas.QueueInterval{
			Tenant: "acme", IntervalStart: day + int64(i/500)*900_000, IntervalSeconds: 900, QueueID: fmt.Sprint("queue-", i%500), QueueName: fmt.Sprint("Queue ", i%500),
			Channel: "voice", Offered: 17, Answered: 15, TalkMs: 1_234_567, HandleMs: 1_500_000, Facts: 17, Final: true, Revision: int64(2*i + 3),
		}
		key := transform.AppendQueueKey(nil, &r)
		to := broker.Partition(key, len(out))
		out[to] = append(out[to], broker.Record{Key: key, Value: p.write.queue.append(nil, &r), Time: clock.Now()})
	}
	for to, records := range out {
		for len(records) > 0 {
			some := records[:min(len(records), 10_000)]
			records = records[len(some):]
			if _, err := p.producer.Produce(tb.Context(), p.topics.rows(), to, some); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

func deliverAll(tb testing.TB, w *world, rows, items, concurrency int, to *counting, books bool) (perSecond float64, cpu time.Duration) {
	tb.Helper()
	file := pipelineOf(tb, nil, nil)
	kinds := []string{"queue_interval"}
	file.Sinks = []pipelines.Sink{{Name: "api", Registration: sinks.Registration{
		Kinds: func(any) []string { return kinds },
		Deliver: func(context.Context, any, sinks.Deps) (sinks.Delivering, error) {
			return sinks.Delivering{Destination: to, Plan: delivery.Plan{Kinds: kinds, Items: items, Concurrency: concurrency}, Options: delivery.Options{When: "final"}}, nil
		},
	}}}
	o := w.options(true, StageSinks)
	o.Watch = clock.Wall
	p, err := open(tb.Context(), file, o)
	if err != nil {
		tb.Fatal(err)
	}
	p.keyring = &quota.Keyring{Watch: clock.Wall}
	if !books {
		p.bookless = nothing{}
	}
	fillRows(tb, p, rows)
	began, spent := clock.Now(), used()
	if err := p.run(tb.Context(), o.Stages); err != nil {
		tb.Fatal(err)
	}
	if int(to.rows.Load()) != rows {
		tb.Fatalf("%d rows arrived, not %d", to.rows.Load(), rows)
	}
	return float64(rows) / clock.Since(began).Seconds(), used() - spent
}

// BenchmarkDelivery is rows a second into a destination that answers at once, from the log to the commit; and what writing every delivery
// down costs, in time and in processor time, the embedded broker's included.
func BenchmarkDelivery(b *testing.B) {
	const rows = 100_000
	server := httptest.NewServer(http.HandlerFunc(receiver))
	defer server.Close()
	f := func(name string, to func() *counting) {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b)
			var time, unbooked float64
			var cpu, without float64
			for b.Loop() {
				perSecond, spent := deliverAll(b, w, rows, 1000, 4, to(), false)
				unbooked, without = unbooked+1/perSecond, without+spent.Seconds()
				perSecond, spent = deliverAll(b, w, rows, 1000, 4, to(), true)
				time, cpu = time+1/perSecond, cpu+spent.Seconds()
			}
			b.ReportMetric(float64(b.N)/time, "rows/s")
			b.ReportMetric(100*(time/unbooked-1), "%-time-of-books")
			b.ReportMetric(100*(cpu/without-1), "%-cpu-of-books")
		})
	}
	f("at-once", func() *counting { return &counting{} })
	f("json-over-http", func() *counting { return &counting{url: server.URL} })
	f("50ms", func() *counting { return &counting{took: 50 * time.Millisecond} })
}

// BenchmarkDeliveryToASlowDestination is how many requests wait at a time for a destination that answers in 50 ms and takes 8 at once.
func BenchmarkDeliveryToASlowDestination(b *testing.B) {
	w := newWorld(b)
	for b.Loop() {
		to := &counting{took: 50 * time.Millisecond}
		perSecond, _ := deliverAll(b, w, 100_000, 100, 8, to, true)
		b.ReportMetric(perSecond, "rows/s")
		b.ReportMetric(float64(to.busy.Load())/float64(to.requests.Load()), "requests-at-once")
	}
}
