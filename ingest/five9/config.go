package five9

import (
	_ "embed"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/internal/spec"
)

// Options are what a pipeline file says about a Five9 domain.
type Options struct {
	Host              string         `cfg:"host" default:"api.five9.com" help:"api.five9.com (US), api.five9.eu (UK), api.five9.ca (Canada), api.eu.five9.com (Frankfurt), api.in.five9.com (India)"`
	URL               string         `cfg:"url" help:"in place of https://host, for simulators and proxies"`
	Username          string         `cfg:"username,required" help:"a user of its own for this source, with the administrator role and the permission for web services"`
	Password          string         `cfg:"password,required,secret" help:"its password; after a refused one no call is made until it is changed, since accounts lock"`
	AdminVersion      string         `cfg:"admin_version" default:"v13" help:"version of the configuration web service"`
	SupervisorVersion string         `cfg:"supervisor_version" default:"v13" help:"version of the statistics web service"`
	ReportZone        *time.Location `cfg:"report_timezone" default:"America/Los_Angeles" help:"IANA time zone of the times in reports: the data centre's (UK: Europe/London; Montreal, Frankfurt, Amsterdam: UTC)"`
	DataCenterZone    *time.Location `cfg:"data_center_timezone" help:"IANA time zone by which quotas begin anew; report_timezone if left out"`
	Folder            string         `cfg:"folder" default:"WFM Reports" help:"folder of the reports, case-sensitive"`
	Result            string         `cfg:"result" default:"csv" enum:"csv|rows" help:"how results are fetched: csv (getReportResultCsv) or rows (getReportResult)"`
	MaxRows           int            `cfg:"max_rows" help:"rows at which the vendor cuts a result short without saying so; 50000 for csv and 5000 for rows if left out"`
	ReportPoll        time.Duration  `cfg:"report_poll" default:"5s" help:"how long the vendor may take to answer whether a report is ready (whole seconds)"`
	ReportTimeout     time.Duration  `cfg:"report_timeout" default:"10m" help:"how long a report may take"`
	Timeout           time.Duration  `cfg:"timeout" default:"1m" help:"how long one answer may take"`
	Back              time.Duration  `cfg:"back" default:"24h" help:"how far back the first read begins"`
	KeepRaw           time.Duration  `cfg:"keep_raw" help:"how long results are kept as the vendor gave them; not at all if left out"`
	Streams           Streams        `cfg:"streams,required" help:"what is read; each stream that is named"`
}

// Streams are the flows of the source. One that is not named is not read.
type Streams struct {
	Users       *UserOptions    `cfg:"users" help:"people, as worker facts"`
	AgentStates *StateOptions   `cfg:"agent_states" help:"the report of agent states"`
	Calls       *CallOptions    `cfg:"calls" help:"the call log"`
	Digital     *DigitalOptions `cfg:"digital" help:"the report of chats and e-mails"`
	Statuses    *StatusOptions  `cfg:"statuses" help:"agents' present states by the statistics web service, ahead of the report"`
}

// When says when a stream is read.
type When struct {
	Cron   string        `cfg:"cron" help:"five cron fields in report_timezone, in place of every"`
	Align  time.Duration `cfg:"align" default:"2m" help:"after the full interval by the clock, as :02, :17, :32, :47"`
	Jitter time.Duration `cfg:"jitter" default:"30s" help:"at most this much later, so that not all sources ask at once"`
}

// Reading says how a report is read.
type Reading struct {
	When
	Folder       string            `cfg:"folder" help:"folder of the report; the source's if left out"`
	Overlap      time.Duration     `cfg:"overlap" default:"1h" help:"how much of what was read is read again each time"`
	Longest      time.Duration     `cfg:"longest" default:"6h" help:"longest window of one report while catching up"`
	RevisitEvery time.Duration     `cfg:"revisit_every" default:"6h" help:"how often more is read again, for what comes later than overlap: long calls, late rows, corrections; 0 for never"`
	RevisitBack  time.Duration     `cfg:"revisit_back" default:"26h" help:"how much that is"`
	Columns      map[string]string `cfg:"columns" help:"names of the report's columns where they are others; an empty name: the report has no such column"`
}

