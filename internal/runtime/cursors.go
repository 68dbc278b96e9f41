package runtime

import (
	"context"
	"fmt"
	"sync"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/crash"
)

// cursors keeps how far each source has read, and what credentials have spent, in a compacted topic: the newest value of a key holds. A
// source's key is its name, in which there is no slash; the others have one.
type cursors struct {
	p      *pipeline
	mu     sync.Mutex
	by     map[string][]byte
	at     map[string]int64 // offset of each
	next   int64            // offset from which the topic has not been read
	wanted sync.Mutex
}

func (p *pipeline) loadCursors(ctx context.Context) (*cursors, error) {
	c := &cursors{p: p, by: map[string][]byte{}, at: map[string]int64{}}
	if err := c.catchUp(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// catchUp reads what others have written since the last time.
func (c *cursors) catchUp(ctx context.Context) error {
	c.wanted.Lock()
	defer c.wanted.Unlock()
	topic := c.p.topics.cursors()
	ranges, err := c.p.cluster.Offsets(ctx, topic)
	if err != nil {
		return fmt.Errorf("read cursors: %w", err)
	}
	err = c.p.cluster.ReadAll(ctx, topic, 0, max(c.next, ranges[0].First), ranges[0].Next, func(b *broker.Batch) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, r := range b.Records {
			c.know(string(r.Key), r.Value, r.Offset)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read cursors: %w", err)
	}
	c.next = ranges[0].Next
	return nil
}

// Load is the newest value of a key, as far as this process knows.
func (c *cursors) Load(key string) []byte { return c.load(key) }

// Reload is the newest value of a key, whoever wrote it.
func (c *cursors) Reload(ctx context.Context, key string) ([]byte, error) {
	if err := c.catchUp(ctx); err != nil {
		return nil, err
	}
	return c.load(key), nil
}

// Save stores a value, and returns once it is safe.
func (c *cursors) Save(ctx context.Context, key string, value []byte) error {
	if err := c.put(ctx, key, value); err != nil {
		return fmt.Errorf("store %q: %w", key, err)
	}
	crash.Point(crash.CredentialStored)
	return nil
}

// put writes a value; nil takes the key away.
func (c *cursors) put(ctx context.Context, key string, value []byte) error {
	record := broker.Record{Key: []byte(key), Value: value, Time: c.p.now()}
	offset, err := c.p.producer.Produce(ctx, c.p.topics.cursors(), 0, []broker.Record{record})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if offset < 0 { // the broker does not know it any more: it is ours, and new
		offset = c.at[key]
	}
	c.know(key, value, offset)
	return nil
}

// know takes on a value, unless a newer one is known. The lock is held.
func (c *cursors) know(key string, value []byte, offset int64) {
	if offset >= c.at[key] {
		c.by[key], c.at[key] = append([]byte(nil), value...), offset
	}
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
	if err := c.put(ctx, source, cursor); err != nil {
		return fmt.Errorf("store cursor of source %q: %w", source, err)
	}
	crash.Point(crash.CursorStored)
	return nil
}
