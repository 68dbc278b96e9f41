package playvox

import (
	"context"
	"fmt"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Verify reads tasks back and looks for each state. Contacts, sessions and identifiers cannot be read, as far as is known, nor can a state that
// another of the same instant replaced.
func (s *sink) Verify(ctx context.Context, items []delivery.Item, found func(delivery.Item, string)) error {
	var states []*delivery.Item
	counts := map[string]int{}
	from, to := int64(0), int64(0)
	for n := range items {
		a := items[n].AgentState
		if a == nil || a.Retracted || a.StartedAt == schemas.Null || s.o.States.task(a) == "" || a.EndedAt == a.StartedAt {
			continue
		}
		if len(states) == 0 || a.StartedAt < from {
			from = a.StartedAt
		}
		to = max(to, a.StartedAt+1)
		counts[place(s.alias(a.Source), a.AgentID, a.StartedAt)]++
		states = append(states, &items[n])
	}
	if len(states) == 0 {
		return nil
	}
	there := map[string][]readTask{} // by integration and start
	list, err := s.readTasks(ctx, from, to)
	if err != nil {
		return err
	}
	for _, task := range list {
		key := place(task.alias, "", task.start)
		there[key] = append(there[key], task)
	}
	for _, i := range states {
		a := i.AgentState
		if counts[place(s.alias(a.Source), a.AgentID, a.StartedAt)] > 1 {
			continue
		}
		u, reason, detail, err := s.people.find(ctx, a.Source, a.AgentID)
		switch {
		case err != nil:
			return err
		case reason != "":
			found(*i, detail)
			continue
		}
		found(*i, s.compare(u, a, there[place(s.alias(a.Source), "", a.StartedAt)]))
	}
	return nil
}

func place(alias, agent string, start int64) string {
	return fmt.Sprintf("%s\x00%s\x00%d", alias, agent, start)
}

// compare says how the task of a user differs from the state; "" where it does not.
func (s *sink) compare(u user, a *schemas.AgentState, tasks []readTask) string {
	for n := range tasks {
		task := &tasks[n]
		if !u.is(task) {
			continue
		}
		if want := s.o.States.task(a); task.name != want {
			return fmt.Sprintf("taskIdentifier is %q, not %q", task.name, want)
		}
		if a.EndedAt != schemas.Null && (task.end == schemas.Null || task.end > a.EndedAt) {
			end := ""
			if task.end != schemas.Null {
				end = instant(task.end)
			}
			return fmt.Sprintf("endTime is %q, not %s or before", end, instant(a.EndedAt))
		}
		return ""
	}
	return "it is not there"
}
