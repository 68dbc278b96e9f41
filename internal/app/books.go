package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/quarterhour/quarterhour/internal/books"
	"github.com/quarterhour/quarterhour/internal/cli"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/internal/warehouse"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/sinks/clickhouse"
	"github.com/quarterhour/quarterhour/transform"
)

// library is what the commands that read the log again work with.
type library struct {
	*engines
	alone bool // nobody else can be running the pipelines now
	open  func(*pipelines.Pipeline) (*runtime.Ledger, error)
}

// openLibrary brings up the engines, or uses those of a process that runs beside this one.
func openLibrary(ctx context.Context, s *cli.Session) (*library, error) {
	e, err := open(ctx, s, needs{kafka: true, clickhouse: true}, true)
	if err != nil {
		return nil, err
	}
	cluster, reg, err := connect(s, e)
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	closeEngines := e.close
	e.close = func() error { cluster.Close(); return closeEngines() }
	return &library{engines: e, alone: s.System.EmbeddedKafka() && e.own, open: func(p *pipelines.Pipeline) (*runtime.Ledger, error) {
		return runtime.OpenLedger(ctx, p, runtime.LedgerOptions{Cluster: cluster, Registry: reg, Log: s.Log, Now: clock.Now})
	}}, nil
}

// Rebuild computes rows of the past anew.
func (App) Rebuild(ctx context.Context, s *cli.Session, list []*pipelines.Pipeline, ranges []books.Range, try bool) (all []*books.Rebuilt, err error) {
	lib, err := openLibrary(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lib.close()) }()
	for i, p := range list {
		ledger, err := lib.open(p)
		if err != nil {
			return all, err
		}
		b, err := books.Rebuild(ctx, ledger, books.RebuildOptions{
			Range: ranges[i], Try: try, Progress: s.Progress, Settle: lib.settle(s, p, ledger),
		})
		if err != nil {
			return all, err
		}
		all = append(all, b)
	}
	return all, nil
}

// Explain finds the facts behind a row, in the first of the pipelines that has it.
func (App) Explain(ctx context.Context, s *cli.Session, list []*pipelines.Pipeline, key string) (e *books.Explanation, err error) {
	lib, err := openLibrary(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lib.close()) }()
	for _, p := range list {
		k, err := books.ParseKey(key, p)
		if err != nil {
			return nil, err
		}
		e, err := lib.explain(ctx, s, p, k)
		var none *books.NoRowError
		if errors.As(err, &none) && p != list[len(list)-1] {
			continue
		}
		return e, err
	}
	return nil, errors.New("no pipeline was given")
}

func (lib *library) explain(ctx context.Context, s *cli.Session, p *pipelines.Pipeline, k transform.Key) (e *books.Explanation, err error) {
	ledger, err := lib.open(p)
	if err != nil {
		return nil, err
	}
	shelves, done, err := lib.shelves(ctx, p)
	defer func() { err = errors.Join(err, done()) }()
	if err != nil {
		return nil, err
	}
	return books.Explain(ctx, ledger, k, books.ExplainOptions{Progress: s.Progress, Shelves: shelves})
}

// Audit checks the books of each pipeline.
func (App) Audit(ctx context.Context, s *cli.Session, list []*pipelines.Pipeline, ranges []books.Range) (all []*books.Report, err error) {
	lib, err := openLibrary(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lib.close()) }()
	for i, p := range list {
		report, err := lib.audit(ctx, s, p, ranges[i])
		if err != nil {
			return all, err
		}
		all = append(all, report)
	}
	return all, nil
}

func (lib *library) audit(ctx context.Context, s *cli.Session, p *pipelines.Pipeline, r books.Range) (report *books.Report, err error) {
	ledger, err := lib.open(p)
	if err != nil {
		return nil, err
	}
	shelves, done, err := lib.shelves(ctx, p)
	defer func() { err = errors.Join(err, done()) }()
	if err != nil {
		return nil, err
	}
	return books.Audit(ctx, ledger, books.AuditOptions{Range: r, Progress: s.Progress, Shelves: shelves})
}

// shelves opens the tables that the pipeline's sinks keep in ClickHouse; done closes them.
func (lib *library) shelves(ctx context.Context, p *pipelines.Pipeline) (all []books.Shelf, done func() error, err error) {
	done = func() (err error) {
		for _, s := range all {
			err = errors.Join(err, s.Warehouse.Close())
		}
		return err
	}
	for _, sink := range p.Sinks {
		options, ok := sink.Options.(*clickhouse.Config)
		if !ok {
			continue
		}
		w, err := warehouse.Open(ctx, warehouse.Config{URL: cmp.Or(options.URL, lib.ClickHouse), Database: options.Database})
		if err != nil {
			return all, done, fmt.Errorf("sink %q: %w", sink.Name, err)
		}
		all = append(all, books.Shelf{Sink: sink.Name, Warehouse: w})
	}
	return all, done, nil
}

// settle lets a pipeline's stages take all that its topics hold: those of the processes that run it, or, where there can be
// none, stages of our own.
func (lib *library) settle(s *cli.Session, p *pipelines.Pipeline, l *runtime.Ledger) func(context.Context) error {
	return func(ctx context.Context) error {
		if !lib.alone {
			return books.Follow(ctx, l, s.Progress, clock.Now)
		}
		quiet := *s
		quiet.System.HTTP.Addr = "off"
		return run(ctx, &quiet, lib.engines, []*pipelines.Pipeline{p}, runOptions{watch: clock.Wall,
			RunOptions: cli.RunOptions{Drain: true, Stages: []string{runtime.StageIntervals, runtime.StageMerge, runtime.StageSinks}}})
	}
}
