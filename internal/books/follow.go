package books

import (
	"context"
	"fmt"
	"time"

	"github.com/quarterhour/quarterhour/internal/runtime"
)

const (
	followPoll = 100 * time.Millisecond
	// patience is how long a stage may take nothing before nobody seems to run it. A worker that takes a shard over first
	// restores it, which commits nothing.
	patience = time.Minute
)

// Follow returns once the processes that run the pipeline have taken all that its topics hold when it looks, stage by stage.
func Follow(ctx context.Context, l *runtime.Ledger, p Progress, now func() time.Time) error {
	lags, err := l.Lags(ctx)
	if err != nil {
		return err
	}
	for i := range lags {
		if err := follow(ctx, l, i, p, now); err != nil {
			return err
		}
	}
	return nil
}

// follow waits for one stage and topic, by its number among the lags.
func follow(ctx context.Context, l *runtime.Ledger, i int, p Progress, now func() time.Time) error {
	lags, err := l.Lags(ctx)
	if err != nil {
		return err
	}
	target := lags[i]
	first, least, moved := target.Behind(), target.Behind(), now()
	for {
		behind := target.Behind()
		p.Report("wait for "+target.Stage+" of "+target.Topic, first-behind, first, "records")
		if behind == 0 {
			return nil
		}
		if behind < least {
			least, moved = behind, now()
		}
		if now().Sub(moved) > patience {
			return fmt.Errorf("stage %q of pipeline %q has taken nothing from topic %q for %s, and has %d records to go: nobody seems to run it; start it with `quarterhour run`",
				target.Stage, l.Pipeline().Name, target.Topic, patience, behind)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(followPoll):
		}
		if lags, err = l.Lags(ctx); err != nil {
			return err
		}
		target.Committed = lags[i].Committed
	}
}
