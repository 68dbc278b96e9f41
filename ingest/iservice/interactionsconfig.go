package iservice

import (
	"fmt"
	"time"
)

// Interactions is the stream of the same name.
type Interactions struct {
	Every   time.Duration     `cfg:"every" default:"5m" help:"how often to search"`
	Back    time.Duration     `cfg:"back" default:"168h" help:"how far back the first search begins, and any later one can go"`
	Overlap time.Duration     `cfg:"overlap" default:"24h" help:"how much of what is complete is searched again, for corrections and what was withdrawn"`
	Lag     time.Duration     `cfg:"lag" default:"1m" help:"how much later than its date a message may be found"`
	Longest time.Duration     `cfg:"longest" default:"24h" help:"the longest stretch of one search while catching up"`
	Call    string            `cfg:"call" default:"webapp-api-mqsearch?api=search" help:"form and endpoint of the search"`
	Records string            `cfg:"records" default:"interactions|results" help:"path of the list in the answer; others may follow after |"`
	From    string            `cfg:"from_field" default:"dateFrom" help:"fieldID of the date that messages are not older than"`
	To      string            `cfg:"to_field" default:"dateTo" help:"fieldID of the date that messages are older than"`
	Dates   string            `cfg:"date_format" default:"2006-01-02 15:04:05" help:"how the search's dates are written: rfc3339, unix, unix_ms or a layout as Go writes it"`
	Where   string            `cfg:"where" default:"entire" enum:"anywhere|start|end|entire" help:"how the search compares the dates"`
	Sort    string            `cfg:"sort" default:"date" help:"order of the results; pages need one that does not change"`
	Filters map[string]string `cfg:"filters" help:"further conditions of the search: what is looked for, by fieldID"`
	Thread  Thread            `cfg:"thread" help:"how the other messages of a thread are found"`
	Recheck time.Duration     `cfg:"recheck" default:"1h" help:"how often an open question is looked at that no message tells about; 0s: never"`
	Fields  Fields            `cfg:"fields" help:"paths of what is read of a message; others may follow after |"`
	Types   Types             `cfg:"types" help:"what the types of messages mean; others are passed over"`
	// Resolved are the states of a question that mean that it is done with.
	Resolved []string `cfg:"resolved" help:"statuses of a question that is done with; Resolved and Closed if left out"`
}

// Thread says how to ask for a whole thread.
type Thread struct {
	Call    string `cfg:"call" default:"webapp-api-History?api=details" help:"form and endpoint"`
	ID      string `cfg:"id_field" default:"threadID" help:"name of the request's field with the thread's id"`
	Records string `cfg:"records" default:"interactions|history|results" help:"path of the list in the answer"`
}

// Fields are the paths of what is read of a message.
type Fields struct {
	ID        string `cfg:"id" default:"id" help:"its id"`
	Thread    string `cfg:"thread" default:"threadID" help:"id of the thread's first message"`
	Question  string `cfg:"question" default:"parentID|inReplyTo" help:"id of the question that it answers; the last one before it in the thread if empty"`
	Type      string `cfg:"type" default:"type" help:"its type"`
	Date      string `cfg:"date" default:"date" help:"when it arrived, or was sent"`
	Created   string `cfg:"created" default:"createdDate|created|dateCreated" help:"when the agent created the answer; its date if empty"`
	Resolved  string `cfg:"resolved" default:"resolvedDate|resolved|dateResolved" help:"when it was resolved; the answer's date if empty and the status says that it is"`
	Status    string `cfg:"status" default:"status" help:"its status"`
	Topic     string `cfg:"topic" default:"topicID" help:"id of the topic"`
	TopicName string `cfg:"topic_name" default:"topicName|topic" help:"name of the topic; by the stream topics if empty"`
	Agent     string `cfg:"agent" default:"agentID|interactionProperties.agentID" help:"contact id of the agent"`
	AgentName string `cfg:"agent_name" default:"agentName|fromName" help:"name of the agent"`
}

// Types are the types of messages by what they mean, in any case.
type Types struct {
	Questions []string `cfg:"questions" help:"questions of customers; Customer Question, Customer Email and Ticket if left out"`
	Answers   []string `cfg:"answers" help:"answers of agents; Agent Response and Agent Answer if left out"`
	Emails    []string `cfg:"emails" help:"e-mails that agents began; Agent Email if left out"`
	Notes     []string `cfg:"notes" help:"notes; Agent Note, Private Note, Public Note and Resolve Note if left out"`
}

func (o *Interactions) validate(problem func(path, message string)) {
	path := func(name string) string { return "streams.interactions." + name }
	for name, d := range map[string]time.Duration{"overlap": o.Overlap, "lag": o.Lag, "recheck": o.Recheck} {
		if d < 0 {
			problem(path(name), "cannot be negative")
		}
	}
	if o.Back < o.Overlap {
		problem(path("back"), fmt.Sprintf("is %s, less than overlap", o.Back))
	}
	if o.Longest < time.Minute {
		problem(path("longest"), "must be at least 1m")
	}
	for name, p := range map[string]string{"fields.id": o.Fields.ID, "fields.type": o.Fields.Type, "fields.date": o.Fields.Date} {
		if p == "" {
			problem(path(name), "has no value: a message cannot do without")
		}
	}
}
