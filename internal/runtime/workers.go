package runtime

import (
	"context"
	"slices"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/identity"
)

// Workers are the records of all ids that the pipeline's sources know people by: of each id at least the last with every address and tag
// that it has had.
func (l *Ledger) Workers(ctx context.Context) ([]identity.Fact, error) {
	topic := l.p.topics.fact(workerTopic)
	there, err := l.p.cluster.Topics(ctx)
	if err != nil || !slices.Contains(there, topic) { // the last run was of a version without
		return nil, err
	}
	ranges, err := l.p.cluster.Offsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	reader := newReader(ctx, l.p.registry)
	var all []identity.Fact
	for n, at := range ranges {
		err := l.read(ctx, topic, n, at.First, at.Next, func(r *broker.Record) error {
			value := append([]byte(nil), r.Value...) // strings point into it
			e, payload, err := reader.open(value)
			if err != nil || e.kind != workerKind {
				return err
			}
			f := identity.Fact{At: r.Time.UnixMilli()}
			if err := decode(e, payload, &f.Worker); err != nil {
				return err
			}
			all = append(all, f)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
