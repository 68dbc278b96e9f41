package crashtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
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
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// deliveries are kills of a run that delivers to a destination by requests. Before each, calls are added, corrected and withdrawn.
var deliveries = []kill{
	{crash.DeliveryAnswered, 1}, {crash.DeliveryRecorded, 1}, {crash.DeliveryAnswered, 4}, {crash.DeliveryCheckpointed, 1}, {crash.DeliveryRecorded, 3},
	{crash.DeliveryCommitted, 1}, {crash.DeliveryCheckpointed, 2}, {crash.RowsWritten, 1}, {crash.DeliveryAnswered, 2},
}

func TestNothingShowsOfAKillOfADelivery(t *testing.T) {
	t.Parallel()
	w := &world{t: t, data: t.TempDir()}
	path := filepath.Join(w.data, "vendor.json")
	v := vendor{Calls: map[string]call{}}
	now := clock.Now()
	for n, k := range deliveries {
		for i := range 20 {
			v.Calls[fmt.Sprintf("call-%d-%d", n, i)] = call{now.Add(-time.Duration(n*20+i) * time.Minute).UnixMilli(), fmt.Sprint("queue-", i%3)}
		}
		if n > 0 {
			corrected := fmt.Sprintf("call-%d-3", n-1)
			v.Calls[corrected] = call{v.Calls[corrected].At, "service"}
			delete(v.Calls, fmt.Sprintf("call-%d-%d", n-1, 10))
		}
		v = v.swap(t, path)
		if _, killed := w.child("delivered", k.String(), w.data, path); !killed {
			t.Errorf("%s was not reached", k)
		}
		v.Asked = v.read(t, path).Asked
	}
	if _, killed := w.child("delivered", "", w.data, path); killed {
		t.Fatal("killed without being asked to be")
	}
	out, _ := w.child("delivered-read", "", w.data)
	var got delivered
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(got.Rows, got.Holds); d != "" || len(got.Rows) < 30 {
		t.Errorf("%d rows, and the destination does not have their newest revisions (-log +destination):\n%s", len(got.Rows), d)
	}
	for _, problem := range got.Problems {
		t.Error(problem)
	}
}

// delivered is what the log and the destination say.
type delivered struct {
	Rows, Holds map[string]int64
	Problems    []string
}

// wentBack begins what a place notes about a revision that was sent after a newer one.
const wentBack = "went back: "

// place is a destination in a file.
type place struct{ path string }

func (p place) read() (held map[string]int64, err error) {
	held = map[string]int64{}
	text, err := os.ReadFile(p.path)
	if errors.Is(err, os.ErrNotExist) {
		return held, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &held)
	}
	return held, err
}

// Send replaces the file. A revision that goes back is held against the sink.
func (p place) Send(_ context.Context, items []delivery.Item) error {
	held, err := p.read()
	if err != nil {
		return err
	}
	for _, i := range items {
		if i.Revision < held[i.Key] {
			held[wentBack+i.Key] = i.Revision
		}
		held[i.Key] = i.Revision
	}
	text, err := json.Marshal(held)
	if err == nil {
		err = os.WriteFile(p.path+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(p.path+".new", p.path)
	}
	return err
}

func (p place) Close() error { return nil }

func deliveringPipeline(dir string, open func(ingest.Deps) ingest.Source) *pipelines.Pipeline {
	p := polledPipeline(open)
	kinds := []string{"queue_interval", "agent_queue_interval"}
	p.Sinks = []pipelines.Sink{{Name: "api", Registration: sinks.Registration{
		Kinds: func(any) []string { return kinds },
		Deliver: func(context.Context, any, sinks.Deps) (sinks.Delivering, error) {
			return sinks.Delivering{
				Destination: place{filepath.Join(dir, "destination.json")}, Plan: delivery.Plan{Kinds: kinds, Items: 5, Concurrency: 1},
				Options: delivery.Options{When: "provisional", Attempts: 8},
			}, nil
		},
	}}}
	return p
}

// deliver reads all that the vendor has, and delivers what follows.
func deliver(dir, path string) error {
	return withKafka(dir, func(ctx context.Context, cluster *broker.Cluster, reg *registry.Client) error {
		p := deliveringPipeline(dir, func(d ingest.Deps) ingest.Source { return &polledSource{path, d} })
		return runtime.Run(ctx, []*pipelines.Pipeline{p}, runtime.Options{
			Cluster: cluster, Registry: reg, Drain: true, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Progress: quiet{},
			Metrics: observe.NewMetrics(prometheus.NewRegistry()), Now: clock.Now,
		})
	})
}

type quiet struct{}

func (quiet) Report(string, int64, int64, string) {}

// readDelivered writes what log and destination say.
func readDelivered(dir string, out io.Writer) error {
	return withKafka(dir, func(ctx context.Context, cluster *broker.Cluster, reg *registry.Client) error {
		p := deliveringPipeline(dir, nil)
		l, err := runtime.OpenLedger(ctx, p, runtime.LedgerOptions{Cluster: cluster, Registry: reg, Log: slog.New(slog.DiscardHandler), Now: clock.Now})
		if err != nil {
			return err
		}
		got := delivered{Rows: map[string]int64{}}
		d, err := l.OpenSink(ctx, p.Sinks[0], clock.Wall)
		if err != nil {
			return err
		}
		err = l.Deliveries(ctx, p.Sinks[0], &d, nil, func(r *runtime.Delivered) error {
			got.Rows[r.Item.Key] = r.Item.Revision
			if r.State != runtime.StateDelivered {
				got.Problems = append(got.Problems, fmt.Sprintf("%s is %s in the books", r.Item.Key, r.State))
			}
			return nil
		})
		if err != nil {
			return err
		}
		if got.Holds, err = (place{filepath.Join(dir, "destination.json")}).read(); err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(got)
	})
}
