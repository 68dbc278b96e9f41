package objects

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// deepest is how deep elements may be nested.
const deepest = 200

// FromXML reads a document into what encoding/json would have made of it: an element with elements or attributes is an object, whose
// attributes begin with @ and whose text is #text; one that is repeated is a list; any other is its text. The document itself is an
// object with the root. Namespaces are left out.
func FromXML(text []byte) (any, error) {
	d := xml.NewDecoder(strings.NewReader(string(text)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("there is no element")
		}
		if err != nil {
			return nil, err
		}
		if start, ok := token.(xml.StartElement); ok {
			value, err := element(d, start, 0)
			if err != nil {
				return nil, err
			}
			return map[string]any{start.Name.Local: value}, nil
		}
	}
}

func element(d *xml.Decoder, start xml.StartElement, depth int) (any, error) {
	if depth > deepest {
		return nil, errors.New("elements are nested too deep")
	}
	object := map[string]any{}
	for _, a := range start.Attr {
		if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
			object["@"+a.Name.Local] = a.Value
		}
	}
	var said strings.Builder
	for {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			value, err := element(d, t, depth+1)
			if err != nil {
				return nil, err
			}
			put(object, t.Name.Local, value)
		case xml.CharData:
			said.Write(t)
		case xml.EndElement:
			text := strings.TrimSpace(said.String())
			if len(object) == 0 {
				return text, nil
			}
			if text != "" {
				object["#text"] = text
			}
			return object, nil
		}
	}
}

func put(object map[string]any, name string, value any) {
	switch before := object[name].(type) {
	case nil:
		object[name] = value
	case []any:
		object[name] = append(before, value)
	default:
		object[name] = []any{before, value}
	}
}
