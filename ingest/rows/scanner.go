package rows

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/quarterhour/quarterhour/internal/expression"
)

// Scanner reads one JSON object and keeps the values at the paths that expressions use; the rest is checked and passed over. Of a name
// given twice the last counts, as everywhere.
type Scanner struct {
	root  branch
	nulls []string
	in    []byte
	at    int
	plain []byte // texts that had escapes, without them
	slots int
}

// NewScanner wants the values at paths, each in the slot of its number. A text that is one of nulls is absent, as an empty one is.
func NewScanner(paths [][]string, nulls []string) *Scanner {
	s := &Scanner{nulls: nulls, root: branch{slot: -1}, slots: len(paths)}
	for slot, p := range paths {
		s.root.add(p, slot)
	}
	return s
}

// Read puts the values of a row into the environment. The error is an *Error.
func (s *Scanner) Read(row []byte, e *expression.Env) error {
	clear(e.Values[:s.slots])
	if err := s.Object(row, e.Values); err != nil {
		if errors.Is(err, errEncoding) {
			return &Error{"encoding", err}
		}
		return &Error{"json", err}
	}
	return nil
}

// branch is one name of the paths, with those inside it.
type branch struct {
	name   string
	slot   int // -1 where no path ends here
	inside []*branch
}

func (b *branch) add(path []string, slot int) {
	for _, name := range path {
		next := b.find(name)
		if next == nil {
			next = &branch{name: name, slot: -1}
			b.inside = append(b.inside, next)
		}
		b = next
	}
	b.slot = slot
}

func (b *branch) find(name string) *branch {
	for _, c := range b.inside {
		if c.name == name {
			return c
		}
	}
	return nil
}

// maxDepth bounds nesting, and with it the stack.
const maxDepth = 200

var (
	errEncoding = errors.New("the row is not UTF-8: convert the file, for example with iconv -f latin1 -t utf8")
	errObject   = errors.New("not a JSON object")
	errEnd      = errors.New("the row ends inside a value")
)

// Object reads a row into values by slot. Texts alias the row and the scanner's memory, until the next row.
func (s *Scanner) Object(row []byte, values []expression.Value) error {
	if !utf8.Valid(row) {
		return errEncoding
	}
	s.in, s.at, s.plain = row, 0, s.plain[:0]
	s.space()
	if s.at == len(s.in) || s.in[s.at] != '{' {
		return errObject
	}
	if err := s.members(&s.root, values, 0); err != nil {
		return err
	}
	if s.space(); s.at != len(s.in) {
		return s.unexpected("after the object")
	}
	return nil
}

func (s *Scanner) space() {
	for s.at < len(s.in) && (s.in[s.at] == ' ' || s.in[s.at] == '\t' || s.in[s.at] == '\r' || s.in[s.at] == '\n') {
		s.at++
	}
}

func (s *Scanner) unexpected(where string) error {
	if s.at >= len(s.in) {
		return errEnd
	}
	return fmt.Errorf("not valid JSON: %q at character %d, %s", s.in[s.at], s.at+1, where)
}

// members reads an object; b is what is wanted of it, nil nothing.
func (s *Scanner) members(b *branch, values []expression.Value, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("objects and lists are nested more than %d deep", maxDepth)
	}
	s.at++
	if s.space(); s.at < len(s.in) && s.in[s.at] == '}' {
		s.at++
		return nil
	}
	for {
		s.space()
		name, err := s.string()
		if err != nil {
			return err
		}
		if s.space(); s.at == len(s.in) || s.in[s.at] != ':' {
			return s.unexpected("where : is needed")
		}
		s.at++
		var inner *branch
		if b != nil {
			inner = b.find(name)
		}
		if err := s.value(inner, values, depth+1); err != nil {
			return err
		}
		more, err := s.separator('}')
		if !more || err != nil {
			return err
		}
	}
}

func (s *Scanner) separator(end byte) (more bool, err error) {
	s.space()
	if s.at < len(s.in) && (s.in[s.at] == ',' || s.in[s.at] == end) {
		s.at++
		return s.in[s.at-1] == ',', nil
	}
	return false, s.unexpected("where , or " + string(end) + " is needed")
}

// value reads any value into the slot of b, if it has one.
func (s *Scanner) value(b *branch, values []expression.Value, depth int) error {
	s.space()
	if s.at == len(s.in) {
		return errEnd
	}
	from := s.at
	v := expression.Value{}
	var err error
	switch s.in[s.at] {
	case '{':
		if err = s.members(b, values, depth); err == nil && b != nil && b.slot >= 0 {
			v = expression.JSONOf(text(s.in[from:s.at]))
		}
	case '[':
		if err = s.list(depth); err == nil && b != nil && b.slot >= 0 {
			v = expression.JSONOf(text(s.in[from:s.at]))
		}
	case '"':
		var t string
		if t, err = s.string(); err == nil && b != nil && t != "" && !s.null(t) {
			v = expression.TextOf(t)
		}
	case 't':
		v, err = expression.BoolOf(true), s.word("true")
	case 'f':
		v, err = expression.BoolOf(false), s.word("false")
	case 'n':
		err = s.word("null")
	default:
		v, err = s.number()
	}
	if err == nil && b != nil && b.slot >= 0 {
		values[b.slot] = v
	}
	return err
}

func (s *Scanner) null(t string) bool {
	for _, n := range s.nulls {
		if t == n {
			return true
		}
	}
	return false
}

func (s *Scanner) list(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("objects and lists are nested more than %d deep", maxDepth)
	}
	s.at++
	if s.space(); s.at < len(s.in) && s.in[s.at] == ']' {
		s.at++
		return nil
	}
	for {
		if err := s.value(nil, nil, depth+1); err != nil {
			return err
		}
		more, err := s.separator(']')
		if !more || err != nil {
			return err
		}
	}
}

func (s *Scanner) word(w string) error {
	if !bytes.HasPrefix(s.in[s.at:], []byte(w)) {
		return s.unexpected("where a value is needed")
	}
	s.at += len(w)
	return nil
}

// number reads a number. One without a fraction that is too large for 64 bits stays text: it is an id.
func (s *Scanner) number() (expression.Value, error) {
	from := s.at
	if s.at < len(s.in) && s.in[s.at] == '-' {
		s.at++
	}
	first := s.at
	if s.digits() == 0 || s.in[first] == '0' && s.at-first > 1 {
		s.at = first
		return expression.Value{}, s.unexpected("where a value is needed")
	}
	whole := true
	if s.at < len(s.in) && s.in[s.at] == '.' {
		whole = false
		if s.at++; s.digits() == 0 {
			return expression.Value{}, s.unexpected("where a digit is needed")
		}
	}
	if s.at < len(s.in) && s.in[s.at]|0x20 == 'e' {
		whole = false
		if s.at++; s.at < len(s.in) && (s.in[s.at] == '+' || s.in[s.at] == '-') {
			s.at++
		}
		if s.digits() == 0 {
			return expression.Value{}, s.unexpected("where a digit is needed")
		}
	}
	literal := text(s.in[from:s.at])
	if whole {
		if n, err := strconv.ParseInt(literal, 10, 64); err == nil {
			return expression.IntOf(n), nil
		}
		return expression.TextOf(literal), nil
	}
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil {
		return expression.Value{}, fmt.Errorf("number %s is too large", literal)
	}
	return expression.FloatOf(f), nil
}

func (s *Scanner) digits() int {
	from := s.at
	for s.at < len(s.in) && s.in[s.at] >= '0' && s.in[s.at] <= '9' {
		s.at++
	}
	return s.at - from
}
