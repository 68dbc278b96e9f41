package rows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/quarterhour/quarterhour/internal/expression"
)

// Items reads the records of JSON documents as they stream by: the elements of an array at a path, of a list at the top, or
// the documents themselves, one after the other (JSON Lines). Besides it keeps values at other paths, such as the cursor of the next
// page. Memory holds one record.
type Items struct {
	w        *Window
	scanner  *Scanner
	root     *spot
	stack    []frame
	row      []byte
	number   int64
	captured [][]byte
	seen     bool // something stands where the records are expected
}

// spot is a place in the document on the way to what is wanted.
type spot struct {
	name    string
	records bool
	capture int // -1: nothing
	inside  []*spot
}

// frame is an open object or array.
type frame struct {
	at    *spot
	open  byte // '{', or '['
	items bool // the elements are records
	first bool // nothing has been read in it
}

// Path takes a path such as data.items apart; the empty path is the document itself.
func Path(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ".")
}

// NewItems reads the records at a path, and captures the values at others. The scanner takes values from a record in Read; with Next
// alone it may be nil. An array on the way to the records is gone through element by element.
func NewItems(w *Window, records []string, captures [][]string, scanner *Scanner) *Items {
	t := &Items{w: w, scanner: scanner, root: &spot{capture: -1}, captured: make([][]byte, len(captures))}
	t.root.find(records).records = true
	for i, path := range captures {
		t.root.find(path).capture = i
	}
	return t
}

// find is the spot at a path, made where there is none.
func (s *spot) find(path []string) *spot {
	for _, name := range path {
		next := s.child(name)
		if next == nil {
			next = &spot{name: name, capture: -1}
			s.inside = append(s.inside, next)
		}
		s = next
	}
	return s
}

func (s *spot) child(name string) *spot {
	for _, c := range s.inside {
		if c.name == name {
			return c
		}
	}
	return nil
}

// Reset goes on with another document, in the window.
func (t *Items) Reset() {
	t.stack, t.number, t.seen, t.row = t.stack[:0], 0, false, nil
	clear(t.captured)
}

// Captured is the value at a path of NewItems, as JSON, once all records have been read; nil where there is none.
func (t *Items) Captured(i int) []byte { return t.captured[i] }

// Seen says whether anything stood where the records are expected, be it an empty list.
func (t *Items) Seen() bool { return t.seen }

// Number is how many records have been read.
func (t *Items) Number() int64 { return t.number }

// Read puts the values of the next record into the environment.
func (t *Items) Read(e *expression.Env) error {
	row, err := t.Next()
	if err != nil {
		return err
	}
	return t.scanner.Read(row, e)
}

// Position is the number of the last record.
func (t *Items) Position() string { return fmt.Sprintf("record %d", t.number) }

// Raw is the last record as it came.
func (t *Items) Raw() []byte { return t.row }

var errDocument = errors.New("the document ends too early")

// Next is the next record, whose inside is not checked yet; it is good until the next call. io.EOF is the end; an *Error is about one
// record; any other error about the document.
func (t *Items) Next() ([]byte, error) {
	for {
		c, err := t.peek()
		if errors.Is(err, io.EOF) && len(t.stack) == 0 {
			return nil, io.EOF
		}
		if err != nil {
			return nil, err
		}
		at := t.root
		if len(t.stack) > 0 {
			f := &t.stack[len(t.stack)-1]
			if c == f.open+2 { // } and ] come two after { and [
				t.w.start++
				t.stack = t.stack[:len(t.stack)-1]
				continue
			}
			if at, err = t.member(f, c); err != nil {
				return nil, err
			}
		}
		row, err := t.enter(at)
		if row != nil || err != nil {
			return row, err
		}
	}
}

// member goes to the next value in an object or array, and says what it is.
func (t *Items) member(f *frame, c byte) (*spot, error) {
	if !f.first {
		if c != ',' {
			return nil, t.unexpected(c, "where , or "+string(f.open+2)+" is needed")
		}
		t.w.start++
		if _, err := t.peek(); err != nil {
			return nil, err
		}
	}
	f.first = false
	if f.open == '[' {
		return f.at, nil
	}
	name, err := t.name()
	if err != nil {
		return nil, err
	}
	return f.at.child(name), nil
}

// name reads the name of a member and the colon after it.
func (t *Items) name() (string, error) {
	if c, err := t.peek(); err != nil {
		return "", err
	} else if c != '"' {
		return "", t.unexpected(c, "where a name is needed")
	}
	n, err := t.extent(MaxRow)
	if err != nil {
		return "", err
	}
	quoted := t.w.rest()[:n]
	name := string(quoted[1 : n-1])
	if bytes.IndexByte(quoted, '\\') >= 0 {
		if err := json.Unmarshal(quoted, &name); err != nil {
			return "", fmt.Errorf("not valid JSON: name %s: %w", quoted, err)
		}
	}
	t.w.start += n
	c, err := t.peek()
	if err == nil && c != ':' {
		err = t.unexpected(c, "where : is needed")
	}
	t.w.start++
	return name, err
}

