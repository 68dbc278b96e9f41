package gladly

import (
	_ "embed"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/spec"
)

// Options are what a pipeline file says about a Gladly source.
type Options struct {
	Organization string        `cfg:"organization" help:"the part of the address before .gladly.com"`
	URL          string        `cfg:"url" help:"address in place of https://ORGANIZATION.gladly.com, as that of a sandbox: https://acme.gladly.qa"`
	Email        string        `cfg:"email,required" help:"e-mail address of the agent that the token belongs to: a user with the API User permission, and the right to reports"`
	Token        string        `cfg:"api_token,required,secret" help:"the API token"`
	Streams      Streams       `cfg:"streams" help:"what is read, and how often"`
	Webhook      Webhook       `cfg:"webhook" help:"have contacts told as they happen, besides asking for them"`
	States       States        `cfg:"states" help:"what the vendor's states count as"`
	Queue        string        `cfg:"queue" default:"inbox_id" enum:"inbox_id|accepted_inbox_id" help:"column of the work sessions that is the queue"`
	OfferedAt    string        `cfg:"offered_at" default:"contact_session_routed_at" enum:"contact_session_routed_at|contact_session_created_at" help:"column of the work sessions that says when the contact entered the queue; the other one where it is empty. Events tell only of the creation"`
	Budget       Budget        `cfg:"budget" help:"requests that the vendor allows; raise it where your contract does"`
	KeepRaw      time.Duration `cfg:"keep_raw" default:"0s" help:"how long answers are kept as they came; 0: not at all"`
}

// Streams are the four things that are read.
type Streams struct {
	Agents       Stream       `cfg:"agents" help:"people: GET /agents, and the names of inboxes"`
	Statuses     Statuses     `cfg:"statuses" help:"agent states: GET /events"`
	Contacts     Contacts     `cfg:"conversations" help:"contacts in near real time: the webhook, and GET /events"`
	WorkSessions WorkSessions `cfg:"work_sessions" help:"contacts as they were: POST /reports/work-session-events"`
}

// Stream is read whole each time.
type Stream struct {
	Every time.Duration `cfg:"every" default:"1h" help:"time between two reads; 0: never"`
}

// Statuses are read from the event stream.
type Statuses struct {
	Every    time.Duration `cfg:"every" default:"1m" help:"time between two reads; 0: never"`
	Lag      time.Duration `cfg:"lag" default:"30s" help:"how much later than it happened an event may be recorded and still be in time for the mark"`
	Overlap  time.Duration `cfg:"overlap" default:"1m" help:"how much of what was read is read again; at least 30s"`
	Lateness time.Duration `cfg:"lateness" default:"1h" help:"how much later than it happened an event may be recorded and still change the states after it"`
	Start    string        `cfg:"start" help:"date or instant from which the first run reads, by reports where it is more than a day ago; a day ago if left out"`
}

// Contacts is how contacts are followed as they happen.
type Contacts struct {
	Every   time.Duration `cfg:"every" default:"1m" help:"time between two looks at the events, which also find what the webhook missed; 0: never"`
	Lag     time.Duration `cfg:"lag" default:"30s" help:"how much later than it happened an event may be recorded"`
	Overlap time.Duration `cfg:"overlap" default:"1m" help:"how much of what was read is read again; at least 30s"`
}

// WorkSessions are read from a report.
type WorkSessions struct {
	Every  time.Duration `cfg:"every" default:"10m" help:"time between two reads; 0: never"`
	Lag    time.Duration `cfg:"lag" default:"1h" help:"how much later than it happened a work session may appear in the report"`
	Window time.Duration `cfg:"window" default:"48h" help:"how much is read each time: rows move when contacts end, and handle times grow"`
	Start  string        `cfg:"start" help:"date or instant from which the first run reads; the window if left out"`
}

// States say what counts as what.
type States struct {
	Unavailable string            `cfg:"unavailable" default:"not_ready" enum:"not_ready|available|on_contact" help:"logged in, not away, and available for no channel"`
	Reasons     map[string]string `cfg:"reasons" help:"away or active reason: available, on_contact, wrap or not_ready, where a reason is more than it seems"`
	Idle        string            `cfg:"idle" default:"idle" help:"reason of those who went away without one: the vendor sends idle agents away"`
}

// Budget is requests per time, by the vendor's documentation.
type Budget struct {
	PerSecond int `cfg:"per_second" default:"10" help:"requests of each HTTP method a second"`
	Reports   int `cfg:"reports_per_minute" default:"10" help:"reports a minute"`
}

//go:embed sample.yaml
var sample string

// Registration declares the Gladly source.
var Registration = ingest.Registration{
	Component: spec.Component{
		Kind:        spec.Ingest,
		Type:        "gladly",
		Summary:     "agents, agent states, conversations and work sessions of Gladly",
		Description: description,
		Guarantee: "Events and rows are read over windows that overlap and handed over once; late ones correct what was derived without them. What a webhook " +
			"delivers is answered after the log has acknowledged it. An outage longer than a day is filled from reports.",
		Example: sample,
		New:     func() any { return new(Options) },
	},
	Facts: func(options any) []string { return options.(*Options).facts() },
	Open:  func(options any, d ingest.Deps) (ingest.Source, error) { return open(options.(*Options), d) },
	Check: check,
}

