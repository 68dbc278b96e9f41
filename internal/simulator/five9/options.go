package five9

import (
	"cmp"
	"slices"
	"time"
)

// Options of a simulated Five9. The zero value of a field stands for what Defaults says.
type Options struct {
	User, Password string
	// Others are the passwords of further users, by name: one for the statistics, that does not wait for the reports.
	Others        map[string]string
	Zone          string // of the data centre: TIMESTAMP columns, counters, criteria without offset
	Versions      []string
	Limits        []Limit
	LockAfter     int // wrong passwords in a row
	Reports       []Report
	MostCSV, Most int // rows of getReportResultCsv and getReportResult; more are cut off without a word
	// Running is how long a report takes at most; a third of it at least.
	Running time.Duration
	// NoID is the share of runReport answers without an identifier: one in so many; none if 0.
	NoID int
	// Keeps is how long a result can be fetched.
	Keeps  time.Duration
	Faults Faults
	// FaultStatus is the HTTP status of SOAP faults: 500, 200, or 0 for now the one, now the other.
	FaultStatus int
	// Prefixes fixes the namespace prefixes of answers to the usual env and ns2; otherwise they vary.
	Prefixes bool
	// InclusiveEnd counts the end of a report's criteria in.
	InclusiveEnd bool
	// Idle is how long a statistics session lives without a call, where the session does not say.
	Idle time.Duration
	// Licences is how many users may have a statistics session at a time.
	Licences int
}

// Limit is a counter: so many operations of a type in a clock minute, hour or day.
type Limit struct {
	Operation         string
	Minute, Hour, Day int64
}

// Kind is what a report lists.
type Kind string

// The kinds of report.
const (
	Calls   Kind = "calls"
	States  Kind = "states"
	Digital Kind = "digital"
)

// Report is a report in a folder. Names are case-sensitive.
type Report struct {
	Folder, Name string
	Kind         Kind
	Columns      []string
}

// Faults say how reports differ from what happened. A share is one row in so many; 0 is none.
type Faults struct {
	Lag, LagMost time.Duration // until a row appears
	Late         int           // share of rows that appear later than that, LateBy at most
	LateBy       time.Duration
	Wrong        int           // share of rows that are wrong at first
	Corrected    time.Duration // at most, until they are put right
	Twice        int           // share of rows that a report lists twice
	Tests        int           // share of calls beside which a test call is listed, until it vanishes within Corrected
}

// Settled is when the last correction of what ended at an instant has been made, at the latest.
func (f Faults) Settled(end time.Time) time.Time {
	at := end.Add(f.LagMost)
	if f.Late > 0 {
		at = at.Add(f.LateBy)
	}
	if f.Wrong > 0 || f.Tests > 0 {
		at = at.Add(f.Corrected)
	}
	return at
}

// DefaultFaults are the usual ones.
func DefaultFaults() Faults {
	return Faults{
		Lag: 5 * time.Minute, LagMost: 10 * time.Minute, Late: 40, LateBy: time.Hour, Wrong: 30, Corrected: 40 * time.Minute, Twice: 50, Tests: 60,
	}
}

// Credentials and report names that the defaults have.
const (
	User          = "wfm-api"
	Password      = "s3cret-Five9"
	Supervisor    = "wfm-supervisor"
	Folder        = "WFM Reports"
	CallReport    = "WFM Call Log"
	StateReport   = "WFM Agent States"
	DigitalReport = "WFM Digital"
)

// Defaults are the options of a domain in the US with the vendor's usual limits.
func Defaults() Options {
	return Options{
		User: User, Password: Password, Others: map[string]string{Supervisor: Password}, Zone: "America/Los_Angeles",
		Versions: []string{"v2", "v3", "v4", "v9_3", "v9_5", "v10", "v10_2", "v11", "v12", "v13", "v14"},
		Limits:   DefaultLimits(), LockAfter: 3, Reports: DefaultReports(),
		MostCSV: 50_000, Most: 5_000, Running: 20 * time.Second, Keeps: time.Hour, Faults: DefaultFaults(), Idle: 30 * time.Minute, Licences: 10,
	}
}

