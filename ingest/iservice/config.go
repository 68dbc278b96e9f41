package iservice

import (
	_ "embed"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/spec"
)

// Options are what a pipeline file says about an iService source.
type Options struct {
	URL         string         `cfg:"url,required" help:"address of the tenant, such as https://example.iservicecrm.com"`
	Username    string         `cfg:"username,required" help:"name of the agent whose login is used; what it sees depends on its user type and segments"`
	Password    string         `cfg:"password,required,secret" help:"its password"`
	Login       Login          `cfg:"login" help:"how to log in"`
	Zone        *time.Location `cfg:"timezone" help:"IANA time zone of dates without an offset, also sent as __TZO__; UTC if left out"`
	DateFormats []string       `cfg:"date_formats" help:"forms of dates besides the usual ones: unix, unix_ms, or layouts as Go writes them, such as 02.01.2006 15:04"`
	Channel     string         `cfg:"channel" default:"email" help:"channel of the contacts and rows"`
	Paging      Paging         `cfg:"paging" help:"how lists are asked for in pages"`
	Rate        int            `cfg:"rate" default:"5" help:"calls a second at most; the vendor names no limit"`
	Timeout     time.Duration  `cfg:"timeout" default:"60s" help:"how long an answer may take"`
	Streams     Streams        `cfg:"streams,required" help:"what to read; a stream that is not named is not read"`
	KeepRaw     time.Duration  `cfg:"keep_raw" default:"0s" help:"how long answers are kept as they came; 0s: not at all"`
}

// Login says how a session begins and ends.
type Login struct {
	Call     string            `cfg:"call" default:"webapp-api-login?api=login" help:"form and endpoint that log in"`
	WhoAmI   string            `cfg:"who_am_i" default:"webapp-api-login?api=loggedin" help:"form and endpoint that say who is logged in, with which rights"`
	Username string            `cfg:"username_field" default:"username" help:"name of the request's field with the user name"`
	Password string            `cfg:"password_field" default:"password" help:"name of the request's field with the password"`
	Fields   map[string]string `cfg:"fields" help:"other fields of the request, by name"`
	Encoding string            `cfg:"encoding" default:"json" enum:"json|form" help:"how the request is written"`
	Session  time.Duration     `cfg:"session" default:"90m" help:"how long a session lasts without a call; the vendor's default is 90 minutes, and each agent may have another"`
	Expired  string            `cfg:"expired" default:"(?i)session|not logged ?in|log ?in again|please log ?in" help:"regular expression: messages that say that the session is over"`
}

// Paging says how pages are asked for.
type Paging struct {
	PerPage int    `cfg:"per_page" default:"100" help:"records a page"`
	As      string `cfg:"as" default:"number" enum:"number|text" help:"how pageNum and perPage are written; the vendor's guide has both"`
	First   int    `cfg:"first" default:"1" help:"number of the first page"`
}

// Streams are what can be read.
type Streams struct {
	Topics       *Topics       `cfg:"topics" help:"names of topics, which are the queues"`
	Agents       *Agents       `cfg:"agents" help:"agents, as worker facts"`
	Logins       *Logins       `cfg:"logins" help:"who is logged in, as agent states; as precise as it is asked for"`
	Interactions *Interactions `cfg:"interactions" help:"questions, answers, e-mails and notes, as contacts"`
	Statistics   *Statistics   `cfg:"statistics" help:"the statistics that the vendor computes for workforce management, as rows"`
}

// Topics is the stream of the same name.
type Topics struct {
	Every   time.Duration `cfg:"every" default:"1h" help:"how often to read"`
	Call    string        `cfg:"call" default:"webapp-api-mq-managemessage?api=topics" help:"form and endpoint"`
	Records string        `cfg:"records" default:"topics" help:"path of the list in the answer; others may follow after |"`
	ID      string        `cfg:"id" default:"id|topicID" help:"path of the id in a record"`
	Name    string        `cfg:"name" default:"name|topicName|displayname" help:"path of the name in a record"`
}

// Agents is the stream of the same name.
type Agents struct {
	Every   time.Duration `cfg:"every" default:"1h" help:"how often to read"`
	Call    string        `cfg:"call" default:"webapp-api-mq-myqueue?api=agents" help:"form and endpoint"`
	Records string        `cfg:"records" default:"agents" help:"path of the list in the answer"`
	ID      string        `cfg:"id" default:"id" help:"path of the agent's contact id in a record"`
	Email   string        `cfg:"email" default:"email" help:"path of the address; of several the first counts"`
	Name    string        `cfg:"name" default:"displayname|name" help:"path of the name"`
	Tag     string        `cfg:"tag" help:"path of what says who the person is, in place of the address; where that is empty the address counts"`
}

// Logins is the stream of the same name.
type Logins struct {
	Every    time.Duration `cfg:"every" default:"1m" help:"how often to ask: logins are known as precisely as this"`
	Call     string        `cfg:"call" default:"webapp-api-mq-myqueue?api=agents" help:"form and endpoint"`
	Records  string        `cfg:"records" default:"agents" help:"path of the list in the answer"`
	ID       string        `cfg:"id" default:"id" help:"path of the agent's contact id in a record"`
	Name     string        `cfg:"name" default:"displayname|name" help:"path of the name"`
	LoggedIn string        `cfg:"logged_in" default:"isloggedin" help:"path of whether the agent is logged in"`
}

