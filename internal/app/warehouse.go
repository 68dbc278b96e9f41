package app

import (
	"context"
	"errors"
	"io"

	"github.com/quarterhour/quarterhour/internal/cli"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/internal/warehouse"
	"github.com/quarterhour/quarterhour/schemas"
)

// Query asks the warehouse; the answer is read while it is being made.
func (App) Query(ctx context.Context, s *cli.Session, sql, format string) (*cli.Answer, error) {
	e, err := open(ctx, s, needs{clickhouse: true}, true)
	if err != nil {
		return nil, err
	}
	w, err := warehouse.Open(ctx, warehouse.Config{URL: e.ClickHouse})
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	done := func() error { return errors.Join(w.Close(), e.close()) }
	sql, format = warehouse.SplitFormat(sql, format)
	return &cli.Answer{Format: format, Body: newBody(ctx, w, sql, format, done)}, nil
}

// body is an answer on its way. Its first read says whether the query was understood.
type body struct {
	*io.PipeReader
	stop    context.CancelFunc
	stopped chan struct{}
	done    func() error
}

func newBody(ctx context.Context, w *warehouse.Warehouse, sql, format string, done func() error) *body {
	ctx, stop := context.WithCancel(ctx)
	out, in := io.Pipe()
	b := &body{PipeReader: out, stop: stop, stopped: make(chan struct{}), done: done}
	go func() {
		defer close(b.stopped)
		in.CloseWithError(w.Query(ctx, sql, format, in))
	}()
	return b
}

// Close ends a query that still runs.
func (b *body) Close() error {
	b.stop()
	_ = b.PipeReader.Close() // never fails
	<-b.stopped
	return b.done()
}

// Migrate brings the warehouse's schema to this version.
func (App) Migrate(ctx context.Context, s *cli.Session) (steps []cli.Migration, err error) {
	e, err := open(ctx, s, needs{clickhouse: true}, true)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	w, err := warehouse.Open(ctx, warehouse.Config{URL: e.ClickHouse})
	if err != nil {
		return nil, err
	}
	err = w.Migrate(ctx, func(m warehouse.Migration) {
		steps = append(steps, cli.Migration{Name: m.Name, Outcome: m.Outcome})
	})
	return steps, errors.Join(err, w.Close())
}

// DeadLetters reads what could not be used from Kafka, where it is kept.
func (App) DeadLetters(ctx context.Context, s *cli.Session, each func(*schemas.DeadLetter) (more bool)) (err error) {
	e, err := open(ctx, s, needs{kafka: true}, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	cluster, reg, err := connect(s, e)
	if err != nil {
		return err
	}
	defer cluster.Close()
	return runtime.DeadLetters(ctx, cluster, reg, each)
}
