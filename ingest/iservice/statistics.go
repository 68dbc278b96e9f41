package iservice

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/schemas"
)

// asks are the kinds of record to ask for: the word for the call, the path of the list, and what to do with a record.
type asks struct {
	kind, word, records string
	row                 func(record) (row any, f *fault)
}

func (s *source) asks() (all []asks) {
	o := s.o.Streams.Statistics
	for _, a := range []asks{
		{kindQueue, o.Queues.Word, o.Queues.Records, s.queueRow},
		{kindAgentQueue, o.Activity.Word, o.Activity.Records, s.activityRow},
		{kindAgent, o.Agents.Word, o.Agents.Records, s.agentRow},
	} {
		if len(o.Kinds) == 0 || slices.Contains(o.Kinds, a.kind) {
			all = append(all, a)
		}
	}
	return all
}

// readStatistics asks for every kind of record, for all steps of the window that are over.
func (s *source) readStatistics(ctx context.Context, r *flow.Read) error {
	from, to := s.steps(r.From, r.To)
	if !to.After(from) {
		return nil
	}
	asked := map[string][]byte{} // answers that hold several kinds are asked for once
	for _, a := range s.asks() {
		what := s.request(a, from, to)
		answer, ok := asked[what.key()]
		if !ok {
			var err error
			if answer, err = s.call(ctx, what.call, what.body, r); err != nil {
				return fmt.Errorf("statistics of kind %q: %w", a.kind, err)
			}
			asked[what.key()] = answer
		}
		found, err := records(answer, a.records)
		if err != nil {
			return fmt.Errorf("statistics of kind %q: %w", a.kind, err)
		}
		rows, err := s.rowsOf(ctx, r, a, what.call, found, from, to)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := hand(ctx, r, row); err != nil {
				return err
			}
		}
	}
	return nil
}

// hand hands over a row.
func hand(ctx context.Context, r *flow.Read, row any) error {
	switch row := row.(type) {
	case *schemas.QueueInterval:
		return r.QueueInterval(ctx, row)
	case *schemas.AgentQueueInterval:
		return r.AgentQueueInterval(ctx, row)
	case *schemas.AgentInterval:
		return r.AgentInterval(ctx, row)
	}
	return nil
}

// keyOf tells the rows of an answer apart.
func keyOf(row any) any {
	switch row := row.(type) {
	case *schemas.QueueInterval:
		return [3]any{row.IntervalStart, row.QueueID}
	case *schemas.AgentQueueInterval:
		return [3]any{row.IntervalStart, row.QueueID, row.AgentID}
	case *schemas.AgentInterval:
		return [3]any{row.IntervalStart, row.AgentID}
	}
	return nil
}

// steps are the whole steps of a window: those that begin in it and are over.
func (s *source) steps(from, to time.Time) (time.Time, time.Time) {
	start, _ := s.deps.Bounds(from.UnixMilli())
	last, end := s.deps.Bounds(to.UnixMilli())
	if last == to.UnixMilli() || end > s.watch.Now().UnixMilli() {
		end = last
	}
	return time.UnixMilli(start), time.UnixMilli(end)
}

// asking is one request.
type asking struct {
	call string
	body map[string]any // nil for GET
}

func (a asking) key() string {
	text, _ := json.Marshal(a.body) // of texts: it cannot fail
	return a.call + "\x00" + string(text)
}

var usualParameters = map[string]string{"from": "{from}", "to": "{to}", "step": "{minutes}", "__TZO__": "{tzo}"}

// request is the question for the records of a kind.
func (s *source) request(a asks, from, to time.Time) asking {
	o := s.o.Streams.Statistics
	c := s.o.calendarAt(from)
	values := map[string]string{
		"kind": a.word, "from": c.format(from, o.Times), "to": c.format(to, o.Times), "tzo": c.tzo(),
		"step": o.Step.String(), "minutes": strconv.Itoa(int(o.Step / time.Minute)),
	}
	parameters := o.Parameters
	if parameters == nil {
		parameters = usualParameters
	}
	if o.Method == "POST" {
		body := map[string]any{}
		for name, v := range parameters {
			body[name] = fill(v, values)
		}
		return asking{fill(o.Call, escaped(values)), body}
	}
	query := url.Values{}
	for name, v := range parameters {
		query.Set(name, fill(v, values))
	}
	call := fill(o.Call, escaped(values))
	if len(query) > 0 {
		join := "?"
		if strings.Contains(call, "?") {
			join = "&"
		}
		call += join + query.Encode()
	}
	return asking{call, nil}
}

func escaped(values map[string]string) map[string]string {
	safe := make(map[string]string, len(values))
	for name, v := range values {
		safe[name] = url.QueryEscape(v)
	}
	return safe
}

// rowsOf makes rows of records, or dead letters. Of several about the same row the last counts.
func (s *source) rowsOf(ctx context.Context, r *flow.Read, a asks, call string, found []json.RawMessage, from, to time.Time) ([]any, error) {
	call, _, _ = strings.Cut(call, "&")
	var rows []any
	at := map[any]int{} // place in rows
	for n, raw := range found {
		rec, err := parseRecord(raw)
		f := &fault{"json", err}
		var row any
		if err == nil {
			row, f = a.row(rec)
		}
		if f != nil {
			f.err = fmt.Errorf("%w (steps from %s to %s)", f.err, from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
			if err := s.reject(ctx, r, a.kind+"_interval", f, call, n, raw); err != nil {
				return nil, err
			}
			continue
		}
		if i, twice := at[keyOf(row)]; twice {
			rows[i] = row
			continue
		}
		at[keyOf(row)] = len(rows)
		rows = append(rows, row)
	}
	if len(rows) < len(found) {
		s.deps.Log.Debug("statistics that are no rows of their own", "kind", a.kind, "records", len(found), "rows", len(rows))
	}
	return rows, nil
}
