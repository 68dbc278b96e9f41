package transform

// The rows of a shard of contacts. Keys hold symbols of interned ids; names are pairs, see namings. There are no agent rows: an
// agent's row is the sum of the agent-queue rows of the agent and interval.
type (
	queueKey struct {
		start   int64
		queue   uint32
		channel uint16
	}
	queueRow struct {
		start   int64
		queue   uint32
		name    uint32
		facts   int32
		waits   uint32 // the first of the contacts whose wait counts here
		counts  [waitMs]int32
		backlog int32
		channel uint16
		dirty   bool
		stale   bool // the longest wait was taken back, and is to be found anew

		wait, abandonWait, maxWait, talk, hold, wrap int64
	}
)

func (k queueKey) hash() uint64 {
	return scramble(uint64(k.start)*mixA ^ (uint64(k.queue)<<16|uint64(k.channel))*mixB)
}

func (r *queueRow) key() queueKey { return queueKey{r.start, r.queue, r.channel} }

// rowTables are the rows with the lists of those that changed since the last emit.
type rowTables struct {
	namings
	queues      table[queueRow, queueKey]
	agentQueues agentQueueTable
	wide        map[uint32]agentQueueCells // rows that do not fit: 24 days or 255 contacts within one interval

	dirtyQueues, dirtyAgentQueues []uint32
}

func newRowTables(n *names) rowTables {
	t := rowTables{namings: namings{names: n}, wide: map[uint32]agentQueueCells{}}
	t.queues.hash, t.queues.key = queueKey.hash, (*queueRow).key
	return t
}

func (t *rowTables) queue(k queueKey, name uint32) uint32 {
	n := t.queues.find(k)
	if n == 0 {
		n = t.queues.add()
		r := t.queues.at(n)
		r.start, r.queue, r.channel, r.name = k.start, k.queue, k.channel, name
		t.names.retain(name)
		t.queues.enter(n)
	}
	if r := t.queues.at(n); !r.dirty {
		r.dirty = true
		t.dirtyQueues = append(t.dirtyQueues, n)
	}
	return n
}

func (t *rowTables) freeQueue(n uint32) {
	t.forget(rowName{nameOfQueue, n}, t.queues.at(n).name)
	t.queues.remove(n)
}

func (t *rowTables) freeAgentQueue(n uint32) {
	t.forget(rowName{nameOfAgent, n}, t.agentQueues.at(n).agentName)
	t.forget(rowName{nameOfAgentQueue, n}, t.agentQueues.at(n).queueName)
	delete(t.wide, n)
	t.agentQueues.remove(n)
}

// clean ends the lists of changed rows: rows of no facts, and rows before the horizon, are freed.
func (t *rowTables) clean(horizon int64) {
	for _, n := range t.dirtyQueues {
		if r := t.queues.at(n); r.facts == 0 || r.start < horizon {
			t.freeQueue(n)
		} else {
			r.dirty = false
		}
	}
	for _, n := range t.dirtyAgentQueues {
		if r := t.agentQueues.at(n); r.facts == 0 || r.start() < horizon {
			t.freeAgentQueue(n)
		} else {
			r.dirty = false
		}
	}
	t.dirtyQueues, t.dirtyAgentQueues = t.dirtyQueues[:0], t.dirtyAgentQueues[:0]
}

// sweep frees the rows before the horizon that nothing waits to emit.
func (t *rowTables) sweep(horizon int64) {
	t.queues.each(func(n uint32, r *queueRow) {
		if r.start < horizon && !r.dirty {
			t.freeQueue(n)
		}
	})
	t.agentQueues.each(func(n uint32, r *agentQueueRow) {
		if r.start() < horizon && !r.dirty {
			t.freeAgentQueue(n)
		}
	})
}
