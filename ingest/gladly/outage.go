package gladly

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/schemas"
)

const timestampsReport = "AgentTimestampsReport"

// byDay does something for each day of [from, to), in UTC, and shows how far it is.
func byDay(r *flow.Read, from, to time.Time, do func(day time.Time) error) error {
	first := from.UTC().Truncate(24 * time.Hour)
	days := int64(to.Sub(first)/(24*time.Hour)) + 1
	for day := first; day.Before(to); day = day.AddDate(0, 0, 1) {
		if err := do(day); err != nil {
			return err
		}
		r.Progress(int64(day.Sub(first)/(24*time.Hour))+1, days, "days")
	}
	return nil
}

// outage fills [from, to) from the report that lists the same events by day, after an outage of more than the event stream goes
// back. Days are asked for one by one, in UTC: a report has no time filter, and the zone makes clear what its cells mean.
func (s *statuses) outage(ctx context.Context, r *flow.Read, from, to time.Time) error {
	return byDay(r, from, to, func(day time.Time) error {
		moments, err := s.day(ctx, r, day)
		if err != nil {
			return err
		}
		for _, m := range moments {
			if m.moment.recorded < from.UnixMilli() || m.moment.recorded >= to.UnixMilli() {
				continue
			}
			if err := s.tracker.add([]byte(m.agent), m.moment); err != nil {
				return err
			}
		}
		return nil
	})
}

// reported is a row of the report.
type reported struct {
	agent  string
	moment moment
}

// day reads one day, in the order in which events were recorded: the tracker forgets as it goes.
func (s *statuses) day(ctx context.Context, r *flow.Read, day time.Time) (all []reported, err error) {
	body := map[string]any{
		"metricSet": timestampsReport, "timezone": "UTC", "startAt": day.Format(time.DateOnly), "endAt": day.Format(time.DateOnly),
	}
	err = s.client.report(ctx, "reports", body, func(resp *httpcall.Response) error {
		t, err := openTable(timestampsReport, resp.Body, "Timestamp", "Agent ID", "Type")
		if t == nil {
			return err
		}
		for {
			problem, err := t.next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			var row reported
			known := true
			if problem == "" {
				row, known, problem = s.moment(t)
			}
			if problem != "" {
				if err := s.reject(ctx, r, stateFact, t.location(), problem, t.text()); err != nil {
					return err
				}
			} else if known {
				all = append(all, row)
			}
		}
	})
	slices.SortStableFunc(all, func(a, b reported) int {
		return cmp.Or(cmp.Compare(a.moment.recorded, b.moment.recorded), cmp.Compare(a.agent, b.agent), a.moment.compare(&b.moment))
	})
	return all, err
}

// moment reads a row. known is false for types that say nothing about how an agent stands.
func (s *statuses) moment(t *table) (row reported, known bool, problem string) {
	c, known := changes[strings.ToUpper(t.cell("Type"))]
	if !known {
		return row, false, ""
	}
	recorded, ok := instant([]byte(t.cell("Timestamp")))
	if !ok || recorded == schemas.Null {
		return row, true, `has no "Timestamp" that is an instant`
	}
	at, ok := instant([]byte(t.cell("Occurred At")))
	if !ok || at == schemas.Null {
		at = recorded
	}
	row = reported{agent: t.cell("Agent ID"), moment: moment{at: at, recorded: recorded, change: c}}
	if row.agent == "" {
		return row, true, `has no "Agent ID"`
	}
	switch c {
	case changeAway:
		row.moment.reason = s.tracker.word([]byte(t.cell("Away Reason")))
	case changeIn, changeActive, changeReturn:
		row.moment.reason = s.tracker.word([]byte(t.cell("Active Reason")))
	case changeAvailability:
		row.moment.available = availableSome
		if list := strings.Trim(t.cell("Available For"), "[] "); list == "" { // "[ ]" is nothing
			row.moment.available = availableNone
		}
	}
	return row, true, ""
}
