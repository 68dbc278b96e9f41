package runtime

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/pipelines"
)

// sourceBackoff bounds how long a failing source waits before it is started again.
const sourceBackoff = 2 * time.Minute

// runSources runs every source until each has no more, or ctx ends. Draining, the first failure ends the run; else a failed
// source is started again from its cursor, and the others go on.
func (p *pipeline) runSources(ctx context.Context) error {
	stored, err := p.loadCursors(ctx)
	if err != nil {
		return err
	}
	crash.Point(crash.CursorsLoaded)
	release, err := stored.hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	keyring := p.keyring.With(stored)
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range p.file.Sources {
		group.Go(func() error { return p.runSource(ctx, s, stored, keyring) })
	}
	return group.Wait()
}

func (p *pipeline) runSource(ctx context.Context, s pipelines.Source, stored *cursors, keyring *quota.Keyring) error {
	log := p.log.With("source", s.Name)
	wait := time.Second
	for {
		err := p.runSourceOnce(ctx, s, stored, keyring)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		err = fmt.Errorf("source %q: %w", s.Name, err)
		if p.drain {
			return err
		}
		p.metrics.Stage(StageIngest, s.Name).Error("source")
		log.Error("source failed, starting it again", "err", err, "in", wait)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait + rand.N(wait/2)):
		}
		wait = min(2*wait, sourceBackoff)
	}
}

func (p *pipeline) runSourceOnce(ctx context.Context, s pipelines.Source, stored *cursors, keyring *quota.Keyring) error {
	bounds, err := p.bounds()
	if err != nil {
		return err
	}
	source, err := s.Registration.Open(s.Options, ingest.Deps{
		Tenant: p.file.Tenant, Pipeline: p.file.Name, Name: s.Name, Zone: p.file.Zone, Bounds: bounds, Drain: p.drain,
		Log: p.log.With("source", s.Name), Progress: p.progress, Now: p.now,
		Watch: p.watch, Keyring: keyring, Recall: p.recall(s.Name), Raw: p.keepRaw(s.Name), Metrics: p.metrics.Source(s.Name),
	})
	if err != nil {
		return err
	}
	o := p.newOut(s.Name, stored)
	err = source.Run(ctx, stored.load(s.Name), o)
	if waited := o.wait(); err == nil {
		err = waited
	}
	return err
}