// enter looks at a value: a record comes back, a captured one is kept, one on the way to others is opened, any other passed over. at is
// nil where nothing is wanted.
func (t *Items) enter(at *spot) ([]byte, error) {
	c, err := t.peek()
	if err != nil {
		return nil, err
	}
	if c == ',' || c == ':' || c == '}' || c == ']' {
		return nil, t.unexpected(c, "where a value is needed")
	}
	inItems := len(t.stack) > 0 && t.stack[len(t.stack)-1].items
	switch {
	case at == nil:
		return nil, t.skip()
	case inItems || at.records && c == '{':
		t.seen = true
		return t.record()
	case at.records && c == '[':
		t.seen = true
		return nil, t.push(frame{at: at, open: c, items: true, first: true})
	case at.records && len(t.stack) == 0 && c != 'n': // such as a text: not what was to come
		return nil, t.unexpected(c, "where an object or a list is needed")
	case at.records && c == 'n':
		t.seen = true
		return nil, t.skip()
	case at.capture >= 0:
		n, err := t.extent(MaxRow)
		if err != nil {
			return nil, err
		}
		t.captured[at.capture] = bytes.Clone(t.w.rest()[:n])
		t.w.start += n
		return nil, nil
	case len(at.inside) > 0 && (c == '{' || c == '['):
		return nil, t.push(frame{at: at, open: c, first: true})
	}
	return nil, t.skip()
}

func (t *Items) push(f frame) error {
	if len(t.stack) >= maxDepth {
		return fmt.Errorf("objects and lists are nested more than %d deep", maxDepth)
	}
	t.stack = append(t.stack, f)
	t.w.start++
	return nil
}

// record consumes a value whole.
func (t *Items) record() ([]byte, error) {
	t.number++
	n, err := t.extent(MaxRow)
	if errors.Is(err, errLong) {
		t.row = bytes.Clone(t.w.rest()[:MaxPayload])
		if err := t.skip(); err != nil {
			return nil, err
		}
		return nil, &Error{"too_long", fmt.Errorf("the record has more than %d bytes", MaxRow)}
	}
	if err != nil {
		return nil, err
	}
	t.row = t.w.rest()[:n]
	t.w.start += n
	if len(t.stack) == 0 && len(t.root.inside) > 0 {
		t.captureIn(t.row)
	}
	return t.row, nil
}

// captureIn keeps what is wanted of a document that is a record itself.
func (t *Items) captureIn(row []byte) {
	inside := *t.root
	inside.records = false
	part := &Items{w: NewWindowOn(row), root: &inside, captured: t.captured}
	for {
		if row, err := part.Next(); row == nil || err != nil {
			return // what is wrong with the record is found when its values are read
		}
	}
}

// peek is the next byte that is no space.
func (t *Items) peek() (byte, error) {
	for {
		for i, c := range t.w.rest() {
			if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
				t.w.start += i
				return c, nil
			}
		}
		t.w.start = t.w.end
		ok, err := t.w.more()
		switch {
		case err != nil:
			return 0, err
		case !ok && len(t.stack) > 0:
			return 0, errDocument
		case !ok:
			return 0, io.EOF
		}
	}
}

func (t *Items) unexpected(c byte, where string) error {
	return fmt.Errorf("not valid JSON: %q at character %d, %s", c, t.w.Offset()+1, where)
}

var errLong = errors.New("the value is too long")

// extent is the length of the value that starts here, without consuming it. Brackets are counted, what is between them is not checked.
func (t *Items) extent(limit int) (int, error) {
	var s shape
	for i := 0; ; {
		if n, ended := s.scan(t.w.rest()[i:]); ended && i+n <= limit {
			return i + n, nil
		} else if ended {
			return 0, errLong
		}
		if i = len(t.w.rest()); i > limit {
			return 0, errLong
		}
		if ok, err := t.w.more(); err != nil {
			return 0, err
		} else if !ok {
			if s.bare {
				return i, nil
			}
			return 0, errDocument
		}
	}
}

// skip consumes a value of any length.
func (t *Items) skip() error {
	var s shape
	for {
		n, ended := s.scan(t.w.rest())
		if ended {
			t.w.start += n
			return nil
		}
		t.w.start = t.w.end
		if ok, err := t.w.more(); err != nil {
			return err
		} else if !ok {
			if s.bare {
				return nil
			}
			return errDocument
		}
	}
}

// shape follows the brackets and quotes of one value.
type shape struct {
	depth   int
	quoted  bool
	escaped bool
	bare    bool // a number or a word, which ends where another thing begins
}

// scan goes through what comes next of the value, and says where it ended, if it did.
func (s *shape) scan(text []byte) (n int, ended bool) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if s.quoted {
			switch {
			case s.escaped:
				s.escaped = false
			case c == '\\':
				s.escaped = true
			case c == '"':
				if s.quoted = false; s.depth == 0 {
					return i + 1, true
				}
			}
			continue
		}
		switch c {
		case '"':
			if s.bare {
				return i, true
			}
			s.quoted = true
		case '{', '[':
			if s.bare {
				return i, true
			}
			s.depth++
		case '}', ']':
			if s.depth == 0 {
				return i, true
			}
			if s.depth--; s.depth == 0 {
				return i + 1, true
			}
		case ',', ':', ' ', '\n', '\t', '\r':
			if s.depth == 0 {
				return i, true
			}
		default:
			s.bare = s.depth == 0
		}
	}
	return len(text), false
}
