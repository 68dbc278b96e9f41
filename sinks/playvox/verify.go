package playvox

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/objects"
)

// Verify reads tasks back and looks for each state. Contacts, sessions and identifiers cannot be read, as far as is known, nor can a state that
// another of the same instant replaced.
func (s *sink) Verify(ctx context.Context, items []delivery.Item, differs func(delivery.Item, string)) error {
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
	there := map[string][]map[string]any{} // by integration and start
	err := pages(ctx, s.tenant, s.o.States.Read, url.Values{"taskStartTimeFrom": {instant(from)}, "taskStartTimeTo": {instant(to)}}, func(entry map[string]any) {
		if at, err := time.Parse(time.RFC3339, objects.Text(entry["startTime"])); err == nil {
			key := place(objects.Text(entry["integrationAlias"]), "", at.UnixMilli())
			there[key] = append(there[key], entry)
		}
	})
	if err != nil {
		return err
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
			differs(*i, detail)
			continue
		}
		if how := s.compare(u, a, there[place(s.alias(a.Source), "", a.StartedAt)]); how != "" {
			differs(*i, how)
		}
	}
	return nil
}

func place(alias, agent string, start int64) string {
	return fmt.Sprintf("%s\x00%s\x00%d", alias, agent, start)
}

// compare says how the task of a user differs from the state; "" where it does not.
func (s *sink) compare(u user, a *schemas.AgentState, tasks []map[string]any) string {
	for _, entry := range tasks {
		if !u.is(entry) {
			continue
		}
		if got, want := objects.Text(entry["taskIdentifier"]), s.o.States.task(a); got != want {
			return fmt.Sprintf("taskIdentifier is %q, not %q", got, want)
		}
		if end := objects.Text(entry["endTime"]); a.EndedAt != schemas.Null && (end == "" || end > instant(a.EndedAt)) {
			return fmt.Sprintf("endTime is %q, not %s or before", end, instant(a.EndedAt))
		}
		return ""
	}
	return "it is not there"
}
