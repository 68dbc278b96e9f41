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
)

// asks are the kinds of record to ask for: the word for the call, the path of the list, and what to do with a record.
type asks struct {
	kind, word, records string
	take                func(ctx context.Context, r *flow.Read, rec record) (*fault, error)
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
		for n, raw := range found {
			if err := s.takeRow(ctx, r, a, what.call, n, raw, from, to); err != nil {
				return err
			}
		}
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

// takeRow makes a row of a record, or a dead letter.
func (s *source) takeRow(ctx context.Context, r *flow.Read, a asks, call string, n int, raw json.RawMessage, from, to time.Time) error {
	rec, err := parseRecord(raw)
	f := &fault{"json", err}
	if err == nil {
		if f, err = a.take(ctx, r, rec); err != nil {
			return err
		}
	}
	if f == nil {
		return nil
	}
	call, _, _ = strings.Cut(call, "&")
	f.err = fmt.Errorf("%w (steps from %s to %s)", f.err, from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	return s.reject(ctx, r, a.kind+"_interval", f, call, n, raw)
}