// DefaultLimits are the vendor's.
func DefaultLimits() []Limit {
	return []Limit{
		{"Query", 450, 15_000, 172_800}, {"Modify", 140, 7_200, 172_800}, {"SingleUpload", 160, 7_200, 172_800},
		{"AsynchronousUpload", 20, 1_000, 2_000}, {"ReportRequest", 16, 120, 800}, {"RetrieveReport", 20, 200, 1_000}, {"Upload", 20, 400, 2_000},
	}
}

// DefaultReports are the three custom reports of a usual set-up, and the built-in call log, which has no skill.
func DefaultReports() []Report {
	custom := append(slices.Clone(CallColumns), "SKILL", "AGENT ID", "AGENT GROUP")
	return []Report{
		{Folder, CallReport, Calls, custom},
		{Folder, StateReport, States, StateColumns},
		{Folder, DigitalReport, Digital, DigitalColumns},
		{"Call Log Reports", "Call Log", Calls, CallColumns},
		{"Agent Reports", "Agent State Details", States, StateColumns},
	}
}

// CallColumns are those of the built-in call log, in the vendor's order.
var CallColumns = []string{"CALL ID", "TIMESTAMP", "CAMPAIGN", "CALL TYPE", "AGENT", "AGENT NAME", "DISPOSITION", "ANI", "CUSTOMER NAME", "DNIS",
	"CALL TIME", "BILL TIME (ROUNDED)", "COST", "IVR TIME", "QUEUE WAIT TIME", "RING TIME", "TALK TIME", "HOLD TIME", "PARK TIME",
	"AFTER CALL WORK TIME", "TRANSFERS", "CONFERENCES", "HOLDS", "ABANDONED", "RECORDINGS"}

// StateColumns are those of the agent-state report.
var StateColumns = []string{"AGENT", "AGENT ID", "AGENT NAME", "AGENT GROUP", "DATE", "TIME", "TIMESTAMP", "STATE", "REASON CODE", "AGENT STATE TIME",
	"SKILL AVAILABILITY", "CALL ID", "CALL TYPE"}

// DigitalColumns are those of the chat and e-mail report.
var DigitalColumns = []string{"TIMESTAMP", "AGENT", "AGENT NAME", "ACCOUNT NAME", "CAMPAIGN", "CUSTOMER ID", "CUSTOMER NAME", "DISPOSITION", "FROM ADDRESS",
	"MEDIA SUBTYPE", "MEDIA TYPE", "SESSION GUID", "SKILL", "TO ADDRESS", "TRANSCRIPT LINK", "WORK ITEM STATUS", "AFTER CHAT WORK", "CHAT TIME",
	"EMAIL QUEUE TIME", "EMAIL TIME", "HANDLE TIME", "INTERACTION TIME", "QUEUE TIME"}

// filled puts the defaults where nothing is said.
func (o Options) filled() Options {
	d := Defaults()
	o.User, o.Password, o.Zone = cmp.Or(o.User, d.User), cmp.Or(o.Password, d.Password), cmp.Or(o.Zone, d.Zone)
	o.LockAfter, o.MostCSV, o.Most = cmp.Or(o.LockAfter, d.LockAfter), cmp.Or(o.MostCSV, d.MostCSV), cmp.Or(o.Most, d.Most)
	o.Running, o.Keeps, o.Idle = cmp.Or(o.Running, d.Running), cmp.Or(o.Keeps, d.Keeps), cmp.Or(o.Idle, d.Idle)
	o.Licences = cmp.Or(o.Licences, d.Licences)
	if o.Others == nil {
		o.Others = d.Others
	}
	if o.Versions == nil {
		o.Versions = d.Versions
	}
	if o.Limits == nil {
		o.Limits = d.Limits
	}
	if o.Reports == nil {
		o.Reports = d.Reports
	}
	if o.Faults == (Faults{}) {
		o.Faults = d.Faults
	}
	return o
}