// UserOptions are about the list of users.
type UserOptions struct {
	Every   time.Duration `cfg:"every" default:"24h" help:"time between two reads"`
	Pattern string        `cfg:"pattern" default:".*" help:"regular expression that the user names match"`
	Tag     string        `cfg:"tag" default:"none" enum:"none|federationId|osLogin|userName|extension" help:"attribute of the user that says who the person is, in place of the e-mail address; where it is empty the address counts"`
}

// StateOptions are about the report of agent states.
type StateOptions struct {
	Every  time.Duration `cfg:"every" default:"10m" help:"time between two reads"`
	Report string        `cfg:"report" default:"WFM Agent States" help:"name of the report, case-sensitive"`
	Reading
	Lag    time.Duration     `cfg:"lag" default:"10m" help:"how much later than it begins a state appears in the report: intervals become final that much later"`
	States map[string]string `cfg:"states" help:"what the report's states are to the measures (available, on_contact, wrap, not_ready, logged_out), where it is not as usual"`
	Fields spec.Exprs        `cfg:"fields" help:"expressions that replace fields of the fact"`
	states map[string]stateOf
}

// CallOptions are about the call log.
type CallOptions struct {
	Every  time.Duration `cfg:"every" default:"15m" help:"time between two reads"`
	Report string        `cfg:"report" default:"WFM Call Log" help:"name of the report, case-sensitive"`
	Reading
	Lag              time.Duration     `cfg:"lag" default:"30m" help:"how much later than it begins a call appears in the report, which is when it has ended and 5 to 10 minutes more: intervals become final that much later"`
	Margin           time.Duration     `cfg:"margin" default:"15m" help:"longest time a caller spends in the IVR: what vanished from the report is looked for after that"`
	Queue            string            `cfg:"queue" default:"skill" enum:"skill|campaign|skill_or_campaign" help:"which column is the queue"`
	TalkIncludesHold bool              `cfg:"talk_includes_hold" default:"true" help:"whether TALK TIME includes HOLD TIME"`
	CallTypes        map[string]string `cfg:"call_types" help:"direction of each CALL TYPE (inbound, outbound, internal, callback, leave_out), where it is not as usual"`
	Dispositions     map[string]string `cfg:"dispositions" help:"outcome of contacts with a DISPOSITION (handled, abandoned, transferred, overflowed, voicemail, unknown), in place of the usual rule"`
	Fields           spec.Exprs        `cfg:"fields" help:"expressions that replace fields of the fact"`
	directions       map[string]int
	outcomes         map[string]outcome
}

// DigitalOptions are about the report of chats and e-mails.
type DigitalOptions struct {
	Every  time.Duration `cfg:"every" default:"15m" help:"time between two reads"`
	Report string        `cfg:"report" default:"WFM Digital" help:"name of the report, case-sensitive"`
	Reading
	Lag                time.Duration     `cfg:"lag" default:"30m" help:"how much later than it begins a session appears in the report, which is when it has ended and 5 to 10 minutes more: intervals become final that much later"`
	Queue              string            `cfg:"queue" default:"skill_or_campaign" enum:"skill|campaign|skill_or_campaign" help:"which column is the queue"`
	HandleIncludesWrap bool              `cfg:"handle_includes_wrap" default:"true" help:"whether HANDLE TIME includes AFTER CHAT WORK"`
	Channels           map[string]string `cfg:"channels" help:"channel of each MEDIA TYPE; the same in lower case if left out"`
	Dispositions       map[string]string `cfg:"dispositions" help:"outcome of contacts with a DISPOSITION, in place of the usual rule"`
	Fields             spec.Exprs        `cfg:"fields" help:"expressions that replace fields of the fact"`
	outcomes           map[string]outcome
}

// StatusOptions are about the statistics web service.
type StatusOptions struct {
	Every    time.Duration     `cfg:"every" default:"1m" help:"time between two questions"`
	Wait     time.Duration     `cfg:"wait" default:"2s" help:"how long the vendor may wait for a change before it answers; with the reports' user it delays them that much"`
	Username string            `cfg:"username" help:"a user with the supervisor role, which takes a supervisor licence; the source's if left out"`
	Password string            `cfg:"password,secret" help:"its password"`
	Session  map[string]string `cfg:"session" help:"settings of the session, as the service names them (appType, rollingPeriod, shiftStart, statisticsRange, timeZone ...)"`
	States   map[string]string `cfg:"states" help:"as in agent_states"`
	Columns  map[string]string `cfg:"columns" help:"names of the statistic's columns where they are others"`
	states   map[string]stateOf
}

