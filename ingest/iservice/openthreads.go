package iservice

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
)

// openThreads is what is remembered between two reads: the threads with open questions.
type openThreads struct {
	Open map[string]openThread `json:"open"`
	// Found says that a thread was asked for and found: only then a thread that is not there has been deleted, and not misnamed.
	Found bool `json:"found,omitempty"`
}

// openThread is when a thread was looked at last, and its open questions with when they arrived, milliseconds.
type openThread struct {
	Seen      int64            `json:"seen"`
	Questions map[string]int64 `json:"questions"`
}

// mostRechecks bounds the calls of one read.
const mostRechecks = 50

// recheck adds the threads of open questions that nothing was heard of for a while.
func (g *searching) recheck() error {
	if g.o.Recheck <= 0 {
		return nil
	}
	var due []string
	before := g.watch.Now().Add(-g.o.Recheck).UnixMilli()
	for id, open := range g.known.Open {
		if g.threads[id] == nil && open.Seen <= before {
			due = append(due, id)
		}
	}
	slices.SortFunc(due, func(a, b string) int { return int(g.known.Open[a].Seen - g.known.Open[b].Seen) })
	for _, id := range due[:min(len(due), mostRechecks)] {
		g.threads[id] = &thread{id: id}
		g.order = append(g.order, id)
	}
	return nil
}

// mostOpen bounds what is remembered: it is stored with every read.
const mostOpen = 5000

// forget drops open threads that are too old to be searched, and the oldest of too many.
func (g *searching) forget() {
	before := g.watch.Now().Add(-g.o.Back).UnixMilli()
	var all []int64
	for id, open := range g.known.Open {
		if open.latest() < before {
			delete(g.known.Open, id)
			continue
		}
		all = append(all, open.latest())
	}
	if len(all) <= mostOpen {
		return
	}
	slices.Sort(all)
	from := all[len(all)-mostOpen]
	g.deps.Log.Warn("too many open questions: the oldest are no longer looked at again", "open", len(all), "before", time.UnixMilli(from).UTC())
	for id, open := range g.known.Open {
		if open.latest() < from {
			delete(g.known.Open, id)
		}
	}
}

// latest is when the newest question of the thread arrived.
func (t openThread) latest() (at int64) {
	for _, q := range t.Questions {
		at = max(at, q)
	}
	return at
}

// deleted withdraws the open questions of a thread that is not there any more. Those of the window the flow takes back by itself.
func (g *searching) deleted(ctx context.Context, id string) error {
	open := g.known.Open[id]
	delete(g.known.Open, id)
	if !g.known.Found {
		if open.earliest() < g.read.From.UnixMilli() { // once a thread is found, it is known that this one is gone
			open.Seen = g.watch.Now().UnixMilli()
			g.known.Open[id] = open
			g.deps.Log.Warn("a thread with an open question is not found, nor was any other so far: check thread.call and thread.id_field", "thread", id)
		}
		return nil
	}
	return g.withdraw(ctx, id, open.Questions)
}

// earliest is when the oldest question of the thread arrived.
func (t openThread) earliest() int64 {
	at := int64(math.MaxInt64)
	for _, q := range t.Questions {
		at = min(at, q)
	}
	return at
}

// withdraw takes back questions of a thread.
func (g *searching) withdraw(ctx context.Context, id string, questions map[string]int64) error {
	for segment, at := range questions {
		c := &schemas.Contact{
			InteractionID: id, Segment: segment, Retracted: true, OfferedAt: at, AnsweredAt: schemas.Null, EndedAt: schemas.Null, WrapEndedAt: schemas.Null,
			TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null,
		}
		if err := g.read.Contact(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// note remembers the open questions of a thread. Of those that were open before and are not among the messages, a thread that was read as a
// whole has none any more, and one of which the search found a part may have them still.
func (g *searching) note(ctx context.Context, t *thread, whole bool, open map[string]int64) error {
	left := map[string]int64{}
	for segment, at := range g.known.Open[t.id].Questions {
		if !t.knows(segment) {
			left[segment] = at
		}
	}
	delete(g.known.Open, t.id)
	if whole {
		if err := g.withdraw(ctx, t.id, left); err != nil {
			return err
		}
	} else {
		maps.Copy(open, left)
	}
	if len(open) > 0 {
		g.known.Open[t.id] = openThread{Seen: g.watch.Now().UnixMilli(), Questions: open}
	}
	return nil
}
