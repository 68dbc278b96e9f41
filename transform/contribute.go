package transform

import "math"

// contribute adds a contact to the rows (by 1), or takes it back (by -1): the same function both ways, so that what was added
// is what is taken back. Only intervals from the one that holds the instant from are touched, and none before the horizon.
func (f *contactFold) contribute(n uint32, mark, from int64, by int32) {
	c := f.contacts.at(n)
	v, cell := &f.visit, &f.cell
	f.visitOf(v, c, f.times(n), mark)
	at := max(v.first, from, f.horizon)
	for at <= v.last {
		start, end := f.set.grid.Bounds(at)
		v.cell(cell, &f.set.rules, start, end)
		if cell.queue {
			f.toQueue(n, c, cell, start, by)
		}
		if cell.agentQueue {
			f.toAgentQueue(c, v, cell, start, by)
		}
		at = end
	}
}

func (f *contactFold) toQueue(n uint32, c *contact, cell *cell, start int64, by int32) {
	row := f.queue(queueKey{start, f.names.sym(c.queue), f.streams[c.stream].channel}, c.queue)
	r := f.queues.at(row)
	r.name = f.count(rowName{nameOfQueue, row}, r.name, r.facts, c.queue, by)
	r.facts += by
	for i, k := range cell.counts {
		r.counts[i] += by * k
	}
	r.backlog += by * cell.backlog
	sign := int64(by)
	r.wait += sign * cell.wait
	r.abandonWait += sign * cell.abandonWait
	r.talk += sign * cell.talk
	r.hold += sign * cell.hold
	r.wrap += sign * cell.wrap
	if cell.maxWait > 0 {
		if by > 0 {
			f.linkWait(n, c, r, cell.maxWait)
		} else {
			f.unlinkWait(c, r, cell.maxWait)
		}
	}
}

// linkWait puts the contact among those whose wait counts in the row.
func (f *contactFold) linkWait(n uint32, c *contact, r *queueRow, wait int64) {
	c.flags |= flagWaits
	c.waitPrev, c.waitNext = 0, r.waits
	if r.waits != 0 {
		f.contacts.at(r.waits).waitPrev = n
	}
	r.waits = n
	if wait >= r.maxWait {
		r.maxWait, r.stale = wait, false // of a stale row the others wait no longer than what was taken back
	}
}

func (f *contactFold) unlinkWait(c *contact, r *queueRow, wait int64) {
	if c.waitPrev != 0 {
		f.contacts.at(c.waitPrev).waitNext = c.waitNext
	} else {
		r.waits = c.waitNext
	}
	if c.waitNext != 0 {
		f.contacts.at(c.waitNext).waitPrev = c.waitPrev
	}
	c.flags &^= flagWaits
	c.waitPrev, c.waitNext = 0, 0
	r.stale = r.stale || wait >= r.maxWait
}

// refresh finds the longest wait of a row anew, if it was taken back. While a row is stale, maxWait bounds the waits of the rest.
func (f *contactFold) refresh(r *queueRow) {
	if !r.stale {
		return
	}
	r.maxWait, r.stale = 0, false
	for n := r.waits; n != 0; {
		c := f.contacts.at(n)
		v := &f.visit
		f.visitOf(v, c, f.times(n), math.MinInt64)
		r.maxWait = max(r.maxWait, v.wait)
		n = c.waitNext
	}
}

func (f *contactFold) toAgentQueue(c *contact, v *visit, cell *cell, start int64, by int32) {
	key := agentQueueKey{start, f.names.sym(c.agent), f.names.sym(c.queue), f.streams[c.stream].channel}
	row := f.agentQueue(key, c.agent, c.queue)
	r := f.agentQueues.at(row)
	r.agentName = f.count(rowName{nameOfAgent, row}, r.agentName, r.facts, c.agent, by)
	r.queueName = f.count(rowName{nameOfAgentQueue, row}, r.queueName, r.facts, c.queue, by)
	r.facts += by
	add := agentQueueCells{
		spans:  [numSpans]int64{spanTalk: cell.talk, spanHold: cell.hold, spanWrap: cell.wrap, spanClock: cell.concurrency},
		counts: [numCounts]int64{countAnswered: int64(cell.answered), countCompleted: int64(cell.completed), countDirectOut: int64(cell.directOut)},
	}
	if v.wrapKnown {
		add.counts[countWrapKnown] = 1
	}
	f.addCells(row, r, &add, int64(by))
}
