package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/embedded/clickhouse"
	"github.com/quarterhour/quarterhour/internal/embedded/kafka"
	"github.com/quarterhour/quarterhour/internal/embedded/loopback"
	"github.com/quarterhour/quarterhour/internal/embedded/registry"
)

// clickHousePort is tried first, so that the address can be remembered by people: ClickHouse's own HTTP port, with a 1
// before it.
const clickHousePort = 18123

// Options of Start.
type Options struct {
	Dir        string // created where it is not there
	Holder     string // the command, as others are told it: "quarterhour run acme.yaml"
	Kafka      bool   // start Kafka and the schema registry
	ClickHouse bool
	Log        *slog.Logger
}

// Engines are running engines. Those not asked for have no address.
type Engines struct {
	Endpoints

	dir     string
	lock    *lock
	closers []func() error
	once    sync.Once
	err     error
}

// Start takes the folder and starts the engines asked for, side by side. The context bounds the start only. Errors: ErrHeld
// where another process has the folder; otherwise what an engine said, after the others were stopped again.
func Start(ctx context.Context, o Options) (*Engines, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot create the data folder: %w", err)
	}
	lock, err := acquire(ctx, o.Dir, o.Holder)
	if err != nil {
		return nil, err
	}
	e := &Engines{dir: o.Dir, lock: lock}
	crash.Point(crash.FolderHeld)
	err = forget(o.Dir) // what a holder that was killed left behind
	if err == nil {
		err = e.start(ctx, o)
	}
	if err == nil {
		crash.Point(crash.EnginesStarted)
		err = e.publish(o.Dir)
	}
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	crash.Point(crash.EnginesPublished)
	return e, nil
}

func (e *Engines) start(ctx context.Context, o Options) error {
	var mu sync.Mutex
	started := func(set func(), close func() error) {
		mu.Lock()
		defer mu.Unlock()
		set()
		e.closers = append(e.closers, close)
	}
	group, ctx := errgroup.WithContext(ctx)
	if o.Kafka {
		group.Go(func() error {
			s, err := kafka.Start(ctx, kafka.Options{Dir: filepath.Join(o.Dir, "kafka"), Log: o.Log})
			if err == nil {
				started(func() { e.Brokers = []string{s.Addr()} }, s.Close)
			}
			return err
		})
		group.Go(func() error {
			s, err := registry.Start(ctx, registry.Options{Dir: filepath.Join(o.Dir, "registry"), Log: o.Log})
			if err == nil {
				started(func() { e.Registry = s.URL() }, s.Close)
			}
			return err
		})
	}
	if o.ClickHouse {
		group.Go(func() error {
			s, err := startClickHouse(ctx, o)
			if err == nil {
				started(func() { e.ClickHouse = "http://" + s.Addr() }, s.Close)
			}
			return err
		})
	}
	return group.Wait()
}

// startClickHouse starts it where it answered last time, if that port is free. The port is held from then on: another process
// may be starting beside this one.
func startClickHouse(ctx context.Context, o Options) (*clickhouse.Server, error) {
	listener, err := loopback.Listen(ctx, filepath.Join(o.Dir, "clickhouse-address"), clickHousePort)
	if err != nil {
		return nil, err
	}
	s, err := clickhouse.Start(ctx, clickhouse.Options{Dir: filepath.Join(o.Dir, "clickhouse"), Listener: listener, Log: o.Log})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return s, nil
}

// Close stops the engines side by side, once everything they acknowledged is on disk, and gives the folder back. Further
// calls do nothing and return the same error.
func (e *Engines) Close() error {
	e.once.Do(func() {
		crash.Point(crash.EnginesClosing)
		var group errgroup.Group
		errs := make([]error, len(e.closers), len(e.closers)+2)
		for i, c := range e.closers {
			group.Go(func() error { errs[i] = c(); return nil })
		}
		_ = group.Wait() // the errors are in errs, all of them
		crash.Point(crash.EnginesClosed)
		e.err = errors.Join(append(errs, forget(e.dir), e.lock.release())...)
	})
	return e.err
}
