package http

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks/columns"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/objects"
)

// hole is an expression within a template, and what stands before it.
type hole struct {
	before string
	expr   string
	quoted bool // it stands between the quotes of a JSON string
}

// parse cuts a template with {{expressions}} into its parts; rest is what stands behind the last.
func parse(text string) (holes []hole, rest string, err error) {
	inString := false
	for {
		before, after, found := strings.Cut(text, "{{")
		if !found {
			return holes, text, nil
		}
		inString = quotedAfter(before, inString)
		length := closing(after)
		if length < 0 {
			return nil, "", fmt.Errorf("has a {{ without its }}: %q", shorten("{{"+after))
		}
		expr := strings.TrimSpace(after[:length])
		if expr == "" {
			return nil, "", errors.New("has {{}} without an expression")
		}
		holes = append(holes, hole{before: before, expr: expr, quoted: inString})
		text = after[length+2:]
	}
}

func shorten(text string) string {
	if len(text) > 60 {
		return text[:60] + "…"
	}
	return text
}

// quotedAfter says whether what follows a piece of JSON is within a string.
func quotedAfter(text string, in bool) bool {
	for n := 0; n < len(text); n++ {
		switch {
		case text[n] == '\\' && in:
			n++
		case text[n] == '"':
			in = !in
		}
	}
	return in
}

// closing is where an expression ends: at the first }} that is neither within a text nor within braces of its own; -1 where nowhere.
func closing(text string) int {
	depth, quote := 0, byte(0)
	for n := 0; n < len(text); n++ {
		c := text[n]
		switch {
		case quote != 0:
			if c == '\\' && quote != '`' {
				n++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == '}' && strings.HasPrefix(text[n:], "}}"):
			return n
		}
	}
	return -1
}

// table computes columns of a kind of record. Besides the fields of the record, expressions know the item's key and its revision.
type table struct {
	*columns.Table
	format *columns.Format
}

func newTable(kind string, exprs spec.Exprs, f *columns.Format) (*table, error) {
	t := &table{format: f}
	if len(exprs) == 0 {
		return t, nil
	}
	var err error
	t.Table, err = columns.NewOfItems(kind, exprs, *f)
	return t, err
}

func (t *table) values(i *delivery.Item) ([]expression.Value, error) {
	if t.Table == nil {
		return nil, nil
	}
	return t.Values(nil, i)
}

// json appends a value as the format has it.
func (t *table) json(dst []byte, v expression.Value) []byte {
	if dst, ok := objects.Value(dst, v); ok {
		return dst
	}
	text := t.Text(v)
	number := v.Kind == expression.Instant && strings.HasPrefix(t.format.Times, "unix") || v.Kind == expression.Duration && t.format.Durations != "hh:mm:ss"
	if number {
		return append(dst, text...)
	}
	return objects.Quoted(dst, text)
}

// template is a text with expressions over a kind of record.
type template struct {
	holes []hole
	rest  string
	*table
}

func newTemplate(kind, text string, f *columns.Format) (*template, error) {
	holes, rest, err := parse(text)
	if err != nil {
		return nil, err
	}
	var exprs spec.Exprs
	for _, h := range holes {
		exprs = append(exprs, spec.NamedExpr{Name: h.expr, Expr: spec.Expr{Source: h.expr}})
	}
	t, err := newTable(kind, exprs, f)
	if err != nil {
		return nil, err
	}
	return &template{holes: holes, rest: rest, table: t}, nil
}

// fill renders the template; write appends a value.
func (t *template) fill(i *delivery.Item, write func(dst []byte, h *hole, v expression.Value) ([]byte, error)) ([]byte, error) {
	values, err := t.values(i)
	if err != nil {
		return nil, err
	}
	var dst []byte
	for n := range t.holes {
		h := &t.holes[n]
		dst = append(dst, h.before...)
		if dst, err = write(dst, h, values[n]); err != nil {
			return nil, err
		}
	}
	return append(dst, t.rest...), nil
}

// url renders the template as a path with or without a query.
func (t *template) url(i *delivery.Item) (string, error) {
	query := false
	text, err := t.fill(i, func(dst []byte, h *hole, v expression.Value) ([]byte, error) {
		query = query || strings.Contains(h.before, "?")
		value := t.Text(v)
		switch {
		case query:
			return append(dst, url.QueryEscape(value)...), nil
		case value == "" || value == "." || value == "..":
			return nil, fmt.Errorf("{{%s}} of the path is %q, which would lead elsewhere", h.expr, value)
		}
		return append(dst, url.PathEscape(value)...), nil
	})
	return string(text), err
}

// header renders the template as the value of a header.
func (t *template) header(i *delivery.Item) (string, error) {
	text, err := t.fill(i, func(dst []byte, h *hole, v expression.Value) ([]byte, error) {
		value := t.Text(v)
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, fmt.Errorf("{{%s}} of a header is %q, which has control characters", h.expr, value)
		}
		return append(dst, value...), nil
	})
	return string(text), err
}

// body renders the template as JSON or XML, values escaped as they stand, or as it is in any other format.
func (t *template) body(i *delivery.Item, format string) ([]byte, error) {
	return t.fill(i, func(dst []byte, h *hole, v expression.Value) ([]byte, error) {
		switch {
		case format == formatXML:
			return objects.Escaped(dst, t.Text(v)), nil
		case !h.quoted:
			return t.json(dst, v), nil
		}
		quoted := objects.Quoted(nil, t.Text(v))
		return append(dst, quoted[1:len(quoted)-1]...), nil
	})
}
