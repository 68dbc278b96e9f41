package books

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/pipelines"
)

// start runs the pipeline until the test ends it.
func (w *world) start() (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- runtime.Run(ctx, []*pipelines.Pipeline{w.file}, runtime.Options{
			Cluster: w.cluster, Registry: w.registry, Log: slog.New(slog.DiscardHandler), Progress: noProgress{},
			Metrics: observe.NewMetrics(prometheus.NewRegistry()), Now: clock.Now,
		})
	}()
	return func() {
		cancel()
		if err := <-done; err != nil && ctx.Err() == nil {
			w.t.Error(err)
		}
	}
}

// A rebuild beside a run lets the run carry the rows on, and an audit beside it says that the pipeline is at work. Meanwhile facts
// come about the rows that are rebuilt.
func TestRebuildAndAuditBesideARun(t *testing.T) {
	w := newWorld(t)
	w.stage().Late = "side"
	w.history()
	w.contact(call("aside", monday+8*hour)) // final already, and so set aside
	more := make(chan struct{})
	w.steps.all = append(w.steps.all, func(ctx context.Context, out ingest.Out) error {
		for n := 0; ; n++ {
			select {
			case <-more:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(10 * time.Millisecond):
			}
			c := call(fmt.Sprint("more", n), monday+day+8*hour+int64(n%60)*minute)
			if err := out.Contact(ctx, &c); err != nil {
				return err
			}
			if err := out.Commit(ctx, nil); err != nil {
				return err
			}
		}
	})
	stop := w.start()
	defer stop()
	l := w.waitForRows()
	settle := func(ctx context.Context) error { return Follow(ctx, l, noProgress{}, clock.Now) }
	b, err := Rebuild(t.Context(), l, RebuildOptions{Range: Range{monday, monday + 2*day}, Progress: noProgress{}, Settle: settle})
	if err != nil {
		t.Fatal(err)
	}
	if b.TooLate != 1 || !b.Written {
		t.Errorf("too late %d, changed %v", b.TooLate, keysOf(b))
	}
	if n := w.one("SELECT toInt64(sum(offered)) AS n FROM queue_intervals WHERE interval_start < '2026-03-03 00:00:00'"); n != 41 {
		t.Errorf("%d offered, want 41", n)
	}
	for range 2 {
		if r := w.audit(Always); len(r.Imbalances) > 0 {
			t.Errorf("imbalances %q, tables %+v", r.Imbalances, r.Tables)
		}
	}
	close(more)
	if err := settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := w.audit(Always); len(r.Imbalances) > 0 {
		t.Errorf("imbalances %q", r.Imbalances)
	}
}

// waitForRows waits until the run has made rows, and opens its books.
func (w *world) waitForRows() *runtime.Ledger {
	w.t.Helper()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		l, err := runtime.OpenLedger(w.t.Context(), w.file, runtime.LedgerOptions{Cluster: w.cluster, Registry: w.registry, Log: slog.New(slog.DiscardHandler), Now: clock.Now})
		if err != nil {
			continue // the topics are still to be made
		}
		late, err := tooLate(w.t.Context(), l)
		if err == nil && len(late) == 1 && Follow(w.t.Context(), l, noProgress{}, clock.Now) == nil {
			return l
		}
	}
	w.t.Fatal("the run makes no rows")
	return nil
}

func TestNobodyRunsThePipeline(t *testing.T) {
	w := newWorld(t)
	w.history()
	w.run(runtime.StageIngest)
	now := time.Now()
	err := Follow(t.Context(), w.ledger(), noProgress{}, func() time.Time { now = now.Add(time.Minute / 2); return now })
	if err == nil || err.Error() != fmt.Sprintf("stage \"intervals\" of pipeline %q has taken nothing from topic %q for 1m0s, and has 43 records to go: "+
		"nobody seems to run it; start it with `quarterhour run`", w.file.Name, w.file.Name+".contact") {
		t.Error(err)
	}
}

func TestAPipelineThatNeverRan(t *testing.T) {
	w := newWorld(t)
	_, err := runtime.OpenLedger(t.Context(), w.file, runtime.LedgerOptions{Cluster: w.cluster, Registry: w.registry, Log: slog.New(slog.DiscardHandler), Now: clock.Now})
	if want := fmt.Sprintf("topic %q is not there: pipeline %q has not run on this Kafka", w.file.Name+".contact", w.file.Name); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
