package columns

import (
	"encoding/json"
	"strconv"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// reasons is the one field of records that is no single value: a JSON object of milliseconds by reason.
const reasons = "not_ready_by_reason"

// fields are those of a bound record, and what its lists say as JSON.
type fields struct {
	*expression.Record
	agent *schemas.AgentInterval // nil: no record with a list
	used  bool                   // the list, by an expression
	named bool                   // key and revision are the item's
}

// What an item has besides its record.
const (
	itemKey      = "key"
	itemRevision = "revision"
)

func bindFields(record any) *fields {
	agent, _ := record.(*schemas.AgentInterval)
	return &fields{Record: expression.Bind(record), agent: agent}
}

// Column implements expression.Columns: the list's slot is behind those of the fields.
func (f *fields) Column(path []string) (int, expression.Kind, bool) {
	if f.agent != nil && len(path) == 1 && path[0] == reasons {
		f.used = true
		return len(f.Fields), expression.JSON, true
	}
	if f.named && len(path) == 1 {
		switch path[0] {
		case itemKey:
			return len(f.Fields) + 1, expression.Text, true
		case itemRevision:
			return len(f.Fields) + 2, expression.Int, true
		}
	}
	return f.Record.Column(path)
}

// Names lists the fields, for messages and completions.
func (f *fields) Names() []string {
	names := f.names()
	if f.named {
		names = append(names[:len(names):len(names)], itemKey)
	}
	return names
}

func (f *fields) names() []string {
	names := f.Record.Names()
	if f.agent == nil {
		return names
	}
	for n, name := range names {
		if name == "not_ready_ms" { // where the schema has it
			return append(names[:n+1:n+1], append([]string{reasons}, names[n+1:]...)...)
		}
	}
	return names
}

func (f *fields) load(e *expression.Env, i *delivery.Item) {
	if e.Values == nil {
		e.Values = make([]expression.Value, len(f.Fields)+3)
	}
	f.Load(e)
	if f.named {
		e.Values[len(f.Fields)+1], e.Values[len(f.Fields)+2] = expression.TextOf(i.Key), expression.IntOf(i.Revision)
	}
	if !f.used {
		return
	}
	list := f.agent.NotReadyByReason
	text := []byte{'{'}
	for n, v := range list {
		if n > 0 {
			text = append(text, ',')
		}
		name, err := json.Marshal(v.Name)
		if err != nil { // texts always can
			continue
		}
		text = append(append(text, name...), ':')
		text = strconv.AppendInt(text, v.Value, 10)
	}
	e.Values[len(f.Fields)] = expression.JSONOf(string(append(text, '}')))
}
