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

// The kinds of record.
const (
	kindQueue      = "queue"
	kindAgentQueue = "agent_queue"
	kindAgent      = "agent"
)

// Statistics is the stream of the same name.
type Statistics struct {
	Every      time.Duration     `cfg:"every" default:"15m" help:"how often to ask"`
	Back       time.Duration     `cfg:"back" default:"168h" help:"how far back the first question goes, and any later one can go"`
	Overlap    time.Duration     `cfg:"overlap" default:"24h" help:"how much of what is complete is asked for again: answers that are resolved later change it"`
	Lag        time.Duration     `cfg:"lag" default:"15m" help:"how long after the end of a step its statistics may change without being a correction"`
	Longest    time.Duration     `cfg:"longest" default:"24h" help:"the longest stretch of one question while catching up"`
	Step       time.Duration     `cfg:"step" default:"15m" help:"length of a step of the statistics; the pipeline's interval"`
	Call       string            `cfg:"call" default:"integration-api-workforce-management?api={kind}" help:"form and endpoint, or a path that begins with /; {kind}, {from}, {to}, {step}, {minutes} and {tzo} stand for values"`
	Method     string            `cfg:"method" default:"POST" enum:"POST|GET" help:"POST sends the parameters as JSON, GET in the URL"`
	Parameters map[string]string `cfg:"parameters" help:"what is sent, by name, with the values of call; from, to and step if left out"`
	Times      string            `cfg:"time_format" default:"rfc3339" help:"how times are sent: rfc3339 (UTC), unix, unix_ms or a layout as Go writes it"`
	Kinds      []string          `cfg:"kinds" help:"what to ask for: queue, agent_queue, agent; all of them if left out"`
	LongTexts  string            `cfg:"long_texts" default:"reject" enum:"reject|cut" help:"what to do with an id or name of more than 100 characters: a dead letter, or its first 100"`
	Queues     QueueRecords      `cfg:"queues" help:"queue statistics: topic by step"`
	Activity   ActivityRecords   `cfg:"activity" help:"agent activity: agent by topic and step"`
	Agents     AgentRecords      `cfg:"agents" help:"agent logins: agent by step"`
}

// QueueRecords is one kind of record.
type QueueRecords struct {
	Word     string `cfg:"word" default:"queuestatistics" help:"what {kind} stands for"`
	Records  string `cfg:"records" default:"queueStatistics|records|data" help:"path of the list in the answer; others may follow after |"`
	Start    string `cfg:"start" default:"intervalStartDateTime" help:"path of the start of the step"`
	QueueID  string `cfg:"queue_id" default:"queueId" help:"path of the topic's id; the name stands in for an empty one"`
	Queue    string `cfg:"queue_name" default:"queueName" help:"path of the topic's name"`
	Offered  string `cfg:"offered" default:"offeredContacts" help:"path of the questions that arrived"`
	Answered string `cfg:"answered" default:"answeredContacts" help:"path of the answers that were resolved"`
	Contact  string `cfg:"contact_time" default:"contactTime" help:"path of the time from the creation of answers to their resolution, seconds"`
}

// ActivityRecords is one kind of record.
type ActivityRecords struct {
	Word      string `cfg:"word" default:"agentactivity" help:"what {kind} stands for"`
	Records   string `cfg:"records" default:"agentActivity|records|data" help:"path of the list in the answer; others may follow after |"`
	Start     string `cfg:"start" default:"intervalStartDateTime" help:"path of the start of the step"`
	QueueID   string `cfg:"queue_id" default:"queueId" help:"path of the topic's id; the name stands in for an empty one"`
	Queue     string `cfg:"queue_name" default:"queueName" help:"path of the topic's name"`
	AgentID   string `cfg:"agent_id" default:"agentId" help:"path of the agent's contact id; the name stands in for an empty one"`
	Agent     string `cfg:"agent_name" default:"agentName" help:"path of the agent's name"`
	Answered  string `cfg:"answered" default:"answeredContacts" help:"path of the answers that the agent created"`
	Completed string `cfg:"completed" default:"completedContacts" help:"path of the answers completed, which may be null"`
	Contact   string `cfg:"contact_time" default:"contactTime" help:"path of the time from the creation of answers to their sending, seconds"`
}

// AgentRecords is one kind of record.
type AgentRecords struct {
	Word      string `cfg:"word" default:"agentlogin" help:"what {kind} stands for"`
	Records   string `cfg:"records" default:"agentLogin|agentLogins|records|data" help:"path of the list in the answer; others may follow after |"`
	Start     string `cfg:"start" default:"intervalStartDateTime" help:"path of the start of the step"`
	AgentID   string `cfg:"agent_id" default:"agentId" help:"path of the agent's contact id; the name stands in for an empty one"`
	Agent     string `cfg:"agent_name" default:"agentName" help:"path of the agent's name"`
	Login     string `cfg:"login_time" default:"loginTime" help:"path of the time logged in, seconds: below 0 counts as 0, and above the step as the step"`
	DirectOut string `cfg:"direct_out" default:"directOutContacts" help:"path of the agent e-mails and notes; '' where they are read as interactions"`
}

func (o *Statistics) validate(problem func(path, message string)) {
	path := func(name string) string { return "streams.statistics." + name }
	for _, k := range o.Kinds {
		if !slices.Contains([]string{kindQueue, kindAgentQueue, kindAgent}, k) {
			problem(path("kinds"), fmt.Sprintf("names %q: use queue, agent_queue and agent", k))
		}
	}
	if !slices.Contains([]time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 20 * time.Minute, 30 * time.Minute, time.Hour}, o.Step) {
		problem(path("step"), fmt.Sprintf("is %s: use 5m, 10m, 15m, 20m, 30m or 60m", o.Step))
	}
	for name, d := range map[string]time.Duration{"overlap": o.Overlap, "lag": o.Lag} {
		if d < 0 {
			problem(path(name), "cannot be negative")
		}
	}
	if o.Back < o.Overlap {
		problem(path("back"), fmt.Sprintf("is %s, less than overlap", o.Back))
	}
	if o.Longest < o.Step {
		problem(path("longest"), "cannot be less than step")
	}
}

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
