package runtime

import (
	"context"
	"fmt"
	"sync"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/crash"
)

// cursors keeps how far each source has read, in a compacted topic: the newest value of a source's key holds.
type cursors struct {
	p  *pipeline
	mu sync.Mutex
	by map[string][]byte
}

func (p *pipeline) loadCursors(ctx context.Context) (*cursors, error) {
	c := &cursors{p: p, by: map[string][]byte{}}
	ranges, err := p.cluster.Offsets(ctx, p.topics.cursors())
	if err != nil {
		return nil, fmt.Errorf("read cursors: %w", err)
	}
	err = p.cluster.ReadAll(ctx, p.topics.cursors(), 0, ranges[0].First, ranges[0].Next, func(b *broker.Batch) error {
		for _, r := range b.Records {
			c.by[string(r.Key)] = append([]byte(nil), r.Value...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read cursors: %w", err)
	}
	return c, nil
}

func (c *cursors) load(source string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by[source]
}

func (c *cursors) store(ctx context.Context, source string, cursor []byte) error {
	if cursor == nil {
		return nil
	}
	crash.Point(crash.CursorDue)
	record := broker.Record{Key: []byte(source), Value: cursor, Time: c.p.now()}
	if _, err := c.p.producer.Produce(ctx, c.p.topics.cursors(), 0, []broker.Record{record}); err != nil {
		return fmt.Errorf("store cursor of source %q: %w", source, err)
	}
	crash.Point(crash.CursorStored)
	c.mu.Lock()
	c.by[source] = append([]byte(nil), cursor...)
	c.mu.Unlock()
	return nil
}
