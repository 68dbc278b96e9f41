package five9

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const envelopeSpace = "http://schemas.xmlsoap.org/soap/envelope/"

// node is an element of a request.
type node struct {
	name     xml.Name
	children []*node
	text     string
	null     bool
}

// parseXML reads a document of bounded size.
func parseXML(r io.Reader) (*node, error) {
	decoder := xml.NewDecoder(io.LimitReader(r, 1<<20))
	root := &node{}
	open := []*node{root}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			n := &node{name: t.Name}
			for _, a := range t.Attr {
				n.null = n.null || a.Name.Local == "nil" && (a.Value == "true" || a.Value == "1")
			}
			parent := open[len(open)-1]
			parent.children, open = append(parent.children, n), append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			open[len(open)-1].text += string(t)
		}
	}
	if len(root.children) != 1 {
		return nil, errors.New("no document")
	}
	return root.children[0], nil
}

// child is the first child of that name; an empty one where there is none.
func (n *node) child(name string) *node {
	if n != nil {
		for _, c := range n.children {
			if c.name.Local == name {
				return c
			}
		}
	}
	return nil
}

// value is a child's text, and whether it is there and not nil.
func (n *node) value(name string) (string, bool) {
	c := n.child(name)
	if c == nil || c.null {
		return "", false
	}
	return strings.TrimSpace(c.text), true
}

// wrapper finds the operation's element in the envelope.
func wrapper(root *node) (*node, error) {
	if root.name != (xml.Name{Space: envelopeSpace, Local: "Envelope"}) {
		return nil, fmt.Errorf("the document is %q of namespace %q, not a SOAP 1.1 envelope", root.name.Local, root.name.Space)
	}
	for _, c := range root.children {
		if c.name == (xml.Name{Space: envelopeSpace, Local: "Body"}) {
			if len(c.children) != 1 {
				return nil, fmt.Errorf("the body has %d elements", len(c.children))
			}
			return c.children[0], nil
		}
	}
	return nil, errors.New("the envelope has no body")
}

// check says what is wrong with a request's children: names, namespaces, order, number and types.
func (s *service) check(n *node, fields []element, path string) *fault {
	at := 0
	for _, c := range n.children {
		if c.name.Space != "" {
			return incorrect("unexpected element {%s}%s in %s: children are unqualified", c.name.Space, c.name.Local, path)
		}
		i := slices.IndexFunc(fields, func(f element) bool { return f.name == c.name.Local })
		if i < 0 {
			return incorrect("unexpected element %q in %s", c.name.Local, path)
		}
		if i < at {
			return incorrect("element %q of %s is out of order", c.name.Local, path)
		}
		if at = i; !fields[i].many {
			at++
		}
		if f := s.checkValue(c, fields[i], path+"/"+c.name.Local); f != nil {
			return f
		}
	}
	for _, f := range fields {
		if !f.optional && !f.many && n.child(f.name) == nil {
			return failed("MissedArgument", fmt.Sprintf("%s of %s is missing", f.name, path))
		}
	}
	return nil
}

func (s *service) checkValue(c *node, f element, path string) *fault {
	if fields, ok := s.types[f.kind]; ok {
		return s.check(c, fields, path)
	}
	if len(c.children) > 0 {
		return incorrect("%s has elements inside", path)
	}
	if c.null {
		return nil
	}
	text := strings.TrimSpace(c.text)
	var err error
	switch f.kind {
	case "long":
		_, err = strconv.ParseInt(text, 10, 64)
	case "int":
		_, err = strconv.ParseInt(text, 10, 32)
	case "byte":
		_, err = strconv.ParseInt(text, 10, 8)
	case "boolean":
		if !slices.Contains([]string{"true", "false", "0", "1"}, text) {
			err = errors.New("not a boolean")
		}
	case "dateTime":
		if !dateTime.MatchString(text) {
			err = errors.New("not a dateTime")
		}
	case "string":
	default:
		if !slices.Contains(s.values[f.kind], text) {
			err = fmt.Errorf("not a %s", f.kind)
		}
	}
	if err != nil {
		return incorrect("%s is %q: %v", path, text, err)
	}
	return nil
}

var dateTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$`)

// instant reads a dateTime; one without offset is in the zone.
func instant(text string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	return time.ParseInLocation("2006-01-02T15:04:05.999999999", text, zone)
}
