package crashtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/internal/registry"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/sqs"
	"github.com/quarterhour/quarterhour/sinks/sqs/sqstest"
)

// queued are kills of a run that delivers by way of an SQS queue, each chain with a queue of its own. Before each, calls are added,
// corrected and withdrawn, one of them to a queue that the destination does not know.
var queued = map[string][]kill{
	"standard": {{crash.QueueFilled, 2}, {crash.QueuePosted, 1}, {crash.QueueRecorded, 2}, {crash.QueuePutBack, 1}, {crash.QueueReceived, 2}, {crash.QueueDeleted, 1}},
	"fifo":     {{crash.QueueReceived, 1}, {crash.QueueDeleted, 1}, {crash.QueueLettersWritten, 1}, {crash.QueuePosted, 3}, {crash.QueueFilled, 1}, {crash.QueueRecorded, 1}},
}

// unknown is the queue of the contact centre that the destination does not know.
const unknown = "nobody"

func TestNothingShowsOfAKillBehindAQueue(t *testing.T) {
	t.Parallel()
	for name, kills := range queued {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			queue := sqstest.Start(t).Queue(t, sqstest.Options{FIFO: name == "fifo", MaxReceives: 6})
			w := &world{t: t, data: t.TempDir()}
			path := filepath.Join(w.data, "vendor.json")
			v := vendor{Calls: map[string]call{}}
			now := clock.Now()
			for n, k := range kills {
				for i := range 12 {
					v.Calls[fmt.Sprintf("call-%d-%d", n, i)] = call{now.Add(-time.Duration(n*12+i) * 3 * time.Minute).UnixMilli(), fmt.Sprint("queue-", i%3)}
				}
				v.Calls[fmt.Sprintf("call-%d-bad", n)] = call{now.Add(-time.Duration(n*12) * 3 * time.Minute).UnixMilli(), unknown}
				if n > 0 {
					corrected := fmt.Sprintf("call-%d-3", n-1)
					v.Calls[corrected] = call{v.Calls[corrected].At, "service"}
					delete(v.Calls, fmt.Sprintf("call-%d-%d", n-1, 5))
				}
				v = v.swap(t, path)
				if _, killed := w.child("queued", k.String(), w.data, path, queue.URL); !killed {
					t.Errorf("%s was not reached", k)
				}
				v.Asked = v.read(t, path).Asked
			}
			if _, killed := w.child("queued", "", w.data, path, queue.URL); killed {
				t.Fatal("killed without being asked to be")
			}
			out, _ := w.child("queued-read", "", w.data, path, queue.URL)
			w.checkQueued(out, queue)
		})
	}
}

// checkQueued asks that the destination has the newest revision of every row that it takes, and that the others are in nobody's way.
func (w *world) checkQueued(out []byte, queue *sqstest.Queue) {
	w.t.Helper()
	var got queuedBooks
	if err := json.Unmarshal(out, &got); err != nil {
		w.t.Fatal(err)
	}
	if d := cmp.Diff(got.Rows, got.Holds); d != "" || len(got.Rows) < 20 {
		w.t.Errorf("%d rows, and the destination does not have their newest revisions (-log +destination):\n%s", len(got.Rows), d)
	}
	if len(got.Dead) == 0 || !cmp.Equal(got.Dead, got.Letters) {
		w.t.Errorf("dead in the books, and as dead letters (-books +letters):\n%s", cmp.Diff(got.Dead, got.Letters))
	}
	for _, problem := range got.Problems {
		w.t.Error(problem)
	}
	if visible, hidden := queue.Counts(w.t); visible+hidden > 0 {
		w.t.Errorf("%d messages are left in the queue", visible+hidden)
	}
	if visible, _ := queue.Dead.Counts(w.t); visible < len(got.Dead) {
		w.t.Errorf("%d messages are in the dead-letter queue, and %d records are dead", visible, len(got.Dead))
	}
}

// queuedBooks is what the log and the destination say.
type queuedBooks struct {
	Rows, Holds   map[string]int64 // that the destination takes
	Dead, Letters []string         // keys and revisions
	Problems      []string
}

// choosy is a place that does not take everything.
type choosy struct{ place }

func (c choosy) Send(ctx context.Context, items []delivery.Item) error {
	refused := &delivery.Refused{}
	var taken []delivery.Item
	for n, i := range items {
		if strings.Contains(i.Key, "/"+unknown+"/") {
			refused.Items = append(refused.Items, delivery.RefusedItem{Index: n, Reason: "unknown_queue", Detail: "nobody knows it"})
		} else {
			taken = append(taken, i)
		}
	}
	if err := c.place.Send(ctx, taken); err != nil || len(refused.Items) == 0 {
		return err
	}
	return refused
}

