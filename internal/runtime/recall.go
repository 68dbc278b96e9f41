package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// recall reads back what a source has handed over.
func (p *pipeline) recall(source string) ingest.Recall {
	return func(ctx context.Context, kind string, since time.Time, each func(fact any)) error {
		r := &recaller{reader: newReader(ctx, p.registry), source: source, kind: kind, each: each}
		if kind == transform.FactInterval {
			r.prefix = []byte(transform.ReportedShard(source) + "\x00")
		}
		at := clock.Machine(p.watch, since)
		topic := p.topics.fact(kind)
		ranges, err := p.cluster.Offsets(ctx, topic)
		if err != nil {
			return err
		}
		starts, err := p.cluster.OffsetsSince(ctx, topic, at)
		if err != nil {
			return err
		}
		for n, there := range ranges {
			err := p.cluster.ReadAll(ctx, topic, n, max(starts[n], there.First), there.Next, r.batch)
			if err != nil {
				return fmt.Errorf("read %s/%d: %w", topic, n, err)
			}
		}
		return nil
	}
}

// recaller finds the facts of one source in a log.
type recaller struct {
	reader *reader
	source string
	kind   string
	prefix []byte // of the keys wanted
	each   func(fact any)

	contact schemas.Contact
	state   schemas.AgentState
	shift   schemas.Shift
	worker  schemas.Worker
	queue   schemas.QueueInterval
	pair    schemas.AgentQueueInterval
	agent   schemas.AgentInterval
}

func (r *recaller) batch(b *broker.Batch) error {
	for i := range b.Records {
		if !bytes.HasPrefix(b.Records[i].Key, r.prefix) {
			continue
		}
		if err := r.record(b.Records[i].Value); errors.Is(err, errAway) {
			return fmt.Errorf("offset %d: %w", b.Records[i].Offset, err)
		} // what cannot be decoded was not written by us
	}
	return nil
}

func (r *recaller) record(value []byte) error {
	e, payload, err := r.reader.open(value)
	if err != nil {
		return err
	}
	switch e.kind {
	case contactKind:
		return recalled(r, e, payload, &r.contact, &r.contact.Source, contactTopic)
	case agentStateKind:
		return recalled(r, e, payload, &r.state, &r.state.Source, agentStateTopic)
	case shiftKind:
		return recalled(r, e, payload, &r.shift, &r.shift.Source, "shift")
	case workerKind:
		return recalled(r, e, payload, &r.worker, &r.worker.Source, workerTopic)
	case queueKind:
		return recalled(r, e, payload, &r.queue, &r.source, transform.FactInterval)
	case agentQueueKind:
		return recalled(r, e, payload, &r.pair, &r.source, transform.FactInterval)
	case agentKind:
		return recalled(r, e, payload, &r.agent, &r.source, transform.FactInterval)
	}
	return nil
}

func recalled[T schemas.Record](r *recaller, e entry, payload []byte, fact *T, source *string, kind string) error {
	if kind != r.kind {
		return nil
	}
	if err := decode(e, payload, fact); err != nil {
		return err
	}
	if *source == r.source {
		r.each(fact)
	}
	return nil
}
