package playvox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	nethttp "net/http"
	"net/url"
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/objects"
)

// change is a task that Playvox is to have, or not any more.
type change struct {
	of    *timeline
	who   user
	task  task
	line  []byte // as it is sent
	gone  bool
	where int // first item that the timeline was touched by
}

// verdicts are what becomes of the items of a request: those that are not named are taken.
type verdicts struct {
	places map[string]int // of the items, by key
	why    map[int]no
}

// sendStates sends what the states change of the timelines of their agents: the states themselves, and the ends of those before
// them. Whatever came of earlier requests, an item is refused where its own task is.
func (s *sink) sendStates(ctx context.Context, items []delivery.Item, refused *delivery.Refused) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if n := s.joined.Load(); n != s.known {
		s.timelines, s.seen, s.known = map[string]*timeline{}, reading{}, n
	}
	v := &verdicts{places: map[string]int{}, why: map[int]no{}}
	for n := range items {
		v.places[items[n].Key] = n
	}
	touched, err := s.takeIn(ctx, items, v, refused)
	if err != nil {
		return err
	}
	var changes []change
	for _, t := range touched {
		changes = append(changes, s.changes(t, v)...)
	}
	if err := s.change(ctx, changes, v); err != nil {
		return err
	}
	for _, n := range slices.Sorted(maps.Keys(v.why)) {
		refused.Items = append(refused.Items, delivery.RefusedItem{Index: n, Reason: v.why[n].reason, Detail: v.why[n].detail})
	}
	for _, t := range touched {
		for _, st := range t.states {
			if _, ours := v.places[st.key()]; ours {
				st.answered = true
			}
		}
		t.forget()
	}
	return nil
}

// refuse notes that Playvox does not take a change, so that it does not stand in the way of the states to come. The item of the state is
// refused: now, or when it comes itself. That of a state which was taken before is the end that a neighbour gives it, and that one is.
func (v *verdicts) refuse(c *change, reason string, err error) {
	why := no{c.task.revision, reason, fmt.Sprintf("task that begins %s: %v", instant(c.task.start), err)}
	if c.gone {
		delete(c.of.there, c.task.start)
	} else {
		c.of.refused[c.task.key] = why
	}
	at, ours := v.places[c.task.key]
	if !ours {
		for _, st := range c.of.states {
			if st.key() == c.task.key && !st.answered {
				return
			}
		}
		at = c.where
	}
	if _, known := v.why[at]; ours || !known {
		v.why[at] = why
	}
}

// touchedLine is a timeline that states of a request belong to.
type touchedLine struct {
	*timeline
	who  user
	item int
}

// takeIn puts the states into their timelines.
func (s *sink) takeIn(ctx context.Context, items []delivery.Item, v *verdicts, refused *delivery.Refused) (touched []touchedLine, err error) {
	seen := map[*timeline]bool{}
	for n := range items {
		i := &items[n]
		a := i.AgentState
		if a.StartedAt == schemas.Null && !a.Retracted {
			refuse(refused, n, errors.New("field \"started_at\" is absent: it is not known when the state began"))
			continue
		}
		u, ok, err := s.person(ctx, i, n, a.Source, a.AgentID, refused)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		t, err := s.timeline(ctx, a, u)
		if err != nil {
			return nil, err
		}
		if i.Again {
			delete(t.there, a.StartedAt)
			delete(t.refused, i.Key)
		}
		if why, known := t.refused[i.Key]; known && why.revision == i.Revision {
			v.why[n] = why
		}
		t.put(s.state(i))
		if !seen[t] {
			seen[t] = true
			touched = append(touched, touchedLine{t, u, n})
		}
	}
	return touched, nil
}

func (s *sink) state(i *delivery.Item) *state {
	a := i.AgentState
	return &state{
		id: a.StateID, revision: i.Revision, start: a.StartedAt, end: a.EndedAt, sequence: a.Sequence, retracted: a.Retracted,
		view: taskView{
			Key: i.Key, Tenant: a.Tenant, Source: a.Source, Alias: s.alias(a.Source), AgentID: a.AgentID, AgentName: a.AgentName, StateID: a.StateID,
			State: a.State.String(), Reason: a.Reason, Channel: a.Channel, Task: s.o.States.task(a), StartedAt: a.StartedAt,
		},
	}
}

