package runtime

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/identity"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
)

// listSource hands over workers, one after the other.
type listSource []schemas.Worker

func (s listSource) Run(ctx context.Context, _ []byte, out ingest.Out) error {
	for _, w := range s {
		if err := out.Worker(ctx, &w); err != nil {
			return err
		}
	}
	return out.Commit(ctx, []byte("1"))
}

// workerSink keeps the workers it is given, and what it was told about them.
type workerSink struct {
	mu      sync.Mutex
	workers []string
	aliases map[string]string
}

func (s *workerSink) Write(_ context.Context, b *sinks.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range b.Workers {
		s.workers = append(s.workers, w.Record.Tenant+" "+w.Record.Source+" "+w.Record.WorkerID+" "+w.Record.Email+" "+w.Record.Tag)
	}
	return nil
}

func (s *workerSink) Close() error { return nil }

func TestWorkersReachTheLogAndTheSinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sink := &workerSink{}
	file := pipelineOf(t, nil, nil)
	file.Identity = identity.Settings{Aliases: map[string][]string{"Jane@x": {"J@x"}}}
	file.Sources[0].Registration.Facts = func(any) []string { return nil }
	file.Sources[0].Registration.Open = func(any, ingest.Deps) (ingest.Source, error) {
		return listSource{
			{WorkerID: "1", Email: " Jane@X", Name: "Jane", Revision: 1, Active: true}, {WorkerID: "1", Email: "joe@x", Revision: 2, Active: true},
			{WorkerID: "2", Tag: "A17", Revision: 1, Active: true}, {WorkerID: "2", Retracted: true, Revision: 2},
		}, nil
	}
	file.Sinks = []pipelines.Sink{{Name: "tables", Registration: sinks.Registration{
		Facts: true, Open: func(_ context.Context, _ any, d sinks.Deps) (sinks.Sink, error) {
			sink.aliases = d.Aliases
			return sink, nil
		},
	}}}
	if err := w.run(t.Context(), file, true); err != nil {
		t.Fatal(err)
	}
	want := []string{"acme list 1 jane@x ", "acme list 1 joe@x ", "acme list 2  ", "acme list 2  a17"}
	slices.Sort(sink.workers)
	if diff := cmp.Diff(want, sink.workers); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"j@x": "jane@x"}, sink.aliases); diff != "" {
		t.Error(diff)
	}

	ledger, err := OpenLedger(t.Context(), file, LedgerOptions{Cluster: w.cluster, Registry: w.registry, Log: slog.New(slog.DiscardHandler), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	facts, err := ledger.Workers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range facts {
		got = append(got, f.Tenant+" "+f.Source+" "+f.WorkerID+" "+f.Email+" "+f.Tag)
		if at := time.UnixMilli(f.At); clock.Now().Sub(at).Abs() > time.Hour {
			t.Errorf("%s arrived at %s", f.WorkerID, at)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestCompactionKeepsEveryAddress: the newest record of each key is all that Kafka promises to keep. It tells that an id has changed.
func TestCompactionKeepsEveryAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := pipelineOf(t, nil, newTableSink())
	file.Sources[0].Registration.Facts = func(any) []string { return nil }
	file.Sources[0].Registration.Open = func(any, ingest.Deps) (ingest.Source, error) {
		return listSource{
			{WorkerID: "1", Email: "jane@x", Name: "Jane", Revision: 1, Active: true}, {WorkerID: "1", Email: "jane@x", Name: "Jane Doe", Revision: 2, Active: true},
			{WorkerID: "1", Email: "joe@x", Name: "Joe", Revision: 3, Active: true}, {WorkerID: "1", Email: "joe@x", Name: "Joe", Revision: 4},
		}, nil
	}
	if err := w.run(t.Context(), file, true); err != nil {
		t.Fatal(err)
	}
	topic := topics{file.Name}.fact(workerTopic)
	ranges, err := w.cluster.Offsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	newest := map[string]string{}
	reader := newReader(t.Context(), w.registry)
	for n, r := range ranges {
		err := w.cluster.ReadAll(t.Context(), topic, n, r.First, r.Next, func(b *broker.Batch) error {
			for _, m := range b.Records {
				var f schemas.Worker
				e, payload, err := reader.open(append([]byte(nil), m.Value...))
				if err == nil {
					err = decode(e, payload, &f)
				}
				if err != nil {
					return err
				}
				newest[string(m.Key)] = f.Name
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{"acme\x00list\x001\x00jane@x\x00": "Jane Doe", "acme\x00list\x001\x00joe@x\x00": "Joe"}
	if diff := cmp.Diff(want, newest); diff != "" {
		t.Error(diff)
	}
}
