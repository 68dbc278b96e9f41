package rows

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/expression"
)

// XML reads the elements at a path of an XML document as records. Namespaces are left out of names; an attribute is a value named
// @name, the text of an element that has attributes one named #text; an element that comes several times is a list.
type XML struct {
	decoder  *xml.Decoder
	records  []string
	captures [][]string
	captured []string
	paths    [][]string
	nulls    []string
	at       []string
	row      any
	number   int64
	size     int
	begun    bool
	seen     bool
}

// NewXML reads the values at paths, each into the slot of its number, of the elements at the path records, which begins with the
// document's own element. Captures are paths of other elements whose text is kept.
func NewXML(r io.Reader, records []string, captures [][]string, paths [][]string, nulls []string) *XML {
	d := xml.NewDecoder(r)
	d.Strict = true
	return &XML{decoder: d, records: records, captures: captures, captured: make([]string, len(captures)), paths: paths, nulls: nulls}
}

// Captured is the text at a path of NewXML once all records have been read.
func (x *XML) Captured(i int) string { return x.captured[i] }

// Seen says whether the document has the element in which the records are.
func (x *XML) Seen() bool { return x.seen }

// Number is how many records have been read.
func (x *XML) Number() int64 { return x.number }

// Position is the number of the last record.
func (x *XML) Position() string { return fmt.Sprintf("record %d", x.number) }

// Raw is the last record as JSON.
func (x *XML) Raw() []byte {
	text, _ := json.Marshal(x.row) // maps and texts: it cannot fail
	return text
}

// Read puts the values of the next record into the environment. io.EOF is the end, an *Error a record that is no good, any other error
// about the document.
func (x *XML) Read(e *expression.Env) error {
	for {
		token, err := x.decoder.Token()
		if errors.Is(err, io.EOF) && !x.begun {
			return errors.New("the document is empty, where XML was expected")
		}
		if err != nil {
			return x.explain(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			x.begun = true
			if x.at = append(x.at, t.Name.Local); len(x.at) > maxDepth {
				return fmt.Errorf("elements are nested more than %d deep", maxDepth)
			}
			if n := len(x.records); n > 0 && slices.Equal(x.at, x.records[:n-1]) {
				x.seen = true
			}
			if slices.Equal(x.at, x.records) {
				x.seen = true
				return x.record(t, e)
			}
		case xml.EndElement:
			x.at = x.at[:len(x.at)-1]
		case xml.CharData:
			for i, path := range x.captures {
				if slices.Equal(x.at, path) {
					x.captured[i] += string(t)
				}
			}
		}
	}
}

func (x *XML) record(start xml.StartElement, e *expression.Env) error {
	x.number++
	x.size = 0
	row, err := x.element(start, 0)
	x.at = x.at[:len(x.at)-1]
	if err != nil {
		return x.explain(err)
	}
	x.row = row
	if x.size > MaxRow {
		return &Error{"too_long", fmt.Errorf("the record has more than %d bytes", MaxRow)}
	}
	for slot, path := range x.paths {
		if e.Values[slot], err = treeValue(row, path, x.nulls); err != nil {
			return &Error{"xml", err}
		}
	}
	return nil
}

// element reads an element to its end: its text, or what is in it by name.
func (x *XML) element(start xml.StartElement, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("elements are nested more than %d deep", maxDepth)
	}
	var inside map[string]any
	put := func(name string, v any) {
		if inside == nil {
			inside = make(map[string]any)
		}
		switch old := inside[name].(type) {
		case nil:
			inside[name] = v
		case []any:
			inside[name] = append(old, v)
		default:
			inside[name] = []any{old, v}
		}
	}
	for _, a := range start.Attr {
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
			continue
		}
		if a.Name.Local == "nil" && a.Value == "true" {
			return nil, x.decoder.Skip()
		}
		x.size += len(a.Value)
		put("@"+a.Name.Local, a.Value)
	}
	var text strings.Builder
	for {
		token, err := x.decoder.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			v, err := x.element(t, depth+1)
			if err != nil {
				return nil, err
			}
			if x.size <= MaxRow { // what is more is refused anyway
				put(t.Name.Local, v)
			}
		case xml.CharData:
			if x.size += len(t); x.size <= MaxRow {
				text.Write(t)
			}
		case xml.EndElement:
			trimmed := strings.TrimSpace(text.String())
			if inside == nil {
				return trimmed, nil
			}
			if trimmed != "" {
				inside["#text"] = trimmed
			}
			return inside, nil
		}
	}
}

func (x *XML) explain(err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("not valid XML: line %d: %s", syntax.Line, syntax.Msg)
	}
	return err
}
