package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	goruntime "runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/file"
	httpsink "github.com/quarterhour/quarterhour/sinks/http"
	"github.com/quarterhour/quarterhour/transform"
)

// counting is a destination that takes everything, after a while.
type counting struct {
	took time.Duration
	rows atomic.Int64
	url  string // where not empty, rows are posted there as JSON
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

// fillRows writes final rows into the topic of rows, as merges do: so many of each interval.
func fillRows(tb testing.TB, p *pipeline, n, each int) {
	tb.Helper()
	out := make([][]broker.Record, p.file.Partitions)
	for i := range n {
		r := schemas.QueueInterval{
			Tenant: "acme", IntervalStart: day + int64(i/each)*900_000, IntervalSeconds: 900, QueueID: fmt.Sprint("queue-", i%each), QueueName: fmt.Sprint("Queue ", i%each),
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

// took is what a run took.
type took struct {
	wall, cpu time.Duration
}

// perSecond is rows a second of the time.
func perSecond(rows int, d time.Duration) float64 { return float64(rows) / d.Seconds() }

// sinkTo is a sink with a destination of its own.
func sinkTo(to delivery.Destination, plan delivery.Plan) pipelines.Sink {
	return pipelines.Sink{Name: "api", Registration: sinks.Registration{
		Kinds: func(any) []string { return plan.Kinds },
		Deliver: func(context.Context, any, sinks.Deps) (sinks.Delivering, error) {
			return sinks.Delivering{Destination: to, Plan: plan, Options: delivery.Options{When: "final"}}, nil
		},
	}}
}

var queueRows = []string{"queue_interval"}

// deliverAll delivers what the topic of rows has, from the log to the commit.
func deliverAll(tb testing.TB, w *world, rows, each int, s pipelines.Sink, books bool) took {
	tb.Helper()
	file := pipelineOf(tb, nil, nil)
	file.Sinks = []pipelines.Sink{s}
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
	fillRows(tb, p, rows, each)
	goruntime.GC() // what filling left is not the run's to collect
	began, spent := clock.Now(), used()
	if err := p.run(tb.Context(), o.Stages); err != nil {
		tb.Fatal(err)
	}
	return took{wall: clock.Since(began), cpu: used() - spent}
}

// BenchmarkDelivery is rows a second into a destination, from the log to the commit; and what writing every delivery down costs, as a share of
// the same run that writes nothing down, in time and in processor time, the embedded broker's included. Runs of both kinds take turns, and
// the medians of each are compared: the machine may have other work meanwhile.
func BenchmarkDelivery(b *testing.B) {
	const rows, pairs = 100_000, 7
	server := httptest.NewServer(http.HandlerFunc(receiver))
	defer server.Close()
	f := func(name string, to func() *counting) {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b)
			for b.Loop() {
				wall, cpu := map[bool][]float64{}, map[bool][]float64{}
				for n := range 2 * pairs {
					books, d := (n/2+n)%2 == 1, to()
					t := deliverAll(b, w, rows, 500, sinkTo(d, delivery.Plan{Kinds: queueRows, Items: 1000, Concurrency: 4}), books)
					if int(d.rows.Load()) != rows {
						b.Fatalf("%d rows arrived, not %d", d.rows.Load(), rows)
					}
					wall[books], cpu[books] = append(wall[books], t.wall.Seconds()), append(cpu[books], t.cpu.Seconds())
				}
				b.ReportMetric(rows/median(wall[true]), "rows/s")
				b.ReportMetric(rows/median(cpu[true]), "rows/cpu-s")
				b.ReportMetric(100*(median(wall[true])/median(wall[false])-1), "%-time-of-books")
				b.ReportMetric(100*(median(cpu[true])/median(cpu[false])-1), "%-cpu-of-books")
			}
		})
	}
	f("at-once", func() *counting { return &counting{} })
	f("json-over-http", func() *counting { return &counting{url: server.URL} })
	f("50ms", func() *counting { return &counting{took: 50 * time.Millisecond} })
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// BenchmarkBooks is what writing down one delivery takes of the processor, the embedded broker's share included.
func BenchmarkBooks(b *testing.B) {
	w := newWorld(b)
	p, err := open(b.Context(), pipelineOf(b, nil, nil), w.options(true, StageSinks))
	if err != nil {
		b.Fatal(err)
	}
	attempts := make([]schemas.Delivery, 1000)
	for i := range attempts {
		attempts[i] = schemas.Delivery{
			Tenant: "acme", Pipeline: "acme-voice", Sink: "calabrio", RowKey: fmt.Sprint("queue/acme/2026-03-02T09:15:00Z/voice/queue-", i), Revision: int64(2*i + 3),
			Outcome: delivery.Delivered, LatencyMs: 51, Attempt: 1, AttemptedAt: day,
		}
	}
	l := &deliveryLog{p: p, sink: "calabrio", topic: p.topics.rows()}
	spent := used()
	for b.Loop() {
		if err := l.Deliveries(b.Context(), attempts); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((used()-spent).Nanoseconds())/float64(b.N*len(attempts)), "cpu-ns/row")
}

// BenchmarkDeliveryToFiles is rows a second of one day into a file, from the log to the commit.
func BenchmarkDeliveryToFiles(b *testing.B) {
	const rows = 240_000
	for _, ext := range []string{"csv", "jsonl", "parquet"} {
		b.Run(ext, func(b *testing.B) {
			w := newWorld(b)
			for b.Loop() {
				s := pipelines.Sink{Name: "lake", Registration: file.Registration, Options: &file.Config{
					Path: b.TempDir() + "/{kind}/{day}." + ext, Format: "auto", Delimiter: ",", Options: delivery.Options{When: "final", Attempts: 8},
				}}
				t := deliverAll(b, w, rows, rows/96, s, true)
				b.ReportMetric(perSecond(rows, t.wall), "rows/s")
				b.ReportMetric(perSecond(rows, t.cpu), "rows/cpu-s")
			}
		})
	}
}

// slow is a destination by HTTP that answers after a while, and notes how many requests it has meanwhile.
type slow struct {
	answers time.Duration
	limit   int

	mu          sync.Mutex
	has, most   int
	first, last time.Time
	busy        time.Duration // summed up over requests
}

func (s *slow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.change(1)
	defer s.change(-1)
	_, _ = io.Copy(io.Discard, r.Body)
	_ = clock.Sleep(r.Context(), s.answers)
	w.WriteHeader(http.StatusNoContent)
}

func (s *slow) change(by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := clock.Now()
	if s.first.IsZero() {
		s.first, s.last = now, now
	}
	s.busy += time.Duration(s.has) * now.Sub(s.last)
	s.last, s.has = now, s.has+by
	s.most = max(s.most, s.has)
}

// share is how many of the requests that it may have it had, from the first to the last.
func (s *slow) share() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy.Seconds() / (s.last.Sub(s.first).Seconds() * float64(s.limit))
}

// BenchmarkDeliveryToASlowDestination is how much of its limit a destination by HTTP is asked that answers in 50 ms and takes 8 requests at
// once, of so many rows: what it has, on average, from the first request to the last, in percent of 8, the time in which there are not 8 yet included.
func BenchmarkDeliveryToASlowDestination(b *testing.B) {
	const requests, limit = 1_500, 8
	for _, batch := range []int{25, 100} {
		b.Run(fmt.Sprint("by-", batch), func(b *testing.B) {
			w := newWorld(b)
			for b.Loop() {
				to := &slow{answers: 50 * time.Millisecond, limit: limit}
				server := httptest.NewServer(to)
				options := new(httpsink.Options)
				text := fmt.Appendf(nil, "url: %s\nbatch: %d\nconcurrency: %d\nrecords: {queue_interval: {path: rows}}\n", server.URL, batch, limit)
				node, problems := spec.Document("sink.yaml", text)
				if err := spec.Err(append(problems, spec.Decode(node, options, spec.Source{File: "sink.yaml"})...)); err != nil {
					b.Fatal(err)
				}
				rows := requests * batch
				t := deliverAll(b, w, rows, 500, pipelines.Sink{Name: "api", Registration: httpsink.Registration, Options: options}, true)
				server.Close()
				if to.most > limit {
					b.Fatalf("%d requests at once", to.most)
				}
				b.ReportMetric(perSecond(rows, t.wall), "rows/s")
				b.ReportMetric(perSecond(rows, t.cpu), "rows/cpu-s")
				b.ReportMetric(100*to.share(), "%-of-limit")
			}
		})
	}
}