// task is the identifier of the task that a state is; "" where it is none.
func (s *States) task(a *schemas.AgentState) string {
	name := a.State.String()
	if task, ok := s.Tasks[name+"/"+a.Reason]; ok && a.Reason != "" {
		return task
	}
	if task, ok := s.Tasks[name]; ok {
		return task
	}
	if a.State == schemas.StateLoggedOut {
		return ""
	}
	return cmp.Or(a.Reason, name)
}

// changes are what Playvox does not have as it is to be.
func (s *sink) changes(t touchedLine, v *verdicts) (list []change) {
	write, remove := t.owed(t.tasks(func(st *state, end int64) (string, error) {
		if st.view.Task == "" {
			return "", nil
		}
		line, err := s.line(st.view, t.who, end)
		return string(line), err
	}))
	for _, w := range write {
		c := change{of: t.timeline, who: t.who, task: w, line: []byte(w.line), where: t.item}
		if w.err != nil {
			v.refuse(&c, "field", w.err)
			continue
		}
		list = append(list, c)
	}
	for _, w := range remove {
		c := change{of: t.timeline, who: t.who, task: w, line: []byte(w.line), gone: true, where: t.item}
		if s.o.Retracted == "zero" {
			var err error
			if c.line, err = s.emptied(t, w); err != nil {
				v.refuse(&c, "field", err)
				continue
			}
		}
		list = append(list, c)
	}
	return list
}

func (s *sink) line(v taskView, who user, end int64) ([]byte, error) {
	v.UserEmail, v.UserID, v.EndedAt = who.email, who.id, end
	return s.tasks.line(v)
}

// emptied is a task that ends where it begins.
func (s *sink) emptied(t touchedLine, of task) ([]byte, error) {
	var v taskView
	for _, st := range t.states { // each of them knows whose it is
		if v.Source == "" || st.start == of.start {
			v = st.view
		}
	}
	v.StartedAt, v.Task = of.start, of.name
	return s.line(v, t.who, of.start)
}

// change makes the changes: first those that make room, then the others. Where Playvox refuses some, the others are made.
func (s *sink) change(ctx context.Context, list []change, v *verdicts) error {
	slices.SortStableFunc(list, func(a, b change) int {
		switch {
		case a.gone == b.gone:
			return 0
		case a.gone:
			return -1
		}
		return 1
	})
	return s.inPieces(ctx, list, v)
}

// inPieces makes a request of changes, and where Playvox refuses it one of each half, until what is wrong stands alone.
func (s *sink) inPieces(ctx context.Context, list []change, v *verdicts) error {
	err := s.request(ctx, list)
	switch {
	case !permanent(err):
		return err
	case len(list) == 1:
		v.refuse(&list[0], "refused", err)
		return nil
	}
	if err := s.inPieces(ctx, list[:len(list)/2], v); err != nil {
		return err
	}
	return s.inPieces(ctx, list[len(list)/2:], v)
}

func (s *sink) request(ctx context.Context, list []change) error {
	var write, remove [][]byte
	for _, c := range list {
		switch {
		case c.gone && s.o.Retracted == "delete":
			remove = append(remove, c.line)
		case c.gone && s.o.Retracted == "keep":
		default:
			write = append(write, c.line)
		}
	}
	path := s.o.States.Path
	if err := s.write(ctx, nethttp.MethodDelete, path, remove); err != nil {
		return err
	}
	if err := s.write(ctx, nethttp.MethodPost, path, write); err != nil {
		return err
	}
	for _, c := range list {
		c.settle()
	}
	return nil
}

// settle notes that Playvox has a change.
func (c *change) settle() {
	if c.gone {
		delete(c.of.there, c.task.start)
		return
	}
	c.of.there[c.task.start] = c.task
}

