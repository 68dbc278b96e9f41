package http

import (
	_ "embed"
	"time"

	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/columns"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// The formats of a body.
const (
	formatJSON   = "json"
	formatNDJSON = "ndjson"
	formatXML    = "xml"
	formatCSV    = "csv"
)

// Options are what a pipeline file says about a destination.
type Options struct {
	URL         string               `cfg:"url,required" help:"address that paths of records are relative to, such as https://wfm.example.com/api/v1"`
	Preset      string               `cfg:"preset" default:"none" enum:"none|eleveo|genesys" help:"what is known of a destination; the description says what each sets, and what is left to you"`
	Auth        httpcall.AuthOptions `cfg:"auth" help:"how requests are signed"`
	TLS         httpcall.TLSOptions  `cfg:"tls" help:"certificates, also the client's for mutual TLS"`
	Method      string               `cfg:"method" default:"POST" enum:"POST|PUT|PATCH" help:"of the requests"`
	Headers     map[string]string    `cfg:"headers" help:"headers of every request, with {{expressions}}; records whose headers differ go in separate requests"`
	BodyFormat  string               `cfg:"format" default:"json" enum:"json|ndjson|xml|csv" help:"of the body"`
	ContentType string               `cfg:"content_type" help:"header Content-Type; the usual one of the format if left out"`
	One         bool                 `cfg:"one_per_request" default:"false" help:"a request for each record, whose body is the record itself, without list and envelope"`
	MaxBytes    int                  `cfg:"max_bytes" default:"0" help:"largest body; what does not fit goes in a further request. 0: any"`
	Nulls       string               `cfg:"nulls" default:"write" enum:"write|omit" help:"fields that are absent: null (in XML an empty element), or left out"`
	Envelope    Envelope             `cfg:"envelope" help:"what is around the records of JSON"`
	XML         XML                  `cfg:"xml" help:"elements of XML"`
	CSV         CSV                  `cfg:"csv" help:"how CSV is written"`
	Records     Records              `cfg:"records,required" help:"what is sent, by kind of record; kinds that are left out are not sent"`
	Answer      Answer               `cfg:"answer" help:"how the destination says what it took"`
	Limits      []Limit              `cfg:"limits" help:"how many requests the destination allows this credential; counted across restarts"`
	OneAtATime  bool                 `cfg:"one_at_a_time" default:"false" help:"never have two requests under way with this credential"`
	Timeout     time.Duration        `cfg:"timeout" default:"60s" help:"how long an answer may take"`
	columns.Format
	delivery.Options
}

// Limit is how many requests a destination allows.
type Limit struct {
	Count int           `cfg:"count,required" help:"requests"`
	Per   time.Duration `cfg:"per,required" help:"stretch of time: 1s is spent evenly; 1m, 1h and 24h begin by the clock; any other with the first request"`
}

// Envelope is what is around the records of a JSON body.
type Envelope struct {
	Records string     `cfg:"records" help:"member that holds the list, such as data.rows; left out: the body is the list"`
	Fields  spec.Exprs `cfg:"fields" help:"further members: expressions over the record; records for which they differ go in separate requests"`
}

// XML says which elements there are around the fields.
type XML struct {
	Root        string            `cfg:"root" help:"elements around all, from the outside, such as Envelope.Body.Import; left out: records, and nothing around the one record of a request"`
	Element     string            `cfg:"element" default:"record" help:"element of a record"`
	Namespace   string            `cfg:"namespace" help:"default namespace of the root"`
	Attributes  map[string]string `cfg:"attributes" help:"attributes of the root, such as xmlns:soap"`
	Declaration bool              `cfg:"declaration" default:"true" help:"whether the document begins with an XML declaration"`
}

// CSV says how lines are written.
type CSV struct {
	Header    bool   `cfg:"header" default:"true" help:"whether the first line names the columns"`
	Delimiter string `cfg:"delimiter" default:"," help:"one character between the columns"`
	CRLF      bool   `cfg:"crlf" default:"false" help:"whether lines end as on Windows"`
}

// Records are the kinds of record that there are.
type Records struct {
	QueueInterval      *Feed `cfg:"queue_interval" help:"queue intervals"`
	AgentQueueInterval *Feed `cfg:"agent_queue_interval" help:"agent queue intervals"`
	AgentInterval      *Feed `cfg:"agent_interval" help:"agent intervals"`
	Contact            *Feed `cfg:"contact" help:"contacts"`
	AgentState         *Feed `cfg:"agent_state" help:"agent states"`
	Worker             *Feed `cfg:"worker" help:"workers"`
}

// Feed is what is sent of one kind of record.
type Feed struct {
	Path    string            `cfg:"path" help:"path below url, with or without a query, with {{expressions}}; records whose paths differ go in separate requests"`
	One     bool              `cfg:"one_per_request" default:"false" help:"as the option of the sink, for this kind of record"`
	Method  string            `cfg:"method" help:"another method than that of the sink: POST, PUT, PATCH or DELETE"`
	Headers map[string]string `cfg:"headers" help:"further headers, with {{expressions}}"`
	Fields  spec.Exprs        `cfg:"fields" help:"names and expressions, in order; names with dots make nested objects and elements, @name an XML attribute. All fields of the record if left out, and no body"`
	Body    string            `cfg:"body" help:"in place of fields: a JSON or XML record with {{expressions}}, whose values are escaped as they stand"`
	Verify  Verify            `cfg:"verify" help:"how a record is read back"`
}

// Verify says how a record is read back.
type Verify struct {
	Path   string     `cfg:"path" help:"path of a GET, with {{expressions}}; left out: it cannot be read back"`
	Record string     `cfg:"record" help:"where the record is in the answer, such as data.0; the answer itself if left out"`
	Fields spec.Exprs `cfg:"fields" help:"what stands at paths of the record, and what it must be; the fields that are sent if left out"`
}

// Answer says how a destination says what it took. Paths are names and numbers with dots between.
type Answer struct {
	Success  []string `cfg:"success" help:"statuses by which it took the records, such as 2xx or 409; 2xx if left out"`
	Retry    []string `cfg:"retry" help:"statuses that are passing, besides 408, 425, 429 and 5xx, such as 423"`
	Failure  string   `cfg:"failure" help:"path at which an answer of success says that it is none, such as errors: anything there but null, false, 0 and empty"`
	Passing  bool     `cfg:"failure_passing" default:"false" help:"whether such a failure may be gone the next time; else the records are at fault"`
	Refusals Refusals `cfg:"refusals" help:"how the answer names records that it did not take while it took all others; left out: a refused request is sent again in parts"`
}

// Refusals are where an answer says which records were not taken.
type Refusals struct {
	List     string   `cfg:"list" help:"path of the list; . is the answer itself"`
	Statuses []string `cfg:"statuses" help:"statuses besides those of success whose answers have such a list, such as 422, and whose other records were taken"`
	Index    string   `cfg:"index" help:"path of the record's place in the request, in an entry of the list; left out: the list has an entry for each record, in order"`
	First    int      `cfg:"first" default:"0" help:"number of the first place"`
	Status   string   `cfg:"status" help:"path of a text in an entry that says whether the record was taken; left out: every entry is a refusal"`
	Taken    []string `cfg:"taken" help:"texts there by which it was taken"`
	Reason   string   `cfg:"reason" default:"message" help:"path of the reason in an entry"`
}

//go:embed sample.yaml
var sample string

// Registration declares the sink.
var Registration = sinks.Registration{
	Component: spec.Component{
		Kind: spec.Sink, Type: "http",
		Summary:     "any destination that takes JSON, XML or CSV by HTTPS, by templates",
		Description: description,
		Guarantee: "The destination was sent the newest revision of every record, as a total; where it replaces by the record's key, it holds exactly that. " +
			"A record that it refuses, or that cannot be written as it asks, is a dead letter with the reason.",
		Example: sample,
		New:     func() any { return new(Options) },
	},
	Kinds:   func(options any) []string { return options.(*Options).kinds() },
	Deliver: deliver,
}
