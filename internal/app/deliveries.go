package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/quarterhour/quarterhour/internal/books"
	"github.com/quarterhour/quarterhour/internal/cli"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
)

// openLog reaches Kafka, to read or write what pipelines keep there.
func openLog(ctx context.Context, s *cli.Session) (*runtime.Morgue, func() error, error) {
	e, err := open(ctx, s, needs{kafka: true}, true)
	if err != nil {
		return nil, nil, err
	}
	cluster, reg, err := connect(s, e)
	if err != nil {
		return nil, nil, errors.Join(err, e.close())
	}
	return &runtime.Morgue{Cluster: cluster, Registry: reg, Now: clock.Now, Progress: s.Progress}, func() error { cluster.Close(); return e.close() }, nil
}

// Deliveries says how the deliveries of every sink stand, or of one, each day or on one.
func (App) Deliveries(ctx context.Context, s *cli.Session, list []*pipelines.Pipeline, only, day string, each func(string, *runtime.DeliveryDay) error) (err error) {
	watch, err := sourceWatch()
	if err != nil {
		return err
	}
	log, done, err := openLog(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	for _, p := range list {
		ledger, err := runtime.OpenLedger(ctx, p, runtime.LedgerOptions{Cluster: log.Cluster, Registry: log.Registry, Log: s.Log, Now: clock.Now})
		if err != nil {
			return err
		}
		for _, sink := range ledger.DeliverySinks() {
			if only != "" && sink.Name != only {
				continue
			}
			days, err := ledger.DeliveryDays(ctx, sink, watch, day)
			if err != nil {
				return fmt.Errorf("pipeline %q: %w", p.Name, err)
			}
			for _, d := range days {
				if err := each(p.Name, d); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Verify reads back what sinks have delivered.
func (App) Verify(ctx context.Context, s *cli.Session, p *pipelines.Pipeline, name string, r books.Range) (all []*runtime.Verified, err error) {
	watch, err := sourceWatch()
	if err != nil {
		return nil, err
	}
	log, done, err := openLog(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	ledger, err := runtime.OpenLedger(ctx, p, runtime.LedgerOptions{Cluster: log.Cluster, Registry: log.Registry, Log: s.Log, Now: clock.Now})
	if err != nil {
		return nil, err
	}
	wanted := func(at int64) bool { return at >= r.From && at < r.To }
	for _, sink := range ledger.DeliverySinks() {
		if name != "" && sink.Name != name {
			continue
		}
		v, err := ledger.Verify(ctx, sink, runtime.VerifyOptions{Wanted: wanted, Watch: watch})
		if err != nil {
			return nil, fmt.Errorf("pipeline %q: %w", p.Name, err)
		}
		all = append(all, v)
	}
	return all, nil
}

// UnlockSink makes the refused credentials of a delivering sink usable again, and names them.
func (App) UnlockSink(ctx context.Context, s *cli.Session, p *pipelines.Pipeline, name string) (unlocked []string, err error) {
	i := slices.IndexFunc(p.Sinks, func(one pipelines.Sink) bool { return one.Name == name && one.Registration.Deliver != nil })
	if i < 0 {
		return nil, fmt.Errorf("pipeline %q has no sink %q that delivers by requests", p.Name, name)
	}
	names, err := runtime.SinkCredentialNames(ctx, p, p.Sinks[i])
	if err != nil {
		return nil, err
	}
	cluster, done, err := openKafka(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	for _, credential := range names {
		ok, err := runtime.Unlock(ctx, cluster, p, credential, clock.Now)
		if err != nil {
			return unlocked, fmt.Errorf("credential %q: %w", credential, err)
		}
		if ok {
			unlocked = append(unlocked, credential)
		}
	}
	return unlocked, nil
}

// Redrive lets sinks try again what they could not deliver.
func (App) Redrive(ctx context.Context, s *cli.Session, letters []*schemas.DeadLetter, each func(*schemas.DeadLetter, runtime.Redriven)) (err error) {
	log, done, err := openLog(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return log.RedriveAll(ctx, letters, each)
}

// Discard lists dead letters no more.
func (App) Discard(ctx context.Context, s *cli.Session, letters []*schemas.DeadLetter) (err error) {
	log, done, err := openLog(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return log.Discard(ctx, letters...)
}
