package http

import (
	"fmt"
	nethttp "net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/quarterhour/quarterhour/internal/httpcall"
)

// Validate checks what the types of the options do not say.
func (o *Options) Validate(problem func(path, message string)) {
	if u, err := url.Parse(o.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		problem("url", fmt.Sprintf("is %q, not a URL such as https://wfm.example.com/api/v1", httpcall.Redact(o.URL)))
	} else if u.RawQuery != "" || u.User != nil {
		problem("url", "has a query or a password: parameters are given in paths of records, passwords in auth")
	}
	o.Auth.Validate(func(path, message string) { problem("auth."+path, message) })
	o.TLS.Validate(func(path, message string) { problem("tls."+path, message) })
	o.Format.Validate(problem)
	if len(o.CSV.Delimiter) != 1 || strings.ContainsAny(o.CSV.Delimiter, "\"\r\n\x00") {
		problem("csv.delimiter", fmt.Sprintf("is %q, not one ASCII character such as \";\"", o.CSV.Delimiter))
	}
	if o.MaxBytes < 0 {
		problem("max_bytes", "is negative")
	}
	for n, l := range o.Limits {
		if l.Count < 1 || l.Per <= 0 {
			problem(fmt.Sprintf("limits[%d]", n), "needs a count of at least 1, and per longer than nothing")
		}
	}
	for name := range o.Headers {
		checkHeader("headers."+name, name, problem)
	}
	o.Answer.validate(problem)
	r := o.resolved()
	r.validateFormat(problem)
	if all := (&Options{Records: o.Records}); len(all.kinds()) == 0 {
		problem("records", "has nothing to send: name a kind of record")
	}
	r.compile(problem)
	r.validatePreset(problem)
}

func checkHeader(path, name string, problem func(path, message string)) {
	switch canonical := nethttp.CanonicalHeaderKey(name); {
	case !token.MatchString(name):
		problem(path, "is no name of a header")
	case slices.Contains([]string{"Content-Length", "Host", "Transfer-Encoding", "Connection"}, canonical):
		problem(path, "cannot be set")
	case canonical == "Authorization":
		problem(path, "cannot be set here, where it would be shown: use auth")
	}
}

var (
	token   = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	xmlName = regexp.MustCompile(`^[\pL_][\pL\pN_-]*(:[\pL_][\pL\pN_-]*)?$`)
	status  = regexp.MustCompile(`^[1-5](xx|XX|[0-9]{2})$`)
)

// compile makes the feeds, and reports what is wrong with them.
func (o *Options) compile(problem func(path, message string)) map[string]*feed {
	feeds := map[string]*feed{}
	for _, kind := range kinds {
		if f := o.Records.of(kind); f != nil {
			for name := range f.Headers {
				checkHeader("records."+kind+".headers."+name, name, problem)
			}
			c := compiler{kind, o, problem}
			feeds[kind] = c.compile(f)
		}
	}
	return feeds
}

func (a *Answer) validate(problem func(path, message string)) {
	for path, list := range map[string][]string{"success": a.Success, "retry": a.Retry, "refusals.statuses": a.Refusals.Statuses} {
		for _, s := range list {
			if !status.MatchString(strings.TrimSpace(s)) {
				problem("answer."+path, fmt.Sprintf("names %q, not a status such as 409 or 2xx", s))
			}
		}
	}
	if r := a.Refusals; r.List == "" && (r.Index != "" || r.Status != "" || len(r.Statuses) > 0) {
		problem("answer.refusals.list", "is needed: say where the refusals are")
	}
	if r := a.Refusals; (r.Status == "") != (len(r.Taken) == 0) {
		problem("answer.refusals.taken", "goes with status: give both, or neither")
	}
	if r := a.Refusals; r.List != "" && r.Index == "" && r.Status == "" {
		problem("answer.refusals.index", "is needed, or status where the list has an entry for each record")
	}
}

// validateFormat checks what belongs to one format only.
func (o *Options) validateFormat(problem func(path, message string)) {
	e := &o.Envelope
	switch o.BodyFormat {
	case formatJSON:
		if len(e.Fields) > 0 && e.Records == "" {
			problem("envelope.records", "is needed where the envelope has fields")
		}
	case formatXML:
		o.validateXML(problem)
	case formatCSV, formatNDJSON:
		if len(e.Fields) > 0 {
			problem("envelope.fields", fmt.Sprintf("has no place in %s", o.BodyFormat))
		}
	}
	if e.Records != "" && o.BodyFormat != formatJSON {
		problem("envelope.records", fmt.Sprintf("is of JSON, and format is %s", o.BodyFormat))
	}
}

func (o *Options) validateXML(problem func(path, message string)) {
	check := func(path, name string) {
		if !xmlName.MatchString(name) {
			problem(path, fmt.Sprintf("has %s, which is no name of an element or attribute", strconv.Quote(name)))
		}
	}
	if o.XML.Root != "" {
		for name := range strings.SplitSeq(o.XML.Root, ".") {
			check("xml.root", name)
		}
	}
	check("xml.element", o.XML.Element)
	for name := range o.XML.Attributes {
		check("xml.attributes", name)
	}
	for _, f := range o.Envelope.Fields {
		if strings.Contains(f.Name, "@") {
			problem("envelope.fields."+f.Name, "is an attribute: give those of the root in xml.attributes")
			continue
		}
		for name := range strings.SplitSeq(f.Name, ".") {
			check("envelope.fields."+f.Name, name)
		}
	}
	for _, kind := range o.kinds() {
		for _, f := range o.Records.of(kind).Fields {
			for name := range strings.SplitSeq(f.Name, ".") {
				if name = strings.TrimPrefix(name, "@"); name != "#text" {
					check("records."+kind+".fields."+f.Name, name)
				}
			}
		}
	}
}

// validatePreset checks what a preset leaves to the user.
func (o *Options) validatePreset(problem func(path, message string)) {
	for _, kind := range o.kinds() {
		f := o.Records.of(kind)
		switch o.Preset {
		case "eleveo":
			if kind != "queue_interval" && kind != "agent_queue_interval" && kind != "agent_interval" {
				problem("records."+kind, "has no place in an import of Eleveo, which is of intervals")
			} else if len(f.Fields) == 0 {
				problem("records."+kind+".fields", "are needed: Eleveo's columns are those of your installation")
			}
		case "genesys":
			if kind == "queue_interval" && f.Body == "" && len(f.Fields) <= len(genesysFields) {
				problem("records."+kind+".fields", "needs members that say the queue and the interval: the preset knows those of the measures only")
			}
		}
	}
}
