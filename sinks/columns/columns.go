// Package columns turns records into the columns that a destination wants: names and expressions in the order of the pipeline file,
// written as the destination reads them.
package columns

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Format is how values are written. A sink embeds it in its options.
type Format struct {
	Times     string         `cfg:"times" default:"rfc3339" help:"how instants are written: rfc3339, unix, unix_ms, or a layout as Go writes them, such as 2006-01-02 15:04"`
	Zone      *time.Location `cfg:"timezone" help:"IANA time zone of the instants; UTC if left out"`
	Durations string         `cfg:"durations" default:"seconds" enum:"seconds|milliseconds|minutes|hh:mm:ss" help:"how durations are written; whole seconds are rounded half to even, minutes have decimals"`
	Absent    string         `cfg:"absent" help:"what stands for a value that is absent"`
}

// Validate checks what the types of the options do not say.
func (f *Format) Validate(problem func(path, message string)) {
	if f.Times != "rfc3339" && f.Times != "unix" && f.Times != "unix_ms" && time.UnixMilli(0).UTC().Format(f.Times) == f.Times {
		problem("times", fmt.Sprintf("is %q, not rfc3339, unix, unix_ms or a layout such as \"2006-01-02 15:04\"", f.Times))
	}
}

// Table is the columns of one kind of record. Safe for concurrent use.
type Table struct {
	Kind    string            // queue_interval, contact, ...
	Names   []string          // of the columns
	Kinds   []expression.Kind // of the columns' values where they are not absent; Any where only the record tells
	format  Format
	columns spec.Exprs
	named   bool // key and revision are the item's

	mu   sync.Mutex
	idle []*bound
}

// New compiles the columns of a kind of record; without any, each field is a column. The error is an *expression.Error.
func New(kind string, columns spec.Exprs, f Format) (*Table, error) {
	return build(&Table{Kind: kind, format: f, columns: columns})
}

// NewOfItems is New, where expressions know besides the fields the item's name, key, and its revision, revision, which is the place in the log where
// the record is a fact.
func NewOfItems(kind string, columns spec.Exprs, f Format) (*Table, error) {
	return build(&Table{Kind: kind, format: f, columns: columns, named: true})
}

func build(t *Table) (*Table, error) {
	if len(t.columns) == 0 {
		b, err := t.bind()
		if err != nil {
			return nil, err
		}
		for _, name := range b.fields.names() {
			t.columns = append(t.columns, spec.NamedExpr{Name: name, Expr: spec.Expr{Source: name}})
		}
	}
	for _, c := range t.columns {
		t.Names = append(t.Names, c.Name)
	}
	b, err := t.bind()
	if err != nil {
		return nil, err
	}
	for _, p := range b.programs {
		t.Kinds = append(t.Kinds, p.Kind)
	}
	t.idle = append(t.idle, b)
	return t, nil
}

// bound is the columns compiled against one record in memory, which one caller uses at a time.
type bound struct {
	take     func(*delivery.Item) bool
	fields   *fields
	programs []*expression.Program
	env      expression.Env
}

func (t *Table) bind() (*bound, error) {
	b := &bound{}
	switch t.Kind {
	case "queue_interval":
		b.fields, b.take = binding(func(i *delivery.Item) *schemas.QueueInterval { return i.Queue })
	case "agent_queue_interval":
		b.fields, b.take = binding(func(i *delivery.Item) *schemas.AgentQueueInterval { return i.AgentQueue })
	case "agent_interval":
		b.fields, b.take = binding(func(i *delivery.Item) *schemas.AgentInterval { return i.Agent })
	case "contact":
		b.fields, b.take = binding(func(i *delivery.Item) *schemas.Contact { return i.Contact })
	case "agent_state":
		b.fields, b.take = binding(func(i *delivery.Item) *schemas.AgentState { return i.AgentState })
	case "worker":
		b.fields, b.take = binding(func(i *delivery.Item) *schemas.Worker { return i.Worker })
	default:
		return nil, fmt.Errorf("there is no kind of record %q", t.Kind)
	}
	b.fields.named = t.named
	c := expression.Compiler{Columns: b.fields, Zone: t.zone()}
	for _, column := range t.columns {
		p, err := c.Compile(column.Expr)
		if err != nil {
			return nil, err
		}
		b.programs = append(b.programs, p)
	}
	return b, nil
}

