package calabrio

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// Validate checks what the types of the options do not say.
func (o *Options) Validate(problem func(path, message string)) {
	doors := 0
	for _, there := range []bool{o.Historical != nil, o.Adherence != nil, o.LogServer != nil, o.QueueImport != nil} {
		if there {
			doors++
		}
	}
	if doors != 1 {
		problem("", fmt.Sprintf("names %d doors: give one of historical, adherence, logserver, queue_import, and a sink of its own to each other", doors))
	}
	in := func(section string) func(path, message string) {
		return func(path, message string) { problem(section+"."+path, message) }
	}
	if o.Historical != nil {
		o.Historical.validate(in("historical"))
	}
	if o.Adherence != nil {
		o.Adherence.validate(in("adherence"))
	}
	if o.LogServer != nil {
		o.LogServer.validate(in("logserver"))
	}
	if o.QueueImport != nil {
		o.QueueImport.Times.validate(in("queue_import"))
		o.QueueImport.validate(in("queue_import"))
	}
}

// Fit implements sinks.Fitting.
func (o *Options) Fit(interval time.Duration, problem func(path, message string)) {
	if h := o.Historical; h != nil && interval != 0 && interval != h.Interval {
		problem("historical.interval", fmt.Sprintf("is %s, and the pipeline's interval is %s: set one of them as the other is", h.Interval, interval))
	}
}

func (h *Historical) validate(problem func(path, message string)) {
	checkURL(h.URL, problem)
	if h.KeyIn == "body" && h.Envelope == "" {
		problem("key_in", "is body, where a list has no place for a key: name the envelope")
	}
	if h.Queue == nil && h.AgentQueue == nil && h.Agent == nil {
		problem("queue", "is left out, and so are agent_queue and agent: give at least one of them, with its path")
	}
	if h.Interval != 15*time.Minute && h.Interval != 30*time.Minute && h.Interval != time.Hour {
		problem("interval", fmt.Sprintf("is %s, where Calabrio has 15m, 30m or 1h", h.Interval))
	}
	for _, s := range []struct {
		path string
		set  *RecordSet
		kind string
	}{{"queue", h.Queue, kindQueue}, {"agent_queue", h.AgentQueue, kindAgentQueue}, {"agent", h.Agent, kindAgent}} {
		if s.set != nil {
			checkColumns(s.kind, records[s.kind], s.set.Fields, s.path+".fields", true, problem)
		}
	}
	if h.Timeout < time.Second {
		problem("timeout", "must be at least 1s")
	}
	h.TLS.Validate(func(path, message string) { problem("tls."+path, message) })
}

var guid = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (a *Adherence) validate(problem func(path, message string)) {
	checkURL(a.URL, problem)
	if !guid.MatchString(a.PlatformTypeID) {
		problem("platform_type_id", fmt.Sprintf("is %q, not a GUID such as 00000000-0000-0000-0000-000000000000", a.PlatformTypeID))
	}
	for name := range a.States {
		if state, _, _ := strings.Cut(name, "/"); !stateNames[state] {
			problem("states", fmt.Sprintf("names %q, which is none of available, on_contact, wrap, not_ready, logged_out, with or without /reason", name))
		}
	}
	checkColumns(kindState, nil, spec.Exprs{{Name: "user_code", Expr: spec.Expr{Source: a.UserCode}}}, "", true, problem)
	if a.Timeout < time.Second {
		problem("timeout", "must be at least 1s")
	}
	a.TLS.Validate(func(path, message string) { problem("tls."+path, message) })
}

func (l *LogServer) validate(problem func(path, message string)) {
	l.Times.validate(problem)
	if strings.ContainsAny(l.FileDate, `/\:`) || !tellsDays(l.FileDate) {
		problem("file_date", fmt.Sprintf("is %q, not a pattern for a file name such as 2006-01-02", l.FileDate))
	}
	for path, given := range map[string]spec.Exprs{"queue": l.Queue, "agent_queue": l.AgentQueue, "agent": l.Agent} {
		kind := map[string]string{"queue": kindQueue, "agent_queue": kindAgentQueue, "agent": kindAgent}[path]
		checkColumns(kind, sheets[kind].columns, given, path, false, problem)
	}
}

func (q *QueueImport) validate(problem func(path, message string)) {
	if q.Prefix == "" || strings.ContainsAny(q.Prefix, `/\:`) || strings.HasPrefix(q.Prefix, ".") {
		problem("prefix", fmt.Sprintf("is %q, which cannot begin a file name", q.Prefix))
	}
	checkColumns(kindQueue, sheets[kindQueue].columns, q.Fields, "fields", false, problem)
}

func (t *Times) validate(problem func(path, message string)) {
	if strings.Contains(t.Date, ";") || !tellsDays(t.Date) {
		problem("date", fmt.Sprintf("is %q, not a pattern such as 2006-01-02 or 02.01.2006", t.Date))
	}
	if strings.Contains(t.Time, ";") || !tells(t.Time, func(a time.Time) []time.Time {
		return []time.Time{a.Add(time.Hour), a.Add(time.Minute), a.Add(12 * time.Hour)}
	}) {
		problem("time", fmt.Sprintf("is %q, not a pattern such as 15:04", t.Time))
	}
}

// tellsDays says whether a pattern writes each day differently.
func tellsDays(pattern string) bool {
	return tells(pattern, func(a time.Time) []time.Time {
		return []time.Time{a.AddDate(0, 0, 1), a.AddDate(0, 1, 0), a.AddDate(1, 0, 0)}
	})
}

// tells says whether a pattern writes an instant otherwise than others.
func tells(pattern string, others func(a time.Time) []time.Time) bool {
	a := time.Date(2021, 3, 4, 5, 6, 0, 0, time.UTC)
	for _, b := range others(a) {
		if a.Format(pattern) == b.Format(pattern) {
			return false
		}
	}
	return true
}

func checkURL(text string, problem func(path, message string)) {
	if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		problem("url", fmt.Sprintf("is %q, not an address such as https://acme.teleopticloud.com/path", text))
	}
}
