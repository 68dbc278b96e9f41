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
	Cluster  *broker.Cluster // nil: what earlier runs spent is not known
	Log      *slog.Logger
	Progress ingest.Progress
	Now      func() time.Time
	Watch    clock.Watch // clock.Wall if nil
}

// CheckSource looks at one source without reading data. What it spends of a budget is written down like all else, unless a run keeps
// the books. A source that has nothing to check reports nothing.
func CheckSource(ctx context.Context, file *pipelines.Pipeline, s pipelines.Source, o CheckOptions, report func(ingest.Finding)) error {
	if s.Registration.Check == nil {
		return nil
	}
	if o.Watch == nil {
		o.Watch = clock.Wall
	}
	keyring := &quota.Keyring{Watch: o.Watch}
	if o.Cluster != nil {
		stored, err := openCursors(ctx, o.Cluster, file, o.Now)
		if err != nil {
			return err
		}
		if stored != nil {
			_, held := stored.held()
			keyring = keyring.With(&checkStore{stored, held})
		}
	}
	p := &pipeline{file: file}
	bounds, err := p.bounds()
	if err != nil {
		return err
	}
	err = s.Registration.Check(ctx, s.Options, ingest.Deps{
		Tenant: file.Tenant, Pipeline: file.Name, Name: s.Name, Zone: file.Zone, Bounds: bounds, Drain: true,
		Log: o.Log.With("source", s.Name), Progress: o.Progress, Now: o.Now, Watch: o.Watch, Keyring: keyring,
	}, report)
	if err != nil {
		return fmt.Errorf("source %q: %w", s.Name, err)
	}
	return nil
}

// checkStore keeps what a check spends, unless a run keeps the books: it would not see what is written here, and write over it.
type checkStore struct {
	*cursors
	held bool
}

func (s *checkStore) Save(ctx context.Context, key string, value []byte) error {
	if s.held {
		return nil
	}
	return s.put(ctx, key, value)
}
