package runtime

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/registry"
	"github.com/quarterhour/quarterhour/schemas"
)

// DeadLetters hands the dead letters of every pipeline to each, oldest first within a pipeline, until it returns false. An input
// refused again after a replay comes again. The letter is only valid during the call.
func DeadLetters(ctx context.Context, cluster *broker.Cluster, reg *registry.Client, each func(*schemas.DeadLetter) (more bool)) error {
	names, err := cluster.Topics(ctx)
	if err != nil {
		return err
	}
	reader := newReader(ctx, reg)
	var letter schemas.DeadLetter
	for _, topic := range names {
		if !strings.HasSuffix(topic, topics{}.deadLetters()) {
			continue
		}
		ranges, err := cluster.Offsets(ctx, topic)
		if err != nil {
			return fmt.Errorf("read dead letters: %w", err)
		}
		err = cluster.ReadAll(ctx, topic, 0, ranges[0].First, ranges[0].Next, func(b *broker.Batch) error {
			for _, r := range b.Records {
				e, payload, err := reader.open(r.Value)
				if err == nil {
					err = decode(e, payload, &letter)
				}
				if err != nil {
					return fmt.Errorf("%s/0@%d: %w", topic, r.Offset, err)
				}
				if !each(&letter) {
					return errStopped
				}
			}
			return nil
		})
		if errors.Is(err, errStopped) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read dead letters: %w", err)
		}
	}
	return nil
}

var errStopped = errors.New("stopped")
