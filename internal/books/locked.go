package books

import (
	"sync"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// locked lets several shards hand their partials to one tally.
type locked struct {
	mu sync.Mutex
	t  *tally
}

func (l *locked) of(shard string) transform.Emitter { return lockedEmitter{l, l.t.of(shard)} }

type lockedEmitter struct {
	l  *locked
	to transform.Emitter
}

func (e lockedEmitter) Queue(r *schemas.QueueInterval) error {
	if !e.l.t.rows.has(r.IntervalStart) {
		return nil
	}
	e.l.mu.Lock()
	defer e.l.mu.Unlock()
	return e.to.Queue(r)
}

func (e lockedEmitter) AgentQueue(r *schemas.AgentQueueInterval) error {
	if !e.l.t.rows.has(r.IntervalStart) {
		return nil
	}
	e.l.mu.Lock()
	defer e.l.mu.Unlock()
	return e.to.AgentQueue(r)
}

func (e lockedEmitter) Agent(r *schemas.AgentInterval) error {
	if !e.l.t.rows.has(r.IntervalStart) {
		return nil
	}
	e.l.mu.Lock()
	defer e.l.mu.Unlock()
	return e.to.Agent(r)
}

func (lockedEmitter) Mark(*schemas.ShardMark) error { return nil }