func (t *Table) zone() *time.Location {
	if t.format.Zone == nil {
		return time.UTC
	}
	return t.format.Zone
}

func binding[T any](of func(*delivery.Item) *T) (*fields, func(*delivery.Item) bool) {
	record := new(T)
	return bindFields(record), func(i *delivery.Item) bool {
		from := of(i)
		if from != nil {
			*record = *from
		}
		return from != nil
	}
}

// Values appends the values of an item's columns. The error says which column could not be computed.
func (t *Table) Values(dst []expression.Value, i *delivery.Item) ([]expression.Value, error) {
	b, err := t.get()
	if err != nil {
		return dst, err
	}
	defer t.put(b)
	if !b.take(i) {
		return dst, fmt.Errorf("%s is no %s", i.Key, t.Kind)
	}
	b.env.Renew()
	b.fields.load(&b.env, i)
	for n, p := range b.programs {
		v, err := p.Eval(&b.env)
		if err != nil {
			return dst, fmt.Errorf("column %q: %w", t.Names[n], p.Explain(err))
		}
		dst = append(dst, v)
	}
	return dst, nil
}

func (t *Table) get() (*bound, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.idle); n > 0 {
		b := t.idle[n-1]
		t.idle = t.idle[:n-1]
		return b, nil
	}
	return t.bind()
}

func (t *Table) put(b *bound) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idle = append(t.idle, b)
}

// Texts appends the values of an item's columns as the format writes them.
func (t *Table) Texts(dst []string, i *delivery.Item) ([]string, error) {
	values, err := t.Values(nil, i)
	for _, v := range values {
		dst = append(dst, t.Text(v))
	}
	return dst, err
}

// Text writes a value as the format has it.
func (t *Table) Text(v expression.Value) string {
	switch v.Kind {
	case expression.Nil:
		return t.format.Absent
	case expression.Instant:
		at := time.UnixMilli(v.Milliseconds()).In(t.zone())
		switch t.format.Times {
		case "rfc3339", "":
			return at.Format(time.RFC3339)
		case "unix":
			return strconv.FormatInt(at.Unix(), 10)
		case "unix_ms":
			return strconv.FormatInt(at.UnixMilli(), 10)
		}
		return at.Format(t.format.Times)
	case expression.Duration:
		return Duration(v.Milliseconds(), t.format.Durations)
	}
	return v.String()
}

// Duration writes milliseconds in one of the ways of Format.Durations.
func Duration(ms int64, how string) string {
	switch how {
	case "milliseconds":
		return strconv.FormatInt(ms, 10)
	case "minutes":
		return strconv.FormatFloat(float64(ms)/60_000, 'f', -1, 64)
	case "hh:mm:ss":
		s := Seconds(ms)
		return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return strconv.FormatInt(Seconds(ms), 10)
}

// Seconds rounds milliseconds to whole seconds, half to even.
func Seconds(ms int64) int64 {
	s, rest := ms/1000, ms%1000
	if rest < 0 {
		s, rest = s-1, rest+1000
	}
	if rest > 500 || rest == 500 && s%2 != 0 {
		s++
	}
	return s
}

// Fields are the names that expressions over a kind of record may use.
func Fields(kind string) string {
	t := &Table{Kind: kind}
	b, err := t.bind()
	if err != nil {
		return ""
	}
	return strings.Join(slices.Sorted(slices.Values(b.fields.names())), ", ")
}
