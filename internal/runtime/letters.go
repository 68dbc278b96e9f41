package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/registry"
	"github.com/quarterhour/quarterhour/schemas"
)

// DeadLetters hands the dead letters of every pipeline to each, oldest first within a pipeline, until it returns false. An input
// refused again after a replay comes again; what was redriven or discarded since does not. The letter is only valid during the call.
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
		done, err := lettersDone(ctx, cluster, topic, ranges[0])
		if err != nil {
			return fmt.Errorf("read dead letters: %w", err)
		}
		err = cluster.ReadAll(ctx, topic, 0, ranges[0].First, ranges[0].Next, func(b *broker.Batch) error {
			for _, r := range b.Records {
				if at, ok := done[string(r.Key)]; ok && r.Offset <= at {
					continue
				}
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

// lettersDone says, by their keys, of which letters people are done with those up to an offset.
func lettersDone(ctx context.Context, cluster *broker.Cluster, topic string, at broker.Range) (map[string]int64, error) {
	done := map[string]int64{}
	return done, cluster.ReadAll(ctx, topic, 0, at.First, at.Next, func(b *broker.Batch) error {
		for _, r := range b.Records {
			if slices.ContainsFunc(r.Headers, func(h broker.Header) bool { return h.Key == doneHeader }) {
				done[string(r.Key)] = r.Offset
			}
		}
		return nil
	})
}
