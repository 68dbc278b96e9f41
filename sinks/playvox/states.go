package playvox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	where int // item that made the change
}

// sendStates sends what the states change of the timelines of their agents: the states themselves, and the ends of those before
// them.
func (s *sink) sendStates(ctx context.Context, items []delivery.Item, refused *delivery.Refused) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if n := s.joined.Load(); n != s.known {
		s.timelines, s.seen, s.known = map[string]*timeline{}, reading{}, n
	}
	touched, err := s.takeIn(ctx, items, refused)
	if err != nil {
		return err
	}
	var changes []change
	for _, t := range touched {
		list, err := s.changes(t)
		if err != nil {
			refuse(refused, t.item, err)
			continue
		}
		changes = append(changes, list...)
	}
	err = s.change(ctx, changes)
	if permanent(err) && len(items) == 1 && len(changes) > 1 {
		return s.oneByOne(ctx, changes, refused)
	}
	if err != nil {
		return err
	}
	for _, t := range touched {
		t.forget()
	}
	return nil
}

// touchedLine is a timeline that states of a request belong to.
type touchedLine struct {
	*timeline
	who  user
	item int
}

// takeIn puts the states into their timelines.
func (s *sink) takeIn(ctx context.Context, items []delivery.Item, refused *delivery.Refused) (touched []touchedLine, err error) {
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
			delete(t.refused, a.StartedAt)
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
func (s *sink) changes(t touchedLine) (list []change, err error) {
	want, err := t.tasks(func(st *state, end int64) (string, error) {
		if st.view.Task == "" {
			return "", nil
		}
		line, err := s.line(st.view, t.who, end)
		return string(line), err
	})
	if err != nil {
		return nil, err
	}
	write, remove := t.owed(want)
	for _, w := range write {
		list = append(list, change{of: t.timeline, who: t.who, task: w, line: []byte(w.line), where: t.item})
	}
	for _, w := range remove {
		c := change{of: t.timeline, who: t.who, task: w, line: []byte(w.line), gone: true, where: t.item}
		if s.o.Retracted == "zero" {
			if c.line, err = s.emptied(t, w); err != nil {
				return nil, err
			}
		}
		list = append(list, c)
	}
	return list, nil
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

// change makes the changes: first those that make room, then the others.
func (s *sink) change(ctx context.Context, list []change) error {
	var write, remove [][]byte
	slices.SortStableFunc(list, func(a, b change) int {
		switch {
		case a.gone == b.gone:
			return 0
		case a.gone:
			return -1
		}
		return 1
	})
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

// oneByOne finds which change of a single state is refused, so that the others are made, and it does not stand in the way of the
// states to come.
func (s *sink) oneByOne(ctx context.Context, list []change, refused *delivery.Refused) error {
	for _, c := range list {
		err := s.change(ctx, []change{c})
		if !permanent(err) {
			if err != nil {
				return err
			}
			continue
		}
		if c.gone {
			delete(c.of.there, c.task.start)
		} else {
			c.of.refused[c.task.start] = c.task.revision
		}
		refused.Items = append(refused.Items[:0], delivery.RefusedItem{Index: c.where, Reason: "refused", Detail: fmt.Sprintf("task that begins %s: %v", instant(c.task.start), err)})
	}
	return nil
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
		st := &state{id: found(read.start), revision: -1, start: read.start, end: read.end}
		st.view = taskView{
			Tenant: a.Tenant, Source: a.Source, Alias: s.alias(a.Source), AgentID: a.AgentID, AgentName: a.AgentName, Channel: a.Channel,
			Task: read.name, StartedAt: st.start,
		}
		line, err := s.line(st.view, who, st.end)
		if err != nil {
			return err
		}
		if st.view.Task != "" && (st.end == schemas.Null || st.end > st.start) {
			t.states[st.id], t.there[st.start] = st, task{st.start, st.revision, st.view.Task, string(line)}
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
