package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/pipelines"
)

// CheckOptions is what CheckSource needs besides the source.
type CheckOptions struct {
	Cluster *broker.Cluster // nil: what earlier runs spent is not known
	// Kafka reaches the pipeline's Kafka where Cluster is nil and there is something that must be kept. nil: it cannot be reached.
	Kafka    func(context.Context) (*broker.Cluster, error)
	Keyring  *quota.Keyring // shared by the checks of one command: what one was refused the next does not try; nil: none is
	Log      *slog.Logger
	Progress ingest.Progress
	Now      func() time.Time
	Watch    clock.Watch // clock.Wall if nil
}

// CheckSource looks at one source without reading data. What it spends of a budget is written down like all else, unless a run keeps
// the books; that a vendor refused a credential is written down in any case, so that no check after it tries again. A source that has
// nothing to check reports nothing. Nothing is asked with a credential that takes one request at a time while a run uses it: what the run
// has stored is told instead.
func CheckSource(ctx context.Context, file *pipelines.Pipeline, s pipelines.Source, o CheckOptions, report func(ingest.Finding)) error {
	if s.Registration.Check == nil {
		return nil
	}
	if o.Watch == nil {
		o.Watch = clock.Wall
	}
	if o.Keyring == nil {
		o.Keyring = &quota.Keyring{Watch: o.Watch}
	}
	store := &checkStore{file: file, o: &o}
	if o.Cluster != nil {
		run, err := runBeside(ctx, o.Cluster, file, s, o.Now)
		if err != nil {
			return err
		}
		if run != nil {
			run.tell(s.Name, o.Watch.Now(), report)
			return nil
		}
		if err := store.open(ctx, o.Cluster); err != nil {
			return err
		}
	}
	p := &pipeline{file: file}
	bounds, err := p.bounds()
	if err != nil {
		return err
	}
	err = s.Registration.Check(ctx, s.Options, ingest.Deps{
		Tenant: file.Tenant, Pipeline: file.Name, Name: s.Name, Zone: file.Zone, Bounds: bounds, Drain: true,
		Log: o.Log.With("source", s.Name), Progress: o.Progress, Now: o.Now, Watch: o.Watch, Keyring: o.Keyring.With(store),
	}, report)
	store.tell(report)
	if err != nil {
		return fmt.Errorf("source %q: %w", s.Name, err)
	}
	return nil
}