type viaOptions struct{ delivery.Options }

// queuedPipeline delivers to a place from a queue.
func queuedPipeline(dir, url string, open func(ingest.Deps) ingest.Source) *pipelines.Pipeline {
	p := polledPipeline(open)
	kinds := []string{"queue_interval"}
	options := delivery.Options{When: "provisional", Attempts: 8, Kinds: kinds}
	p.Sinks = []pipelines.Sink{
		{Name: "queue", Registration: sqs.Registration, Options: &sqs.Config{
			Queue: url, Endpoint: url[:strings.Index(url, "/0")], Region: "us-east-1", AccessKey: "test", SecretKey: "test", Group: "queue", MaxBytes: 262144,
			Timeout: 10 * time.Second, Inbox: sqs.Reading{Visibility: 2 * time.Second}, Options: options,
		}},
		{Name: "api", Options: &viaOptions{delivery.Options{Via: "queue"}}, Registration: sinks.Registration{
			Kinds: func(any) []string { return kinds },
			Deliver: func(context.Context, any, sinks.Deps) (sinks.Delivering, error) {
				to := choosy{place{filepath.Join(dir, "destination.json")}}
				return sinks.Delivering{Destination: to, Plan: delivery.Plan{Kinds: kinds, Items: 5, Concurrency: 1}, Options: options}, nil
			},
		}},
	}
	return p
}

// deliverQueued reads all that the vendor has, and delivers what follows by way of the queue.
func deliverQueued(dir, path, url string) error {
	return withKafka(dir, func(ctx context.Context, cluster *broker.Cluster, reg *registry.Client) error {
		p := queuedPipeline(dir, url, func(d ingest.Deps) ingest.Source { return &polledSource{path, d} })
		return runtime.Run(ctx, []*pipelines.Pipeline{p}, runtime.Options{
			Cluster: cluster, Registry: reg, Drain: true, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Progress: quiet{},
			Metrics: observe.NewMetrics(prometheus.NewRegistry()), Now: clock.Now,
		})
	})
}

// readQueued writes what log and destination say.
func readQueued(dir, url string, out io.Writer) error {
	return withKafka(dir, func(ctx context.Context, cluster *broker.Cluster, reg *registry.Client) error {
		p := queuedPipeline(dir, url, nil)
		l, err := runtime.OpenLedger(ctx, p, runtime.LedgerOptions{Cluster: cluster, Registry: reg, Log: slog.New(slog.DiscardHandler), Now: clock.Now})
		if err != nil {
			return err
		}
		got := queuedBooks{Rows: map[string]int64{}}
		if err := got.read(ctx, l, p); err != nil {
			return err
		}
		if got.Holds, err = (place{filepath.Join(dir, "destination.json")}).read(); err != nil {
			return err
		}
		for key := range got.Holds { // after a kill between post and entry an older revision may be posted before the newer one is again
			if strings.HasPrefix(key, wentBack) {
				delete(got.Holds, key)
			}
		}
		return json.NewEncoder(out).Encode(got)
	})
}

func (b *queuedBooks) read(ctx context.Context, l *runtime.Ledger, p *pipelines.Pipeline) error {
	for _, s := range p.Sinks {
		d, err := l.OpenSink(ctx, s, clock.Wall)
		if err != nil {
			return err
		}
		err = l.Deliveries(ctx, s, &d, nil, func(r *runtime.Delivered) error {
			at := fmt.Sprintf("%s@%d", r.Item.Key, r.Item.Revision)
			switch bad := strings.Contains(r.Item.Key, "/"+unknown+"/"); {
			case s.Name == "api" && bad && r.State == runtime.StateDead:
				b.Dead = append(b.Dead, at)
			case s.Name == "api" && !bad && r.State == runtime.StateDelivered:
				b.Rows[r.Item.Key] = r.Item.Revision
			case s.Name == "api" || r.State != runtime.StateDelivered:
				b.Problems = append(b.Problems, fmt.Sprintf("%s is %s in the books of %s", at, r.State, s.Name))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	newest := map[string]bool{}
	for _, at := range b.Dead {
		newest[at] = true
	}
	err := l.DeadLetters(ctx, func(d *schemas.DeadLetter) error {
		if d.Stage == "sink" && d.Source == "api" && d.Reason == "unknown_queue" && newest[d.Location] { // not of revisions before
			b.Letters = append(b.Letters, strings.Clone(d.Location))
			delete(newest, d.Location)
		}
		return nil
	})
	slices.Sort(b.Dead)
	slices.Sort(b.Letters)
	return err
}
