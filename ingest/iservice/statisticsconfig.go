package iservice

import (
	"fmt"
	"slices"
	"time"
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
