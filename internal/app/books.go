package app

import (
	"context"
	"errors"

	"github.com/quarterhour/quarterhour/internal/books"
	"github.com/quarterhour/quarterhour/internal/cli"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/embedded"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/pipelines"
)

// library is what the commands that read the log again work with.
type library struct {
	*engines
	alone bool // nobody else can be running the pipelines now
	open  func(*pipelines.Pipeline) (*runtime.Ledger, error)
}

// openLibrary brings up the engines, or uses those of a process that runs beside this one.
func openLibrary(ctx context.Context, s *cli.Session) (*library, error) {
	_, attached := embedded.Attach(s.System.Data)
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
	return &library{engines: e, alone: s.System.EmbeddedKafka() && !attached, open: func(p *pipelines.Pipeline) (*runtime.Ledger, error) {
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

// settle lets a pipeline's stages take all that its topics hold: those of the processes that run it, or, where there can be
// none, stages of our own.
func (lib *library) settle(s *cli.Session, p *pipelines.Pipeline, l *runtime.Ledger) func(context.Context) error {
	return func(ctx context.Context) error {
		if !lib.alone {
			return books.Follow(ctx, l, s.Progress, clock.Now)
		}
		quiet := *s
		quiet.System.HTTP.Addr = "off"
		return run(ctx, &quiet, lib.engines, []*pipelines.Pipeline{p},
			cli.RunOptions{Drain: true, Stages: []string{runtime.StageIntervals, runtime.StageMerge, runtime.StageSinks}})
	}
}