//go:embed sample.yaml
var sample string

// Registration declares the iService source.
var Registration = ingest.Registration{
	Component: spec.Component{
		Kind:        spec.Ingest,
		Type:        "iservice",
		Summary:     "messages, agents and workforce statistics of iService",
		Description: description,
		Guarantee: "Every question, answer, e-mail and note of the window is a contact or a dead letter; every record of the statistics is a row or a dead letter. " +
			"Windows are asked for again with an overlap: corrections replace what was there, and what is gone is withdrawn.",
		Example: sample,
		New:     func() any { return new(Options) },
	},
	Facts: func(options any) []string { return options.(*Options).facts() },
	Open:  func(options any, d ingest.Deps) (ingest.Source, error) { return open(options.(*Options), d) },
	Check: check,
}

const description = `
Logs in to iService's forms API as an agent and reads what the streams say: topics and agents, messages by date, who is logged in, and
the statistics that iService computes for workforce management.

Contacts are for the profile wfm-messaging. A question is offered to its topic when it arrives, answered when an agent creates the
answer, and ended when that is resolved. Agent e-mails are outbound contacts, and notes internal ones: both count in direct_out.

The statistics are rows as they are: nothing is computed from them, and they are replaced when iService reports them again, at any
time: the stages of the pipeline and its policy for late facts are about facts. A record counts as one fact. ` + "`quarterhour explain`" + `
names the source behind such a row. Facts and statistics that say the same are refused, since they would be counted twice.

The vendor publishes the forms, the fields of the statistics, and how sessions, errors and pages work. Names of other fields are
presumptions: ` + "`quarterhour sources check`" + ` says which of them hold.
`

func (o *Options) facts() []string {
	var kinds []string
	s := &o.Streams
	if s.Interactions != nil {
		kinds = append(kinds, "contact")
	}
	if s.Logins != nil {
		kinds = append(kinds, "agent_state")
	}
	if s.Statistics != nil {
		kinds = append(kinds, "interval")
	}
	return kinds
}

// Validate checks what the types of the options do not say.
func (o *Options) Validate(problem func(path, message string)) {
	if u, err := url.Parse(o.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		problem("url", fmt.Sprintf("is %q, not an address such as https://example.iservicecrm.com", o.URL))
	}
	if _, err := regexp.Compile(o.Login.Expired); err != nil {
		problem("login.expired", fmt.Sprintf("is %q, not a regular expression: %v", o.Login.Expired, err))
	}
	if o.Login.Session < time.Minute {
		problem("login.session", "must be at least 1m")
	}
	if o.Channel == "" || o.Channel != strings.ToLower(o.Channel) {
		problem("channel", fmt.Sprintf("is %q: name it in lower case", o.Channel))
	}
	if o.Paging.PerPage < 1 || o.Paging.PerPage > 10_000 {
		problem("paging.per_page", "must be between 1 and 10000")
	}
	if o.Rate < 1 {
		problem("rate", "must be at least 1")
	}
	if o.Timeout < time.Second {
		problem("timeout", "must be at least 1s")
	}
	if o.KeepRaw < 0 {
		problem("keep_raw", "cannot be negative: write 0s for none")
	}
	s := &o.Streams
	if len(o.facts()) == 0 && s.Agents == nil {
		problem("streams", "names nothing that gives facts: name agents, logins, interactions or statistics")
	}
	o.validateEvery(problem)
	if s.Interactions != nil {
		s.Interactions.validate(problem)
	}
	if s.Statistics != nil {
		s.Statistics.validate(problem)
		o.validateTwice(problem)
	}
}

func (o *Options) validateEvery(problem func(path, message string)) {
	every := func(stream string, d time.Duration) {
		if d < time.Second {
			problem("streams."+stream+".every", "must be at least 1s")
		}
	}
	s := &o.Streams
	if s.Topics != nil {
		every("topics", s.Topics.Every)
	}
	if s.Agents != nil {
		every("agents", s.Agents.Every)
	}
	if s.Logins != nil {
		every("logins", s.Logins.Every)
	}
	if s.Interactions != nil {
		every("interactions", s.Interactions.Every)
	}
	if s.Statistics != nil {
		every("statistics", s.Statistics.Every)
	}
}

// validateTwice refuses facts and statistics that say the same: their rows add up.
func (o *Options) validateTwice(problem func(path, message string)) {
	s, kinds := &o.Streams, o.Streams.Statistics.Kinds
	has := func(kind string) bool { return len(kinds) == 0 || slices.Contains(kinds, kind) }
	const twice = "would be counted twice: leave one of them out, or read it in a pipeline of its own"
	if s.Interactions != nil && (has(kindQueue) || has(kindAgentQueue)) {
		problem("streams.statistics", "has the same contacts as streams.interactions, which "+twice)
	}
	if s.Logins != nil && has(kindAgent) {
		problem("streams.statistics", "has the same logins as streams.logins, which "+twice)
	}
	if s.Interactions != nil && has(kindAgent) && s.Statistics.Agents.DirectOut != "" {
		problem("streams.statistics.agents.direct_out", "has the same e-mails and notes as streams.interactions, which "+twice+" (none: '')")
	}
}
