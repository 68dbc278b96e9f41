package http

import (
	_ "embed"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/ingest/rows"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/spec"
)

// Options are what a pipeline file says about an API.
type Options struct {
	URL          string               `cfg:"url,required" help:"address that paths of streams are relative to, as https://api.example.com/v1"`
	Auth         httpcall.AuthOptions `cfg:"auth" help:"how requests are signed"`
	TLS          httpcall.TLSOptions  `cfg:"tls" help:"certificates, where the machine's do not do"`
	Headers      map[string]string    `cfg:"headers" help:"headers of every request"`
	Timeout      time.Duration        `cfg:"timeout" default:"60s" help:"how long an answer may take to begin, and to stay silent once it has"`
	Attempts     int                  `cfg:"attempts" default:"5" help:"how often a request is sent at most, where trying again makes sense"`
	Limits       []Limit              `cfg:"limits" help:"how many requests the API allows this credential; counted across restarts"`
	LimitZone    *time.Location       `cfg:"limit_timezone" help:"zone of the clock that minutes, hours and days of limits begin by; UTC if left out"`
	OneAtATime   bool                 `cfg:"one_at_a_time" default:"false" help:"never have two requests under way with this credential"`
	LockOn403    bool                 `cfg:"lock_on_forbidden" default:"false" help:"treat status 403 as 401: make no further request until the credential changes"`
	Zone         *time.Location       `cfg:"timezone" help:"IANA time zone of times without an offset; the pipeline's if left out"`
	KeepRaw      time.Duration        `cfg:"keep_raw" default:"0s" help:"how long answers are kept as they came; 0s: not at all"`
	MaxPageBytes int                  `cfg:"max_page_bytes" default:"0" help:"largest page in bytes; 0: any"`
	Streams      map[string]Stream    `cfg:"streams,required" help:"what to read, by name"`
}

// Limit is how many requests an API allows.
type Limit struct {
	Count int           `cfg:"count,required" help:"requests"`
	Per   time.Duration `cfg:"per,required" help:"stretch of time: 1s is spent evenly; 1m, 1h and 24h begin by the clock"`
}

// Rows are the options of what is made of the records.
type Rows = rows.Options

// Stream is one kind of record of the API.
type Stream struct {
	Method      string            `cfg:"method" default:"GET" enum:"GET|POST|PUT" help:"of the request"`
	Path        string            `cfg:"path" help:"relative to url, with placeholders such as {from}; may hold a query"`
	Query       map[string]string `cfg:"query" help:"parameters of the URL, with placeholders"`
	Headers     map[string]string `cfg:"headers" help:"headers of this stream's requests, with placeholders"`
	Body        string            `cfg:"body" help:"body of the request, with placeholders"`
	ContentType string            `cfg:"content_type" default:"application/json" help:"of the body; values of placeholders are escaped as it asks"`
	TimeFormat  string            `cfg:"time_format" default:"rfc3339" help:"of {from}, {to} and {now}: rfc3339, unix, unix_ms, a layout as Go writes it (2006-01-02 15:04:05) or as strftime does (%Y-%m-%d)"`
	TimeZone    *time.Location    `cfg:"time_timezone" help:"zone that {from}, {to} and {now} are written in; UTC if left out"`

	Format     string   `cfg:"format" default:"auto" enum:"auto|json|csv|tsv|xml" help:"of the answer; json also reads JSON Lines. auto: by its Content-Type"`
	Records    string   `cfg:"records" help:"where the records are: in JSON as data.items, left out for a list at the top; in XML as Envelope.Body.call"`
	Optional   bool     `cfg:"records_optional" default:"false" help:"whether an answer that is empty, or JSON or XML with nothing where the records should be, means that there are none, and not that it is the wrong answer"`
	Delimiter  string   `cfg:"delimiter" help:"one character between columns; a comma in csv, a tab in tsv if left out"`
	Quotes     bool     `cfg:"quotes" default:"true" help:"whether values may stand in double quotes (csv and tsv)"`
	Header     bool     `cfg:"header" default:"true" help:"whether the first line of a page names the columns (csv and tsv)"`
	Columns    []string `cfg:"columns" help:"names of the columns, where there is no header or it is no good"`
	NullValues []string `cfg:"null_values" help:"texts that mean absent; an empty value always does"`
	ErrorPath  string   `cfg:"error_path" help:"where a JSON answer of status 200 says that it is an error, as errors: anything there but null, false, 0 or an empty text, list or object"`
	EmptyOn    []string `cfg:"empty_on" help:"statuses besides 2xx that mean that there is nothing, as 404"`
	Rows

	Paging   Paging        `cfg:"paging" help:"how one page leads to the next"`
	Every    time.Duration `cfg:"every" help:"how often to read"`
	Cron     string        `cfg:"cron" help:"when to read, in place of every: five fields"`
	Align    time.Duration `cfg:"align" default:"0s" help:"how long after the full every by the clock"`
	Jitter   time.Duration `cfg:"jitter" default:"0s" help:"at most this much later, always the same for one stream"`
	Start    string        `cfg:"start" help:"where the first read begins, as 2026-01-31; back before now if left out"`
	Back     time.Duration `cfg:"back" default:"24h" help:"how far back the first read begins, and how far the API can be asked at most"`
	Overlap  time.Duration `cfg:"overlap" default:"1h" help:"how much of what has been read is asked for again, for what came late"`
	Lag      time.Duration `cfg:"lag" default:"10m" help:"how much later than its time a record may appear: what is promised is complete"`
	Longest  time.Duration `cfg:"longest" default:"24h" help:"of one window while catching up; 0s: no limit"`
	Replaces bool          `cfg:"replaces" default:"false" help:"an answer holds all there is in its window: what it no longer holds is withdrawn"`
	CutAt    int           `cfg:"cut_at" default:"0" help:"number of records at which the API cuts an answer short: the window is asked for in halves; 0: never"`
}

