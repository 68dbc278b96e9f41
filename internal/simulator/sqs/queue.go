package sqs

import (
	"container/list"
	"crypto/md5" //nolint:gosec // the protocol's checksum
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// dedupFor is how long a FIFO queue knows a deduplication id.
const dedupFor = 5 * time.Minute

// longest is how long a message can be hidden, from its reading on.
const longest = 12 * time.Hour

// message is one in a queue.
type message struct {
	id, body, sum string
	group, dedup  string
	sequence      int64
	sent, first   time.Time
	attributes    map[string]attribute

	receives int
	handle   string    // of the last reading
	read     time.Time // the last one
	hidden   time.Time // until then
}

func (m *message) visible(now time.Time) bool { return !m.hidden.After(now) }

// seen is a deduplication id that came not long ago.
type seen struct {
	at time.Time
	id string // of the message it came with
	n  int64
}

// queue is one queue. Its server's lock guards it.
type queue struct {
	Queue
	name     string
	messages *list.List // of *message, in the order of sending
	handles  map[string]*list.Element
	dedup    map[string]seen
	swept    time.Time
	sequence int64
	dead     *queue
	sent     []string // bodies of what was taken
	deleted  int
}

func newQueue(o Queue, name string) *queue {
	return &queue{Queue: o, name: name, messages: list.New(), handles: map[string]*list.Element{}, dedup: map[string]seen{}}
}

func (q *queue) fifo() bool { return strings.HasSuffix(q.name, ".fifo") }

// put takes a message, unless it is known to be there already; id and n are those of the message that counts.
func (q *queue) put(m *message, now time.Time) (id string, n int64) {
	if q.fifo() {
		if before, ok := q.dedup[m.dedup]; ok && now.Sub(before.at) < dedupFor {
			return before.id, before.n
		}
		q.sweep(now)
	}
	q.sequence++
	m.sequence, m.sent = q.sequence, now
	q.dedup[m.dedup] = seen{now, m.id, m.sequence}
	q.messages.PushBack(m)
	if len(q.sent) < q.Remember {
		q.sent = append(q.sent, m.body)
	}
	return m.id, m.sequence
}

// sweep forgets deduplication ids whose time is over.
func (q *queue) sweep(now time.Time) {
	if now.Sub(q.swept) < dedupFor {
		return
	}
	q.swept = now
	for id, s := range q.dedup {
		if now.Sub(s.at) >= dedupFor {
			delete(q.dedup, id)
		}
	}
}

// take gives out up to most messages and hides them for so long. Those that were read too often go to the dead-letter queue.
func (q *queue) take(most int, visibility time.Duration, now time.Time, handle func() string) (given []*message) {
	busy := map[string]bool{} // groups of which a message is hidden
	if q.fifo() {
		for e := q.messages.Front(); e != nil; e = e.Next() {
			if m := e.Value.(*message); !m.visible(now) {
				busy[m.group] = true
			}
		}
	}
	for e := q.messages.Front(); e != nil && len(given) < most; {
		m, at := e.Value.(*message), e
		e = e.Next()
		switch {
		case !m.visible(now) || busy[m.group] && q.fifo():
		case q.MaxReceives > 0 && m.receives >= q.MaxReceives:
			q.bury(at)
		default:
			delete(q.handles, m.handle)
			m.receives++
			m.handle, m.read, m.hidden = handle(), now, now.Add(visibility)
			if m.receives == 1 {
				m.first = now
			}
			q.handles[m.handle] = at
			given = append(given, m)
		}
	}
	return given
}

// bury moves a message to the dead-letter queue, where it counts from the beginning.
func (q *queue) bury(e *list.Element) {
	m := e.Value.(*message)
	q.messages.Remove(e)
	delete(q.handles, m.handle)
	m.receives, m.handle, m.hidden = 0, "", time.Time{}
	q.dead.sequence++
	m.sequence = q.dead.sequence
	q.dead.messages.PushBack(m)
}

// held finds the message of a receipt handle.
func (q *queue) held(handle string) (*list.Element, *message) {
	e, ok := q.handles[handle]
	if !ok {
		return nil, nil
	}
	return e, e.Value.(*message)
}

// remove deletes the message of a receipt handle. A FIFO queue takes none whose time is over.
func (q *queue) remove(handle string, now time.Time) error {
	e, m := q.held(handle)
	switch {
	case !issued(handle):
		return fault{"ReceiptHandleIsInvalid", fmt.Sprintf("the receipt handle %q is not valid", handle)}
	case m == nil:
		return nil // a message that is gone is deleted
	case q.fifo() && m.visible(now):
		return fault{"InvalidParameterValue", "the receipt handle has expired"}
	}
	q.messages.Remove(e)
	delete(q.handles, handle)
	q.deleted++
	return nil
}

// hide hides the message of a receipt handle for so long from now; 0 gives it back.
func (q *queue) hide(handle string, lasting time.Duration, now time.Time) error {
	_, m := q.held(handle)
	switch {
	case !issued(handle):
		return fault{"ReceiptHandleIsInvalid", fmt.Sprintf("the receipt handle %q is not valid", handle)}
	case m == nil || m.visible(now):
		return fault{"MessageNotInflight", "the message is in nobody's hands"}
	case lasting < 0 || now.Add(lasting).After(m.read.Add(longest)):
		return fault{"InvalidParameterValue", fmt.Sprintf("visibility timeout %s ends more than 12 hours after the reading", lasting)}
	}
	m.hidden = now.Add(lasting)
	return nil
}

// counts are the messages that can be had, and those that are hidden.
func (q *queue) counts(now time.Time) (visible, hidden int) {
	for e := q.messages.Front(); e != nil; e = e.Next() {
		if e.Value.(*message).visible(now) {
			visible++
		} else {
			hidden++
		}
	}
	return visible, hidden
}

const handles = "receipt-"

func issued(handle string) bool { return strings.HasPrefix(handle, handles) }

func sum(text string) string {
	h := md5.Sum([]byte(text)) //nolint:gosec // the protocol's checksum
	return hex.EncodeToString(h[:])
}
