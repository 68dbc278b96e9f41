package transform

import "math"

type (
	agentQueueKey struct {
		start        int64
		agent, queue uint32
		channel      uint16
	}

	// agentQueueRow is 56 bytes: there is about one for each contact.
	agentQueueRow struct {
		minute               int32 // of the interval's start, since 1970
		agent, queue         uint32
		agentName, queueName uint32
		facts                int32
		spans                [numSpans]int32 // where wide, in rowTables.wide
		counts               [numCounts]uint8
		channel              uint16
		dirty, wide          bool
		prev, next           uint32 // the other rows of the agent and interval
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

func (k agentQueueKey) hash() uint64 {
	return scramble(k.hashOfAgent() ^ (uint64(k.queue)<<16|uint64(k.channel))*mixB)
}

// hashOfAgent leaves out queue and channel: all rows of one agent and interval share it.
func (k agentQueueKey) hashOfAgent() uint64 {
	return scramble(uint64(k.start)*mixA ^ uint64(k.agent)*mixB)
}

func (r *agentQueueRow) key() agentQueueKey {
	return agentQueueKey{r.start(), r.agent, r.queue, r.channel}
}

// start is the start of the interval, milliseconds: intervals begin on whole minutes, see NewGrid.
func (r *agentQueueRow) start() int64 { return int64(r.minute) * minuteMs }

// agentQueueTable finds rows by key, and the rows of one agent and interval together: they are linked, the first of them is in
// the index by agent and interval, the others by their whole key. So an agent who serves thousands of queues at once makes no
// cluster in the index.
type agentQueueTable struct {
	arena[agentQueueRow]
	index
}

// first is the first row of the agent and interval of a key, or 0.
func (t *agentQueueTable) first(k agentQueueKey) uint32 {
	if len(t.slots) == 0 {
		return 0
	}
	tag := tagOf(k.hashOfAgent())
	for p := t.home(tag); t.slots[p].n != 0; p = t.after(p) {
		if s := t.slots[p]; s.tag == tag {
			if r := t.at(s.n); r.prev == 0 && r.agent == k.agent && r.start() == k.start {
				return s.n
			}
		}
	}
	return 0
}

// find returns the number of the row with the key, or 0.
func (t *agentQueueTable) find(k agentQueueKey) uint32 {
	n := t.first(k)
	if n == 0 {
		return 0
	}
	if r := t.at(n); r.queue == k.queue && r.channel == k.channel {
		return n
	} else if r.next == 0 {
		return 0
	}
	tag := tagOf(k.hash())
	for p := t.home(tag); t.slots[p].n != 0; p = t.after(p) {
		if s := t.slots[p]; s.tag == tag && t.at(s.n).key() == k {
			return s.n
		}
	}
	return 0
}

// enter puts an added row, whose key is set, into the index, and behind the first of its agent and interval.
func (t *agentQueueTable) enter(n uint32) {
	row := t.at(n)
	k := row.key()
	first := t.first(k)
	if first == 0 {
		t.put(slot{tagOf(k.hashOfAgent()), n})
		return
	}
	head := t.at(first)
	row.prev, row.next = first, head.next
	if head.next != 0 {
		t.at(head.next).prev = n
	}
	head.next = n
	t.put(slot{tagOf(k.hash()), n})
}

// remove takes a row out of the index and frees it. Where it was the first of its agent and interval, the next takes its place.
func (t *agentQueueTable) remove(n uint32) {
	row := t.at(n)
	k := row.key()
	if row.next != 0 {
		t.at(row.next).prev = row.prev
	}
	if row.prev != 0 {
		t.at(row.prev).next = row.next
		t.cut(slot{tagOf(k.hash()), n})
	} else {
		t.cut(slot{tagOf(k.hashOfAgent()), n})
		if row.next != 0 {
			next := slot{tagOf(t.at(row.next).key().hash()), row.next}
			t.cut(next)
			t.put(slot{tagOf(k.hashOfAgent()), row.next})
		}
	}
	t.drop(n)
}

// ofAgent visits the rows of the agent and interval of a row, until the visit says stop.
func (t *agentQueueTable) ofAgent(n uint32, visit func(n uint32, r *agentQueueRow) bool) {
	for n = t.first(t.at(n).key()); n != 0; {
		r := t.at(n)
		if !visit(n, r) {
			return
		}
		n = r.next
	}
}

func (t *rowTables) agentQueue(k agentQueueKey, agentName, queueName uint32) uint32 {
	n := t.agentQueues.find(k)
	if n == 0 {
		n = t.agentQueues.add()
		r := t.agentQueues.at(n)
		r.minute, r.agent, r.queue, r.channel, r.agentName, r.queueName = int32(k.start/minuteMs), k.agent, k.queue, k.channel, agentName, queueName
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
		fits = fits && c.counts[i] <= math.MaxUint8
	}
	if !fits {
		r.wide, t.wide[n] = true, c
		return
	}
	for i, v := range c.spans {
		r.spans[i] = int32(v)
	}
	for i, v := range c.counts {
		r.counts[i] = uint8(v)
	}
}
