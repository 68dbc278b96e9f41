package transform

// The rows of a shard of contacts. Keys hold symbols of interned ids; names are pairs, see namings.
type (
	queueKey struct {
		start   int64
		queue   uint32
		channel uint16
	}
	agentQueueKey struct {
		start        int64
		agent, queue uint32
		channel      uint16
	}
	agentKey struct {
		start int64
		agent uint32
	}

	queueRow struct {
		queueKey
		dirty, stale bool // stale: the longest wait was taken back, and is to be found anew
		facts        int32
		name         uint32
		waits        uint32 // the first of the contacts whose wait counts here
		counts       [waitMs]int32
		backlog      int32

		wait, abandonWait, maxWait, talk, hold, wrap int64
	}
	agentQueueRow struct {
		agentQueueKey
		dirty                bool
		facts                int32
		agentName, queueName uint32
		answered, completed  int32
		wrapKnown, directOut int32 // facts with wrap-up information
		talk, hold, wrap     int64
	}
	agentRow struct {
		agentKey
		dirty            bool
		facts, directOut int32
		name             uint32
		concurrency      int64
	}
)

func (k queueKey) hash() uint64 {
	return scramble(uint64(k.start)*mixA ^ (uint64(k.queue)<<16|uint64(k.channel))*mixB)
}

func (k agentQueueKey) hash() uint64 {
	return scramble(uint64(k.start)*mixA ^ (uint64(k.queue)<<16|uint64(k.channel))*mixB ^ scramble(uint64(k.agent)))
}

func (k agentKey) hash() uint64 { return scramble(uint64(k.start)*mixA ^ uint64(k.agent)*mixB) }

// rowTables are the rows with the lists of those that changed since the last emit.
type rowTables struct {
	namings
	queues      table[queueRow, queueKey]
	agentQueues table[agentQueueRow, agentQueueKey]
	agents      table[agentRow, agentKey]

	dirtyQueues, dirtyAgentQueues, dirtyAgents []uint32
}

func newRowTables(n *names) rowTables {
	t := rowTables{namings: namings{names: n}}
	t.queues.hash, t.queues.key = queueKey.hash, func(r *queueRow) queueKey { return r.queueKey }
	t.agentQueues.hash, t.agentQueues.key = agentQueueKey.hash, func(r *agentQueueRow) agentQueueKey { return r.agentQueueKey }
	t.agents.hash, t.agents.key = agentKey.hash, func(r *agentRow) agentKey { return r.agentKey }
	return t
}

func (t *rowTables) queue(k queueKey, name uint32) uint32 {
	n := t.queues.find(k)
	if n == 0 {
		n = t.queues.add()
		r := t.queues.at(n)
		r.queueKey, r.name = k, name
		t.names.retain(name)
		t.queues.enter(n)
	}
	if r := t.queues.at(n); !r.dirty {
		r.dirty = true
		t.dirtyQueues = append(t.dirtyQueues, n)
	}
	return n
}

func (t *rowTables) agentQueue(k agentQueueKey, agentName, queueName uint32) uint32 {
	n := t.agentQueues.find(k)
	if n == 0 {
		n = t.agentQueues.add()
		r := t.agentQueues.at(n)
		r.agentQueueKey, r.agentName, r.queueName = k, agentName, queueName
		t.names.retain(agentName)
		t.names.retain(queueName)
		t.agentQueues.enter(n)
	}
	if r := t.agentQueues.at(n); !r.dirty {
		r.dirty = true
		t.dirtyAgentQueues = append(t.dirtyAgentQueues, n)
	}
	return n
}

func (t *rowTables) agent(k agentKey, name uint32) uint32 {
	n := t.agents.find(k)
	if n == 0 {
		n = t.agents.add()
		r := t.agents.at(n)
		r.agentKey, r.name = k, name
		t.names.retain(name)
		t.agents.enter(n)
	}
	if r := t.agents.at(n); !r.dirty {
		r.dirty = true
		t.dirtyAgents = append(t.dirtyAgents, n)
	}
	return n
}

func (t *rowTables) freeQueue(n uint32) {
	t.forget(rowName{nameOfQueue, n}, t.queues.at(n).name)
	t.queues.remove(n)
}

func (t *rowTables) freeAgentQueue(n uint32) {
	t.forget(rowName{nameOfAgentQueueAgent, n}, t.agentQueues.at(n).agentName)
	t.forget(rowName{nameOfAgentQueueQueue, n}, t.agentQueues.at(n).queueName)
	t.agentQueues.remove(n)
}

func (t *rowTables) freeAgent(n uint32) {
	t.forget(rowName{nameOfAgent, n}, t.agents.at(n).name)
	t.agents.remove(n)
}

// clean ends a list of changed rows: rows of no facts, and rows before the horizon, are freed.
func (t *rowTables) clean(horizon int64) {
	for _, n := range t.dirtyQueues {
		if r := t.queues.at(n); r.facts == 0 || r.start < horizon {
			t.freeQueue(n)
		} else {
			r.dirty = false
		}
	}
	for _, n := range t.dirtyAgentQueues {
		if r := t.agentQueues.at(n); r.facts == 0 || r.start < horizon {
			t.freeAgentQueue(n)
		} else {
			r.dirty = false
		}
	}
	for _, n := range t.dirtyAgents {
		if r := t.agents.at(n); r.facts == 0 || r.start < horizon {
			t.freeAgent(n)
		} else {
			r.dirty = false
		}
	}
	t.dirtyQueues, t.dirtyAgentQueues, t.dirtyAgents = t.dirtyQueues[:0], t.dirtyAgentQueues[:0], t.dirtyAgents[:0]
}

// sweep frees the rows before the horizon that nothing waits to emit.
func (t *rowTables) sweep(horizon int64) {
	t.queues.each(func(n uint32, r *queueRow) {
		if r.start < horizon && !r.dirty {
			t.freeQueue(n)
		}
	})
	t.agentQueues.each(func(n uint32, r *agentQueueRow) {
		if r.start < horizon && !r.dirty {
			t.freeAgentQueue(n)
		}
	})
	t.agents.each(func(n uint32, r *agentRow) {
		if r.start < horizon && !r.dirty {
			t.freeAgent(n)
		}
	})
}
