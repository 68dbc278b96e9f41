package transform

import "math"

// The rows of a shard of contacts. Keys hold symbols of interned ids; names are pairs, see namings. There are no agent rows: an
// agent's row is the sum of the agent-queue rows of the agent and interval.
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

	// agentQueueRow is 56 bytes: there is more than one for each contact.
	agentQueueRow struct {
		start                int64
		agent, queue         uint32
		agentName, queueName uint32
		facts                int32
		spans                [numSpans]int32 // where wide, in rowTables.wide
		counts               [numCounts]int16
		channel              uint16
		dirty, wide          bool
	}

	// agentQueueCells are what an agent-queue row counts, whole.
	agentQueueCells struct {
		spans  [numSpans]int64
		counts [numCounts]int64
	}
)

// The durations of an agent-queue row, milliseconds; spanClock are the contacts' own clocks.
const (
	spanTalk = iota
	spanHold
	spanWrap
	spanClock
	numSpans
)

// The counts of an agent-queue row; countWrapKnown are facts with wrap-up information.
const (
	countAnswered = iota
	countCompleted
	countWrapKnown
	countDirectOut
	numCounts
)

func (k queueKey) hash() uint64 {
	return scramble(uint64(k.start)*mixA ^ (uint64(k.queue)<<16|uint64(k.channel))*mixB)
}

// hash leaves out queue and channel, so that the rows of one agent and interval are found together.
func (k agentQueueKey) hash() uint64 { return scramble(uint64(k.start)*mixA ^ uint64(k.agent)*mixB) }

func (r *queueRow) key() queueKey { return queueKey{r.start, r.queue, r.channel} }
func (r *agentQueueRow) key() agentQueueKey {
	return agentQueueKey{r.start, r.agent, r.queue, r.channel}
}

// rowTables are the rows with the lists of those that changed since the last emit.
type rowTables struct {
	namings
	queues      table[queueRow, queueKey]
	agentQueues table[agentQueueRow, agentQueueKey]
	wide        map[uint32]agentQueueCells // rows that do not fit: 24 days or 32,767 contacts within one interval

	dirtyQueues, dirtyAgentQueues []uint32
}

func newRowTables(n *names) rowTables {
	t := rowTables{namings: namings{names: n}, wide: map[uint32]agentQueueCells{}}
	t.queues.hash, t.queues.key = queueKey.hash, (*queueRow).key
	t.agentQueues.hash, t.agentQueues.key = agentQueueKey.hash, (*agentQueueRow).key
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

func (t *rowTables) agentQueue(k agentQueueKey, agentName, queueName uint32) uint32 {
	n := t.agentQueues.find(k)
	if n == 0 {
		n = t.agentQueues.add()
		r := t.agentQueues.at(n)
		r.start, r.agent, r.queue, r.channel, r.agentName, r.queueName = k.start, k.agent, k.queue, k.channel, agentName, queueName
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

// cells are what an agent-queue row counts.
func (t *rowTables) cells(n uint32, r *agentQueueRow) (c agentQueueCells) {
	if r.wide {
		return t.wide[n]
	}
	for i, v := range r.spans {
		c.spans[i] = int64(v)
	}
	for i, v := range r.counts {
		c.counts[i] = int64(v)
	}
	return c
}

// addCells adds to a row (by 1), or takes back (by -1).
func (t *rowTables) addCells(n uint32, r *agentQueueRow, add *agentQueueCells, by int64) {
	c := t.cells(n, r)
	fits := !r.wide
	for i := range c.spans {
		c.spans[i] += by * add.spans[i]
		fits = fits && c.spans[i] <= math.MaxInt32
	}
	for i := range c.counts {
		c.counts[i] += by * add.counts[i]
		fits = fits && c.counts[i] <= math.MaxInt16
	}
	if !fits {
		r.wide, t.wide[n] = true, c
		return
	}
	for i, v := range c.spans {
		r.spans[i] = int32(v)
	}
	for i, v := range c.counts {
		r.counts[i] = int16(v)
	}
}

// ofAgent visits the rows of the agent and interval of a row, until the visit says stop.
func (t *rowTables) ofAgent(n uint32, visit func(n uint32, r *agentQueueRow) bool) {
	a := t.agentQueues.at(n)
	tag := uint32(a.key().hash() >> 32)
	for p := t.agentQueues.home(tag); t.agentQueues.slots[p].n != 0; p = t.agentQueues.after(p) {
		s := t.agentQueues.slots[p]
		if s.tag != tag {
			continue
		}
		if r := t.agentQueues.at(s.n); r.agent == a.agent && r.start == a.start && !visit(s.n, r) {
			return
		}
	}
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
		if r := t.agentQueues.at(n); r.facts == 0 || r.start < horizon {
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
		if r.start < horizon && !r.dirty {
			t.freeAgentQueue(n)
		}
	})
}
