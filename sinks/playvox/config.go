package playvox

import (
	_ "embed"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Options are what a pipeline file says about Playvox WFM.
type Options struct {
	URL           string              `cfg:"url,required" help:"the tenant's host, such as https://acme.cloud.agyletime.io"`
	RegionURL     string              `cfg:"region_url,required" help:"the region's host, such as https://api-us.cloud.agyletime.io"`
	Identifier    string              `cfg:"identifier,required" help:"client identifier of the API"`
	Secret        string              `cfg:"secret,required,secret" help:"its secret"`
	TokenPath     string              `cfg:"token_path" default:"api/authority/token" help:"path of the token at the tenant's host"`
	Users         Users               `cfg:"users" help:"how people are found"`
	Alias         string              `cfg:"integration_alias" help:"what Playvox calls the source; the source's own name if left out"`
	Envelope      string              `cfg:"envelope" default:"data" help:"member of the request that holds the list of records; . for none: the request is the list"`
	Retracted     string              `cfg:"retracted" default:"zero" enum:"zero|delete|keep" help:"what becomes of records that their source took back: zero sends them again with an end at their start, delete sends them by DELETE, keep leaves them"`
	UnmatchedWait time.Duration       `cfg:"unmatched_wait" default:"1h" help:"how old a record may be, by its own time, whose person Playvox does not know yet, before it is refused; up to 500 are held meanwhile, such as of those hired today. 0s: at once"`
	States        *States             `cfg:"states" help:"agent states, as a timeline of tasks; not sent if left out"`
	Contacts      *Feed               `cfg:"contacts" help:"contacts, one record for each visit to a queue; not sent if left out"`
	Sessions      *Feed               `cfg:"sessions" help:"what agents handled: contacts from their answer to the end of wrap-up; not sent if left out"`
	Identifiers   *Feed               `cfg:"identifiers" help:"ids that sources know people by; not sent if left out"`
	Calls         int                 `cfg:"calls" default:"100" help:"calls that Playvox allows in per"`
	Per           time.Duration       `cfg:"per" default:"30s" help:"the stretch of time of calls"`
	Timeout       time.Duration       `cfg:"timeout" default:"60s" help:"how long an answer may take"`
	TLS           httpcall.TLSOptions `cfg:"tls" help:"certificates"`
	delivery.Options
}

// Users says how people are found.
type Users struct {
	Path          string        `cfg:"path" default:"organisation/users" help:"path at the region's host"`
	Every         time.Duration `cfg:"every" default:"1h" help:"how often the list is read again"`
	Soonest       time.Duration `cfg:"soonest" default:"5m" help:"how soon it is read again for a person who is not in it"`
	IntegrationID string        `cfg:"integration_id" help:"member of an entry of a user's integrations that holds the id of the source, such as id; left out: people are matched by e-mail address only"`
}

// States says how agent states become tasks.
type States struct {
	Path    string            `cfg:"path" default:"api/workactivity/tasks" help:"path at the tenant's host; where Playvox takes them is not public"`
	Tasks   map[string]string `cfg:"tasks" help:"task identifiers by state (available, on_contact, wrap, not_ready, logged_out) or by state and reason, as in not_ready/Lunch; empty: no task. Others go by their reason or else by their state, and logged_out is no task"`
	Fields  spec.Exprs        `cfg:"fields" help:"members of a task, in place of the usual: expressions over the fields of agent_state, user_email, user_id, integration_alias and task; ended_at is also known from the next state"`
	Recover bool              `cfg:"recover" default:"true" help:"after a restart, read what Playvox has, so that tasks that began before are ended"`
	Read    string            `cfg:"read" default:"api/workactivity/tasks" help:"path at the tenant's host where tasks are read"`
	Back    time.Duration     `cfg:"back" default:"24h" help:"how long before a state the reading begins: longer than any state lasts"`
}

// Feed is one kind of record.
type Feed struct {
	Path   string     `cfg:"path,required" help:"path at the tenant's host; where Playvox takes them is not public"`
	Fields spec.Exprs `cfg:"fields" help:"members of a record, in place of the usual: expressions over the record's fields, user_email, user_id, integration_alias, key, started_at and finished_at"`
}

//go:embed sample.yaml
var sample string

// Registration declares the sink.
var Registration = sinks.Registration{
	Component: spec.Component{
		Kind: spec.Sink, Type: "playvox",
		Summary:     "agent states, contacts and work sessions for Playvox WFM, record by record",
		Description: description,
		Guarantee: "Playvox was sent the newest revision of every record; a task ends where the next of the same person and source begins, also after corrections. " +
			"Records of people whom Playvox does not know are dead letters with the reason unmatched_worker, to be sent again once it does.",
		Example: sample,
		New:     func() any { return new(Options) },
	},
	Kinds:   func(options any) []string { return options.(*Options).kinds() },
	Deliver: deliver,
}

const description = `
Sends facts as soon as they are read, not intervals. People are matched by e-mail address: what the sources say of their users (with the
aliases of the pipeline file), or an agent id that is an address, against Playvox's list of users; by ` + "`users.integration_id`" + ` also by the
ids that Playvox knows people by.

A state ends where the next begins, which is known only then: the open state is sent without an end, and again with it when the next
comes, in one request. Corrected, late and retracted states move the ends of their neighbours.

Where Playvox takes records, and what they look like, is not public. The usual members are those by which it gives tasks to
readers; paths and members are options. Token, users, limits and time formats are as clients of the real one have them: instants
with milliseconds in UTC, truth values as 0 and 1.
`

// The kinds of record.
const (
	kindWorker  = "worker"
	kindContact = "contact"
	kindState   = "agent_state"
)

func (o *Options) kinds() (list []string) {
	if o.Identifiers != nil {
		list = append(list, kindWorker)
	}
	if o.Contacts != nil || o.Sessions != nil {
		list = append(list, kindContact)
	}
	if o.States != nil {
		list = append(list, kindState)
	}
	return slices.DeleteFunc(list, func(k string) bool { return len(o.Kinds) > 0 && !slices.Contains(o.Kinds, k) })
}

var states = []string{"available", "on_contact", "wrap", "not_ready", "logged_out"}

// Validate checks what the types of the options do not say.
func (o *Options) Validate(problem func(path, message string)) {
	for path, text := range map[string]string{"url": o.URL, "region_url": o.RegionURL} {
		if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.User != nil {
			problem(path, fmt.Sprintf("is %q, not a URL such as https://acme.cloud.agyletime.io", httpcall.Redact(text)))
		}
	}
	o.TLS.Validate(func(path, message string) { problem("tls."+path, message) })
	if o.Calls < 1 || o.Per <= 0 {
		problem("calls", "needs at least 1, and per longer than nothing")
	}
	if o.Users.Every <= 0 || o.Users.Soonest <= 0 {
		problem("users", "needs every and soonest longer than nothing")
	}
	if o.States == nil && o.Contacts == nil && o.Sessions == nil && o.Identifiers == nil {
		problem("states", "is left out, and so is everything else: give states, contacts, sessions or identifiers")
	}
	check[taskView]("states.fields", o.States.fields(), problem)
	check[contactView]("contacts.fields", o.Contacts.fields(), problem)
	check[contactView]("sessions.fields", o.Sessions.fields(), problem)
	check[identifierView]("identifiers.fields", o.Identifiers.fields(), problem)
	if o.States == nil {
		return
	}
	if o.States.Back <= 0 {
		problem("states.back", "is not longer than nothing")
	}
	for name := range o.States.Tasks {
		state, _, _ := strings.Cut(name, "/")
		if !slices.Contains(states, state) {
			problem("states.tasks."+name, fmt.Sprintf("is no state: there are %s, and each with a reason as in not_ready/Lunch", strings.Join(states, ", ")))
		}
	}
}

func (f *Feed) fields() spec.Exprs {
	if f == nil {
		return nil
	}
	return f.Fields
}

func (s *States) fields() spec.Exprs {
	if s == nil {
		return nil
	}
	return s.Fields
}
