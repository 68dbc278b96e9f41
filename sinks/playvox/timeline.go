package playvox

import (
	"cmp"
	"maps"
	"slices"

	"github.com/quarterhour/quarterhour/schemas"
)

// kept is how long before the newest state a timeline remembers.
const kept = 48 * 3_600_000

// state is one state of an agent, or a task that Playvox has of which nothing else is known.
type state struct {
	id                   string
	revision             int64
	start, end, sequence int64 // end: schemas.Null where the source does not say
	view                 taskView
	retracted            bool
	answered             bool // it is settled with whoever sent it: its item does not come again
}

// key is the item's, or what a task that was found goes by.
func (s *state) key() string { return cmp.Or(s.view.Key, s.id) }

// timeline is the states of one agent at one source, as far as they are known: from an instant on.
type timeline struct {
	from    int64
	states  map[string]*state
	there   map[int64]task // what Playvox has, by start
	refused map[string]no  // what it does not take, by the state's key
}

// no is why Playvox does not take a revision of a state.
type no struct {
	revision       int64
	reason, detail string
}

func newTimeline(from int64) *timeline {
	return &timeline{from: from, states: map[string]*state{}, there: map[int64]task{}, refused: map[string]no{}}
}

// task is one task as Playvox is to have it.
type task struct {
	start, revision int64
	key             string // of the state's item
	name, line      string // its identifier, and the task as it is written
	err             error  // why it cannot be written
}

// put takes over a state, unless a newer revision of it is known. What Playvox was found to have at the same start is that state.
func (t *timeline) put(s *state) {
	if before := t.states[s.id]; before != nil && before.revision > s.revision {
		return
	}
	if s.start == schemas.Null {
		if before := t.states[s.id]; before != nil && s.retracted {
			s.start = before.start
		}
	}
	t.states[s.id] = s
	delete(t.states, found(s.start))
}

// found is the id of a task that Playvox was found to have.
func found(start int64) string { return "\x00" + instant(start) }

// join takes an end that is the next one's beginning for just that: should the next one move or go, the end does too.
func (t *timeline) join() {
	starts := map[int64]bool{}
	for _, s := range t.states {
		starts[s.start] = true
	}
	for id, s := range t.states {
		if id == found(s.start) && starts[s.end] {
			s.end = schemas.Null
		}
	}
}

// order is the states that count, by time. Of those that start at the same instant the last one counts.
func (t *timeline) order() (list []*state) {
	for _, s := range t.states {
		if !s.retracted && s.start != schemas.Null {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *state) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.sequence, b.sequence), cmp.Compare(a.id, b.id))
	})
	out := list[:0]
	for n, s := range list {
		if n+1 == len(list) || list[n+1].start > s.start {
			out = append(out, s)
		}
	}
	return out
}

// tasks are what Playvox is to have: each state until its end, or until the next begins. write makes the task of a state that ends
// then; it is empty where the state is none.
func (t *timeline) tasks(write func(s *state, end int64) (string, error)) (out []task) {
	list := t.order()
	for n, s := range list {
		end := s.end
		if n+1 < len(list) && (end == schemas.Null || end > list[n+1].start) {
			end = list[n+1].start
		}
		if end != schemas.Null && end <= s.start {
			continue
		}
		if line, err := write(s, end); line != "" || err != nil {
			out = append(out, task{s.start, s.revision, s.key(), s.view.Task, line, err})
		}
	}
	return out
}

// owed is what Playvox does not have as it is to have it: tasks to be written, in the order of time, and those that must go.
func (t *timeline) owed(want []task) (write []task, remove []task) {
	starts := map[int64]bool{}
	for _, w := range want {
		starts[w.start] = true
		if no, ok := t.refused[w.key]; t.there[w.start].line != w.line && !(ok && no.revision == w.revision) {
			write = append(write, w)
		}
	}
	for _, start := range slices.Sorted(maps.Keys(t.there)) {
		if !starts[start] {
			remove = append(remove, t.there[start])
		}
	}
	return write, remove
}

// forget drops what is so old that it is read back should it matter again.
func (t *timeline) forget() {
	newest := t.from
	for _, s := range t.states {
		newest = max(newest, s.start)
	}
	before := newest - kept
	if before <= t.from {
		return
	}
	list := t.order()
	for n, s := range list {
		if s.start < before && n+1 < len(list) { // the last one stays, however old
			delete(t.states, s.id)
			delete(t.there, s.start)
			delete(t.refused, s.key())
			t.from = list[n+1].start
		}
	}
	maps.DeleteFunc(t.states, func(_ string, s *state) bool { return s.start < t.from && s.retracted })
}