//go:embed sample.yaml
var sample string

// Registration declares the http source.
var Registration = ingest.Registration{
	Component: spec.Component{
		Kind:        spec.Ingest,
		Type:        "http",
		Summary:     "any API with pages of JSON, CSV or XML, mapped to facts by expressions",
		Description: description,
		Guarantee: "Every record of an answer becomes a fact, is left out by where, or is dead-lettered with stream, page, record and reason. Windows are asked for again " +
			"with an overlap, and after an outage from where they stopped.",
		Example: sample,
		New:     func() any { return new(Options) },
	},
	Facts: func(options any) []string { return options.(*Options).facts() },
	Open: func(options any, d ingest.Deps) (ingest.Source, error) {
		return open(options.(*Options), d)
	},
	Check: check,
}

func (o *Options) facts() (kinds []string) {
	for _, name := range o.names() {
		s := o.Streams[name]
		for _, kind := range s.Facts() {
			if !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
		}
	}
	return kinds
}

// names are the streams in the order in which they are looked at.
func (o *Options) names() []string { return slices.Sorted(maps.Keys(o.Streams)) }

// Validate checks what the types of the options do not say.
func (o *Options) Validate(problem func(path, message string)) {
	if u, err := url.Parse(o.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		problem("url", fmt.Sprintf("is %q, not a URL such as https://api.example.com/v1", httpcall.Redact(o.URL)))
	}
	o.Auth.Validate(func(path, message string) { problem("auth."+path, message) })
	o.TLS.Validate(func(path, message string) { problem("tls."+path, message) })
	if o.Attempts < 1 {
		problem("attempts", fmt.Sprintf("is %d: at least 1", o.Attempts))
	}
	if o.Timeout <= 0 {
		problem("timeout", fmt.Sprintf("is %s: longer than nothing", o.Timeout))
	}
	for i, l := range o.Limits {
		if l.Count < 1 || l.Per <= 0 {
			problem(fmt.Sprintf("limits[%d]", i), "needs a count of at least 1, and per longer than nothing")
		}
	}
	if len(o.Streams) == 0 {
		problem("streams", "has no stream: name what is to be read")
	}
	for _, name := range o.names() {
		s := o.Streams[name]
		s.validate("streams."+name+".", problem)
	}
}

func (s *Stream) validate(path string, problem func(path, message string)) {
	s.ValidateRows(s.Columns, path, problem)
	if (s.Every > 0) == (s.Cron != "") {
		problem(path+"every", "needs a value, or else cron does: one of them says when to read")
	} else if err := s.schedule(nil).Check(); err != nil {
		problem(path+"cron", err.Error())
	}
	for name, d := range map[string]time.Duration{"every": s.Every, "back": s.Back, "overlap": s.Overlap, "lag": s.Lag, "longest": s.Longest} {
		if d < 0 {
			problem(path+name, fmt.Sprintf("is %s: not negative", d))
		}
	}
	if _, err := s.start(time.UTC); err != nil {
		problem(path+"start", err.Error())
	}
	if s.Delimiter != "" && (len(s.Delimiter) != 1 || strings.ContainsAny(s.Delimiter, "\"\r\n")) {
		problem(path+"delimiter", fmt.Sprintf("is %q, not one ASCII character such as \";\"", s.Delimiter))
	}
	if !s.Header && len(s.Columns) == 0 && (s.Format == "csv" || s.Format == "tsv") {
		problem(path+"header", "is false: name the columns in columns")
	}
	if s.Format == "xml" && s.Records == "" {
		problem(path+"records", "is needed for XML: the elements from the outermost to the record, as Calls.Call")
	}
	for _, status := range s.EmptyOn {
		if n, err := strconv.Atoi(status); err != nil || n < 100 || n > 599 {
			problem(path+"empty_on", fmt.Sprintf("has %q, which is no status", status))
		}
	}
	if s.CutAt < 0 {
		problem(path+"cut_at", fmt.Sprintf("is %d: not negative", s.CutAt))
	} else if s.CutAt > 0 && !s.windowed() {
		problem(path+"cut_at", "needs a window that can be halved: use {from} and {to} in the request")
	}
	for name, text := range s.templates() {
		if unknown := unknownPlaceholder(text); unknown != "" && name != "body" {
			problem(path+name, fmt.Sprintf("has the placeholder %s: known are {%s}", unknown, strings.Join(placeholders, "}, {")))
		}
	}
	s.Paging.validate(s, path+"paging.", problem)
}

// templates are the texts with placeholders, by the option they stand in.
func (s *Stream) templates() map[string]string {
	all := map[string]string{"path": s.Path, "body": s.Body}
	for name, text := range s.Query {
		all["query."+name] = text
	}
	for name, text := range s.Headers {
		all["headers."+name] = text
	}
	return all
}

// uses says whether a placeholder stands anywhere in the request.
func (s *Stream) uses(name string) bool {
	for _, text := range s.templates() {
		if mentions(text, name) {
			return true
		}
	}
	return false
}

// windowed says that the stream asks for a stretch of time; else it asks for all there is.
func (s *Stream) windowed() bool { return s.uses("from") || s.uses("to") }

func (s *Stream) schedule(zone *time.Location) flow.Schedule {
	return flow.Schedule{Every: s.Every, Cron: s.Cron, Zone: zone, Align: s.Align, Jitter: s.Jitter}
}