// timeline is that of an agent, with what Playvox has of it where that may matter.
func (s *sink) timeline(ctx context.Context, a *schemas.AgentState, who user) (*timeline, error) {
	name := a.Source + "\x00" + a.AgentID + "\x00" + a.Channel + "\x00" + who.email
	t := s.timelines[name]
	if t != nil && (a.StartedAt == schemas.Null || a.StartedAt >= t.from) {
		return t, nil
	}
	from, to := a.StartedAt, s.watch.Now().UnixMilli()
	if from == schemas.Null {
		from = to
	}
	to = max(to, from) + time.Hour.Milliseconds() // clocks differ
	from -= s.o.States.Back.Milliseconds()
	if t != nil {
		to, s.seen = t.from, reading{} // what was read may be older than what this process has sent and forgotten
	} else {
		t = newTimeline(from)
	}
	if s.o.States.Recover {
		if err := s.recover(ctx, t, a, who, from, to); err != nil {
			return nil, err
		}
	}
	t.from, s.timelines[name] = from, t
	return t, nil
}

// reading is the tasks that Playvox had, from an instant on. As long as no further agents come, it is good for all of whom nothing has been sent:
// their tasks are written by this process only.
type reading struct {
	from  int64
	done  bool
	tasks []readTask
}

// readTask is a task as it was read; end is schemas.Null where it has none.
type readTask struct {
	alias, email, user, name string
	start, end               int64
}

// readTasks reads the tasks that begin in [from, to).
func (s *sink) readTasks(ctx context.Context, from, to int64) (list []readTask, err error) {
	words := map[string]string{} // there are few, and many tasks
	word := func(v any) string {
		w := objects.Text(v)
		if _, ok := words[w]; !ok {
			words[w] = w
		}
		return words[w]
	}
	query := url.Values{"taskStartTimeFrom": {instant(from)}, "taskStartTimeTo": {instant(to)}}
	err = pages(ctx, s.tenant, s.o.States.Read, query, func(entry map[string]any) {
		start, err := time.Parse(time.RFC3339, objects.Text(entry["startTime"]))
		if err != nil {
			return // it is none of ours
		}
		t := readTask{
			alias: word(entry["integrationAlias"]), email: normal(word(entry["userEmail"])), user: word(entry["userId"]), name: word(entry["taskIdentifier"]),
			start: start.UnixMilli(), end: schemas.Null,
		}
		if end, err := time.Parse(time.RFC3339, objects.Text(entry["endTime"])); err == nil {
			t.end = end.UnixMilli()
		}
		list = append(list, t)
	})
	return list, err
}

// recover puts what Playvox has of an agent into the timeline: tasks that begin in [from, to).
func (s *sink) recover(ctx context.Context, t *timeline, a *schemas.AgentState, who user, from, to int64) error {
	if r := &s.seen; !r.done || from < r.from {
		from := from - time.Hour.Milliseconds() // so that the states of other agents, a little older, need no reading of their own
		tasks, err := s.readTasks(ctx, from, max(to, s.watch.Now().Add(time.Hour).UnixMilli()))
		if err != nil {
			return err
		}
		*r = reading{from, true, tasks}
	}
	for _, read := range s.seen.tasks {
		if read.alias != s.alias(a.Source) || !who.is(&read) || read.start >= to {
			continue
		}
		st := &state{id: found(read.start), revision: -1, start: read.start, end: read.end, answered: true}
		st.view = taskView{
			Tenant: a.Tenant, Source: a.Source, Alias: s.alias(a.Source), AgentID: a.AgentID, AgentName: a.AgentName, Channel: a.Channel,
			Task: read.name, StartedAt: st.start,
		}
		line, err := s.line(st.view, who, st.end)
		if err != nil {
			return err
		}
		if st.view.Task != "" && (st.end == schemas.Null || st.end > st.start) {
			t.states[st.id], t.there[st.start] = st, task{st.start, st.revision, st.key(), st.view.Task, string(line), nil}
		}
	}
	t.join()
	return nil
}

// is says whether a task is the user's.
func (u user) is(t *readTask) bool {
	if t.email != "" {
		return t.email == u.email
	}
	return u.id != "" && t.user == u.id
}
