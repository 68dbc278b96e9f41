package flow

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// slack is how much earlier than a fact begins the log may have taken it, by clocks that differ.
const slack = 10 * time.Minute

// eventMemory is how long flows that listen or have no window remember what has a time.
const eventMemory = 48 * time.Hour

// horizon is the time from which facts of a kind can be handed over again.
func (n *run) horizon(kind string) time.Time {
	var least time.Time
	now := n.watch.Now()
	for _, w := range n.workers {
		if !slices.Contains(w.flow.Facts, kind) {
			continue
		}
		at := now.Add(-eventMemory)
		if !w.flow.Schedule.listens() && !w.flow.Window.whole() {
			at, _, _ = w.flow.Window.span(now, w.position.Through)
		}
		if least.IsZero() || at.Before(least) {
			least = at
		}
	}
	if least.IsZero() { // by flows that do not say that they write it
		least = now.Add(-eventMemory)
	}
	return least
}

// recall fills the memory from the log, so that a restart repeats nothing and loses no retraction.
func (n *run) recall(ctx context.Context) error {
	var kinds []string
	for _, w := range n.workers {
		for _, kind := range w.flow.Facts {
			if !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, kind := range kinds {
		since := n.horizon(kind)
		if kind == workerFact {
			since = time.Time{}.Add(slack)
		}
		var bad error
		newest := map[uint64]int64{}
		err := n.deps.Recall(ctx, kind, since.Add(-slack), func(fact any) {
			if err := n.remember(fact, since, newest); err != nil {
				bad = err
			}
		})
		if err == nil {
			err = bad
		}
		if err != nil {
			return fmt.Errorf("read back the facts of kind %q: %w", kind, err)
		}
	}
	return nil
}

// remember takes a fact of the log into memory. An identity is in one partition, so that its last record in the log is the newest; a
// person's is in several, and newest has the revisions seen.
func (n *run) remember(fact any, since time.Time, newest map[uint64]int64) error {
	s, err := n.describe(fact)
	if err != nil {
		return err
	}
	n.cursor.Revision = max(n.cursor.Revision, *s.revision)
	m := n.memory(s.kind)
	key := hashOf(s)
	if s.kind == workerFact {
		if *s.revision < newest[key] {
			return nil
		}
		newest[key] = *s.revision
	}
	it := item{content: s.content, second: second(s.at), owner: n.ownerOf(s)}
	if s.retract || it.second != 0 && it.second < second(millis(since)) {
		delete(m.items, key) // a correction may have moved it out of what windows reach: it is not to be missed there
		return nil
	}
	it.flow = it.owner
	m.items[key] = it
	return nil
}
