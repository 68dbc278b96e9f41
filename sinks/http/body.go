package http

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/objects"
)

// record is an item as the destination is to read it.
func (f *feed) record(i *delivery.Item) ([]byte, error) {
	if f.body != nil {
		text, err := f.body.body(i, f.o.BodyFormat)
		if err != nil || f.o.BodyFormat != formatNDJSON {
			return text, err
		}
		var line bytes.Buffer // a record is one line
		if err := json.Compact(&line, text); err != nil {
			return nil, fmt.Errorf("body is no JSON: %w", err)
		}
		return line.Bytes(), nil
	}
	values, err := f.fields.values(i)
	if err != nil {
		return nil, err
	}
	omit := f.o.Nulls == "omit"
	switch f.o.BodyFormat {
	case formatCSV:
		cells := make([]string, len(values))
		for n, v := range values {
			cells[n] = f.fields.Text(v)
		}
		return f.line(cells)
	case formatXML:
		return f.shape.XML(nil, f.o.XML.Element, "", func(n int) (string, bool) {
			return f.fields.Text(values[n]), !(omit && values[n].IsNil())
		}), nil
	}
	return f.shape.JSON(nil, func(dst []byte, n int) ([]byte, bool) {
		return f.fields.json(dst, values[n]), !(omit && values[n].IsNil())
	}), nil
}

func (f *feed) line(cells []string) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.Comma, w.UseCRLF = rune(f.o.CSV.Delimiter[0]), f.o.CSV.CRLF
	err := w.Write(cells)
	w.Flush()
	return out.Bytes(), errors.Join(err, w.Error())
}

// surroundings are the envelope's own fields of an item, as they are written.
func (f *feed) surroundings(i *delivery.Item) ([]string, error) {
	values, err := f.around.values(i)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(values))
	for n, v := range values {
		if f.o.BodyFormat == formatXML {
			texts[n] = f.around.Text(v)
		} else {
			texts[n] = string(f.around.json(nil, v))
		}
	}
	return texts, nil
}

// whole is the body of a request.
func (f *feed) whole(around []string, records [][]byte) []byte {
	switch f.o.BodyFormat {
	case formatNDJSON:
		return append(bytes.Join(records, []byte{'\n'}), '\n')
	case formatXML:
		return f.document(around, bytes.Join(records, nil))
	case formatCSV:
		var out []byte
		if f.o.CSV.Header {
			out, _ = f.line(f.fields.Names) // it is the delimiter that could be wrong, and that is checked
		}
		return append(out, bytes.Join(records, nil)...)
	}
	list := bytes.Join(records, []byte{','})
	if f.one {
		return list
	}
	list = append(append([]byte{'['}, list...), ']')
	if f.o.Envelope.Records == "" {
		return list
	}
	return f.aroundShape.JSON(nil, func(dst []byte, n int) ([]byte, bool) {
		if n < len(around) {
			return append(dst, around[n]...), true
		}
		return append(dst, list...), true
	})
}

func (f *feed) document(around []string, records []byte) []byte {
	x := &f.o.XML
	var out []byte
	if x.Declaration {
		out = append(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"...)
	}
	if f.root == "" {
		return append(out, records...)
	}
	elements := strings.Split(f.root, ".")
	for n, name := range elements {
		out = append(append(out, '<'), name...)
		if n == 0 {
			out = append(out, f.rootAttributes()...)
		}
		out = append(out, '>')
	}
	if f.aroundShape != nil && len(around) > 0 {
		inner := f.aroundShape.XML(nil, "x", "", func(n int) (string, bool) { return around[n], true })
		out = append(out, bytes.TrimSuffix(bytes.TrimPrefix(inner, []byte("<x>")), []byte("</x>"))...)
	}
	out = append(out, records...)
	for _, name := range slices.Backward(elements) {
		out = append(append(append(out, '<', '/'), name...), '>')
	}
	return out
}

func (f *feed) rootAttributes() (out []byte) {
	write := func(name, value string) {
		out = append(append(append(out, ' '), name...), '=', '"')
		out = append(objects.Escaped(out, value), '"')
	}
	if ns := f.o.XML.Namespace; ns != "" {
		write("xmlns", ns)
	}
	for _, name := range slices.Sorted(maps.Keys(f.o.XML.Attributes)) {
		write(name, f.o.XML.Attributes[name])
	}
	return out
}

// contentType is that of a format unless the pipeline file says otherwise.
func (o *Options) contentType() string {
	if o.ContentType != "" {
		return o.ContentType
	}
	return map[string]string{
		formatJSON: "application/json", formatNDJSON: "application/x-ndjson", formatXML: "application/xml; charset=utf-8", formatCSV: "text/csv; charset=utf-8",
	}[o.BodyFormat]
}

// wellFormed says what is wrong with a record that a template made.
func wellFormed(text []byte, format string) error {
	if format == formatXML {
		_, err := objects.FromXML(append(append([]byte("<x>"), text...), "</x>"...))
		return err
	}
	var any any
	if err := json.Unmarshal(text, &any); err != nil {
		return fmt.Errorf("it would make no JSON of a record: %w", err)
	}
	return nil
}

// example is an item of a kind, to try templates with.
func example(kind string) *delivery.Item {
	i := &delivery.Item{Key: kind + "/key", Tenant: "tenant", Revision: 1}
	switch kind {
	case "queue_interval":
		i.Queue = &schemas.QueueInterval{IntervalSeconds: 900}
	case "agent_queue_interval":
		i.AgentQueue = &schemas.AgentQueueInterval{IntervalSeconds: 900}
	case "agent_interval":
		i.Agent = &schemas.AgentInterval{IntervalSeconds: 900}
	case "contact":
		i.Contact = &schemas.Contact{}
	case "agent_state":
		i.AgentState = &schemas.AgentState{}
	case "worker":
		i.Worker = &schemas.Worker{}
	}
	return i
}
