package anywfm

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"
)

var types = map[string][]string{
	"json": {"application/json"}, "ndjson": {"application/x-ndjson"}, "xml": {"application/xml", "text/xml"}, "csv": {"text/csv"},
}

// parse reads the records of a body.
func (s *Server) parse(contentType string, body []byte) ([]map[string]any, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil || !slices.Contains(types[s.o.Format], kind) {
		return nil, fmt.Errorf("content type %q is not that of %s", contentType, s.o.Format)
	}
	if !utf8.Valid(body) {
		return nil, errors.New("it is not UTF-8")
	}
	switch s.o.Format {
	case "ndjson":
		return lines(body)
	case "csv":
		return table(body)
	case "xml":
		return s.document(body)
	}
	return s.object(body)
}

func lines(body []byte) (list []map[string]any, err error) {
	in := bufio.NewScanner(bytes.NewReader(body))
	in.Buffer(nil, largest)
	for in.Scan() {
		var record map[string]any
		if err := json.Unmarshal(in.Bytes(), &record); err != nil {
			return nil, err
		}
		list = append(list, record)
	}
	return list, in.Err()
}

func (s *Server) object(body []byte) (list []map[string]any, err error) {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return nil, err
	}
	if s.o.One {
		record, ok := value.(map[string]any)
		if !ok {
			return nil, errors.New("it is no object")
		}
		return []map[string]any{record}, nil
	}
	for name := range strings.SplitSeq(s.o.List, ".") {
		if s.o.List == "" {
			break
		}
		object, ok := value.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("there is no %q", s.o.List)
		}
		value = object[name]
	}
	entries, ok := value.([]any)
	if !ok {
		return nil, errors.New("there is no list of records")
	}
	for _, entry := range entries {
		record, ok := entry.(map[string]any)
		if !ok {
			return nil, errors.New("an entry of the list is no object")
		}
		list = append(list, record)
	}
	return list, nil
}

func table(body []byte) (list []map[string]any, err error) {
	rows, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, errors.Join(err, errors.New("there is no header, or it is no CSV"))
	}
	for _, row := range rows[1:] {
		record := map[string]any{}
		for n, name := range rows[0] {
			record[name] = row[n]
		}
		list = append(list, record)
	}
	return list, nil
}

// element is one of any name.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []element  `xml:",any"`
	Text     string     `xml:",chardata"`
}

func (s *Server) document(body []byte) (list []map[string]any, err error) {
	var root element
	if err := xml.Unmarshal(body, &root); err != nil {
		return nil, err
	}
	if s.o.One {
		return []map[string]any{root.object()}, nil
	}
	at := root
	path := strings.Split(s.o.List, ".")
	name := ""
	if s.o.List != "" {
		if root.XMLName.Local != path[0] {
			return nil, fmt.Errorf("the root is %q, not %q", root.XMLName.Local, path[0])
		}
		for _, step := range path[1 : len(path)-1] {
			n := slices.IndexFunc(at.Children, func(e element) bool { return e.XMLName.Local == step })
			if n < 0 {
				return nil, fmt.Errorf("there is no %q", step)
			}
			at = at.Children[n]
		}
		name = path[len(path)-1]
	}
	for _, e := range at.Children {
		if name == "" || e.XMLName.Local == name {
			list = append(list, e.object())
		}
	}
	return list, nil
}

func (e *element) object() map[string]any {
	out := map[string]any{}
	for _, a := range e.Attrs {
		out["@"+a.Name.Local] = a.Value
	}
	for _, c := range e.Children {
		if len(c.Children) == 0 && len(c.Attrs) == 0 {
			out[c.XMLName.Local] = c.Text
			continue
		}
		out[c.XMLName.Local] = c.object()
	}
	if text := strings.TrimSpace(e.Text); text != "" {
		out["#text"] = text
	}
	return out
}
