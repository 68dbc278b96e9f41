package http

import (
	"errors"
	"fmt"
	nethttp "net/http"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks/columns"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/objects"
)

// kinds are the kinds of record in the order in which a destination should meet them: people before what they did.
var kinds = []string{"worker", "queue_interval", "agent_queue_interval", "agent_interval", "contact", "agent_state"}

func (r *Records) of(kind string) *Feed {
	return map[string]*Feed{
		"queue_interval": r.QueueInterval, "agent_queue_interval": r.AgentQueueInterval, "agent_interval": r.AgentInterval,
		"contact": r.Contact, "agent_state": r.AgentState, "worker": r.Worker,
	}[kind]
}

func (o *Options) kinds() []string {
	return slices.DeleteFunc(slices.Clone(kinds), func(k string) bool {
		return o.Records.of(k) == nil || len(o.Kinds) > 0 && !slices.Contains(o.Kinds, k)
	})
}

func kindOf(i *delivery.Item) string {
	switch {
	case i.Queue != nil:
		return "queue_interval"
	case i.AgentQueue != nil:
		return "agent_queue_interval"
	case i.Agent != nil:
		return "agent_interval"
	case i.Contact != nil:
		return "contact"
	case i.AgentState != nil:
		return "agent_state"
	}
	return "worker"
}

// feed makes requests of items of one kind.
type feed struct {
	o           *Options
	one         bool   // record in a request
	root        string // of XML
	method      string
	path        *template
	headers     []header
	around      *table // the envelope's own fields
	aroundShape *objects.Shape
	fields      *table // nil: body
	shape       *objects.Shape
	body        *template
	verify      *reader
}

type header struct {
	name string
	*template
}

// compiler reports what is wrong where.
type compiler struct {
	kind    string
	o       *Options
	problem func(path, message string)
}

// compile makes the feed of a kind; it reports all that is wrong with it.
func (c *compiler) compile(f *Feed) *feed {
	at := "records." + c.kind
	out := &feed{o: c.o, one: c.o.One || f.One, root: c.o.XML.Root, method: c.o.Method, path: c.template(at+".path", f.Path)}
	if f.Method != "" {
		out.method = strings.ToUpper(f.Method)
		if !slices.Contains([]string{"POST", "PUT", "PATCH", "DELETE"}, out.method) {
			c.problem(at+".method", fmt.Sprintf("is %q, not POST, PUT, PATCH or DELETE", f.Method))
		}
	}
	if out.root == "" && !out.one {
		out.root = "records"
	}
	given := map[string]string{}
	for name, text := range c.o.Headers {
		given[nethttp.CanonicalHeaderKey(name)] = text
	}
	for name, text := range f.Headers {
		given[nethttp.CanonicalHeaderKey(name)] = text
	}
	for name, text := range given {
		out.headers = append(out.headers, header{name, c.template("headers."+name, text)})
	}
	around := c.o.Envelope.Fields
	if out.one {
		around = nil
	}
	out.around, out.aroundShape = c.table("envelope.fields", around, c.listName())
	if f.Body != "" {
		c.withBody(out, f, at)
	} else {
		c.withFields(out, f, at)
	}
	out.verify = c.reader(at+".verify", f, out)
	return out
}

// listName is the further name in the envelope: the one that holds the records.
func (c *compiler) listName() []string {
	if c.o.BodyFormat == formatJSON && c.o.Envelope.Records != "" {
		return []string{c.o.Envelope.Records}
	}
	return nil
}

func (c *compiler) withFields(out *feed, f *Feed, at string) {
	fields := f.Fields
	if len(fields) == 0 {
		t, err := columns.New(c.kind, nil, c.o.Format)
		if err != nil {
			c.problem(at, err.Error())
			return
		}
		for _, name := range t.Names {
			fields = append(fields, spec.NamedExpr{Name: name, Expr: spec.Expr{Source: name}})
		}
	}
	out.fields, out.shape = c.table(at+".fields", fields, nil)
}

func (c *compiler) withBody(out *feed, f *Feed, at string) {
	switch {
	case len(f.Fields) > 0:
		c.problem(at+".body", "is given beside fields: leave one of them out")
	case c.o.BodyFormat == formatCSV:
		c.problem(at+".body", "cannot be used with csv: name the columns in fields")
	}
	if out.body = c.template(at+".body", f.Body); out.body == nil {
		return
	}
	sample, err := out.body.body(example(c.kind), c.o.BodyFormat)
	if err != nil {
		return // there are records that cannot be written, as where something is divided by 0
	}
	if err := wellFormed(sample, c.o.BodyFormat); err != nil {
		c.problem(at+".body", fmt.Sprintf("cannot be used: %v", err))
	}
}

func (c *compiler) template(path, text string) *template {
	t, err := newTemplate(c.kind, text, &c.o.Format)
	if err != nil {
		c.problem(path, message(err))
		return nil
	}
	return t
}

// table compiles expressions, and the shape of their names and further ones behind them.
func (c *compiler) table(path string, exprs spec.Exprs, further []string) (*table, *objects.Shape) {
	var names []string
	sound := true
	for _, e := range exprs {
		if _, err := newTable(c.kind, spec.Exprs{e}, &c.o.Format); err != nil {
			c.problem(path+"."+e.Name, message(err))
			sound = false
		}
		names = append(names, e.Name)
	}
	if c.o.BodyFormat == formatCSV {
		further = nil
		for n := range names { // dots mean nothing there
			names[n] = fmt.Sprint(n)
		}
	}
	shape, err := objects.New(append(names, further...))
	if err != nil {
		c.problem(path, "has names that cannot be together: "+err.Error())
		return nil, nil
	}
	if !sound {
		return nil, nil
	}
	t, err := newTable(c.kind, exprs, &c.o.Format)
	if err != nil {
		c.problem(path, message(err))
	}
	return t, shape
}

func message(err error) string {
	var wrong *expression.Error
	if errors.As(err, &wrong) {
		return wrong.Message
	}
	return err.Error()
}
