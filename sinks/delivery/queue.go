package delivery

import (
	"container/heap"
	"container/list"
)

// entry is one revision of a key that is not settled.
type entry struct {
	Item
	offset   int64
	due      int64         // milliseconds since 1970, UTC
	place    *list.Element // among the unsettled, by offset
	tries    int           // how often it was sent
	attempts int           // how often it failed while others went well
	failed   bool          // the last attempt failed, when `answered` requests had gone well
	answered int64         // requests that had gone well by then
	index    int           // in the queue; -1: not in it
	origin   string        // what the log calls the item, where the plan gave it another name
}

// queue holds the entries of one kind that wait to be sent, the first due first, in the order of time and key.
type queue []*entry

func (q *queue) Len() int { return len(*q) }

func (q *queue) Less(i, j int) bool {
	a, b := (*q)[i], (*q)[j]
	switch {
	case a.due != b.due:
		return a.due < b.due
	case a.Start != b.Start:
		return a.Start < b.Start
	}
	return a.Key < b.Key
}

func (q *queue) Swap(i, j int) {
	(*q)[i], (*q)[j] = (*q)[j], (*q)[i]
	(*q)[i].index, (*q)[j].index = i, j
}

func (q *queue) Push(x any) {
	e := x.(*entry)
	e.index = len(*q)
	*q = append(*q, e)
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last], *q = nil, (*q)[:last]
	e.index = -1
	return e
}

func (q *queue) add(e *entry)    { heap.Push(q, e) }
func (q *queue) remove(e *entry) { heap.Remove(q, e.index) }
func (q *queue) first() *entry {
	if len(*q) == 0 {
		return nil
	}
	return (*q)[0]
}