//go:embed sample.yaml
var sample string

// Registration declares the Five9 source.
var Registration = ingest.Registration{
	Component: spec.Component{
		Kind:        spec.Ingest,
		Type:        "five9",
		Summary:     "calls, digital contacts, agent states and users of a Five9 domain, by its SOAP web services",
		Description: description,
		Guarantee: "Every row of a report becomes a fact, is left out by configuration, or is dead-lettered with report, row and reason; a missing column stops the " +
			"stream. What the vendor corrects or withdraws within `revisit_back` is corrected here. No quota is exceeded, and no call is made after a refused password.",
		Example: sample,
		New:     func() any { return new(Options) },
	},
	Facts: func(options any) []string { return options.(*Options).facts() },
	Open: func(options any, d ingest.Deps) (ingest.Source, error) {
		return open(options.(*Options), d)
	},
	Check: check,
}

// facts are the kinds that the streams write.
func (o *Options) facts() (kinds []string) {
	if o.Streams.Calls != nil || o.Streams.Digital != nil {
		kinds = append(kinds, "contact")
	}
	if o.Streams.AgentStates != nil {
		kinds = append(kinds, "agent_state")
	}
	return kinds
}

// Validate checks what the types of the options do not say.
func (o *Options) Validate(problem func(path, message string)) {
	if o.URL != "" {
		if u, err := url.Parse(o.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			problem("url", fmt.Sprintf("is %q, not a URL such as https://api.five9.com", o.URL))
		}
	}
	if strings.ContainsAny(o.Host, "/: ") || o.Host == "" {
		problem("host", fmt.Sprintf("is %q, not a host such as api.five9.com: leave out https:// and the path", o.Host))
	}
	if o.MaxRows < 0 {
		problem("max_rows", fmt.Sprintf("is %d: not negative", o.MaxRows))
	}
	if o.ReportPoll < time.Second {
		problem("report_poll", fmt.Sprintf("is %s: at least 1s, the vendor recommends 5s", o.ReportPoll))
	}
	if o.ReportTimeout <= 0 {
		problem("report_timeout", "is not longer than nothing")
	}
	if o.Back <= 0 {
		problem("back", "is not longer than nothing")
	}
	o.Streams.validate(problem)
}

func (s *Streams) validate(problem func(path, message string)) {
	if *s == (Streams{}) {
		problem("streams", "names no stream: write users: {}, agent_states: {}, calls: {} or digital: {}")
		return
	}
	if s.Statuses != nil && s.AgentStates == nil {
		problem("streams.statuses", "needs agent_states beside it: the report completes and corrects the statuses")
	}
	in := func(stream string) func(path, message string) {
		return func(path, message string) { problem("streams."+stream+"."+path, message) }
	}
	if s.Users != nil && s.Users.Every < time.Minute {
		in("users")("every", fmt.Sprintf("is %s: at least 1m", s.Users.Every))
	}
	if s.AgentStates != nil {
		s.AgentStates.validate(in("agent_states"))
	}
	if s.Calls != nil {
		s.Calls.validate(in("calls"))
	}
	if s.Digital != nil {
		s.Digital.validate(in("digital"))
	}
	if s.Statuses != nil {
		s.Statuses.validate(in("statuses"))
	}
}

func (r *Reading) validate(every, lag time.Duration, columns []column, problem func(path, message string)) {
	if every < time.Minute {
		problem("every", fmt.Sprintf("is %s: at least 1m, and by the usual quota of 800 reports a day all streams together at most one report in 2m", every))
	}
	for _, d := range [...]struct {
		name  string
		value time.Duration
		least time.Duration
	}{{"lag", lag, 0}, {"overlap", r.Overlap, 0}, {"longest", r.Longest, time.Minute}, {"revisit_every", r.RevisitEvery, 0}, {"revisit_back", r.RevisitBack, 0},
		{"align", r.Align, 0}, {"jitter", r.Jitter, 0}} {
		if d.value < d.least {
			problem(d.name, fmt.Sprintf("is %s: at least %s", d.value, d.least))
		}
	}
	if err := (flow.Schedule{Cron: r.Cron}).Check(); err != nil {
		problem("cron", strings.TrimPrefix(err.Error(), "cron "))
	}
	checkRoles(columns, r.Columns, func(role, message string) { problem("columns."+role, message) })
}