func (o *Options) facts() []string {
	var kinds []string
	if o.contactsWanted() {
		kinds = append(kinds, contactFact)
	}
	if o.Streams.Statuses.Every > 0 {
		kinds = append(kinds, stateFact)
	}
	return kinds
}

func (o *Options) contactsWanted() bool {
	return o.Streams.WorkSessions.Every > 0 || o.Streams.Contacts.Every > 0
}

// The kinds of fact.
const (
	contactFact = "contact"
	stateFact   = "agent_state"
)

// base is the URL that paths are relative to.
func (o *Options) base() string {
	address := strings.TrimSuffix(o.URL, "/")
	if address == "" {
		address = "https://" + o.Organization + ".gladly.com"
	}
	if !strings.HasSuffix(address, "/api/v1") {
		address += "/api/v1"
	}
	return address
}

// Validate checks what the types of the options do not say.
func (o *Options) Validate(problem func(path, message string)) {
	switch {
	case (o.Organization == "") == (o.URL == ""):
		problem("organization", "is needed, or url in its place, and not both: acme stands for https://acme.gladly.com")
	case o.URL != "":
		if u, err := url.Parse(o.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
			problem("url", fmt.Sprintf("is %q, not an address such as https://acme.gladly.com", o.URL))
		}
	case strings.ContainsAny(o.Organization, "/.: "):
		problem("organization", fmt.Sprintf("is %q: only the part before .gladly.com, or write the whole address in url", o.Organization))
	}
	if !strings.Contains(o.Email, "@") {
		problem("email", fmt.Sprintf("is %q, not an e-mail address", o.Email))
	}
	o.Streams.validate(problem)
	o.Webhook.validate(problem)
	if o.Webhook.on() && o.Streams.Contacts.Every == 0 {
		problem("webhook.url", "is set and streams.conversations.every is 0: the event stream tells what the webhook misses")
	}
	for _, reason := range sortedKeys(o.States.Reasons) {
		if state := o.States.Reasons[reason]; !slices.Contains(reasonStates, state) {
			problem("states.reasons."+reason, fmt.Sprintf("is %q, not one of %s", state, strings.Join(reasonStates, ", ")))
		}
	}
	for path, n := range map[string]int{"budget.per_second": o.Budget.PerSecond, "budget.reports_per_minute": o.Budget.Reports} {
		if n < 1 {
			problem(path, fmt.Sprintf("is %d: at least 1", n))
		}
	}
	if o.KeepRaw < 0 {
		problem("keep_raw", "is negative: 0 keeps nothing")
	}
}

var reasonStates = []string{"available", "on_contact", "wrap", "not_ready"}

func (s *Streams) validate(problem func(path, message string)) {
	least := func(path string, value, least time.Duration) {
		if value != 0 && value < least {
			problem("streams."+path, fmt.Sprintf("is %s: at least %s", value, least))
		}
	}
	least("agents.every", s.Agents.Every, time.Minute)
	least("statuses.every", s.Statuses.Every, 10*time.Second)
	least("conversations.every", s.Contacts.Every, 10*time.Second)
	least("work_sessions.every", s.WorkSessions.Every, time.Minute)
	for path, overlap := range map[string]time.Duration{"statuses.overlap": s.Statuses.Overlap, "conversations.overlap": s.Contacts.Overlap} {
		if overlap < 30*time.Second || overlap > time.Hour {
			problem("streams."+path, fmt.Sprintf("is %s: from 30s, since events are recorded late, to 1h", overlap))
		}
	}
	for path, lag := range map[string]time.Duration{"statuses.lag": s.Statuses.Lag, "conversations.lag": s.Contacts.Lag, "work_sessions.lag": s.WorkSessions.Lag} {
		if lag < 0 || lag > 24*time.Hour {
			problem("streams."+path, fmt.Sprintf("is %s: from 0s to 24h", lag))
		}
	}
	if l := s.Statuses.Lateness; l < s.Statuses.Lag || l > 12*time.Hour {
		problem("streams.statuses.lateness", fmt.Sprintf("is %s: from the lag, %s, to 12h", l, s.Statuses.Lag))
	}
	if w := s.WorkSessions.Window; w < 2*s.WorkSessions.Lag || w < 2*time.Hour || w > 31*24*time.Hour {
		problem("streams.work_sessions.window", fmt.Sprintf("is %s: from 2h, and twice the lag, to 31d", w))
	}
	for path, text := range map[string]string{"statuses.start": s.Statuses.Start, "work_sessions.start": s.WorkSessions.Start} {
		if _, ok := instant([]byte(text)); !ok && !isDate(text) {
			problem("streams."+path, fmt.Sprintf("is %q, not a date such as 2026-03-01 or an instant such as 2026-03-01T06:00:00Z", text))
		}
	}
}
