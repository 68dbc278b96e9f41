package five9

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// errNoText is the error of an answer in which the element that should hold the text does not occur.
var errNoText = errors.New("the answer has no such element")

// textNode reads the text of the first element of a local name in an XML document as it streams by: a report of 50,000 rows is one
// text node, which an XML parser would hold in memory whole. It takes any prefix, entities and CDATA sections, skips comments and
// processing instructions, and ends with io.EOF at the element's end tag, or with io.ErrUnexpectedEOF where the stream is cut.
// It reads UTF-8, and is not safe for concurrent use.
type textNode struct {
	r         *bufio.Reader
	name      string
	state     int
	err       error
	tagged    []byte // name of the tag at hand
	spare     [utf8.UTFMax]byte
	rest      []byte   // of an entity that has not been given yet
	reference [10]byte // name of the entity at hand
}

// The states of a textNode.
const (
	textBefore = iota // looking for the element
	textInside
	textCDATA
)

func newTextNode(r io.Reader, name string) *textNode {
	return &textNode{r: bufio.NewReaderSize(r, 64<<10), name: name}
}

// open reads up to the element's start tag. The error is errNoText where the document ends without one.
func (t *textNode) open() error {
	for t.state == textBefore && t.err == nil {
		if err := t.skipTo('<'); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = errNoText
			}
			t.err = err
			break
		}
		if err := t.markup(); err != nil {
			t.err = err
		}
	}
	if errors.Is(t.err, io.EOF) {
		return nil // an empty element
	}
	return t.err
}

// Read gives the text.
func (t *textNode) Read(p []byte) (n int, err error) {
	if err := t.open(); err != nil {
		return 0, err
	}
	for n < len(p) && t.err == nil {
		if len(t.rest) > 0 {
			k := copy(p[n:], t.rest)
			t.rest, n = t.rest[k:], n+k
			continue
		}
		if n > 0 && t.r.Buffered() == 0 {
			return n, nil
		}
		n += t.some(p[n:])
	}
	if n > 0 {
		return n, nil
	}
	return 0, t.err
}

// some copies what is in memory up to the next markup or entity, or deals with that.
func (t *textNode) some(p []byte) (n int) {
	if t.r.Buffered() == 0 {
		if _, err := t.r.Peek(1); err != nil {
			t.cut(err)
			return 0
		}
	}
	buf, _ := t.r.Peek(min(t.r.Buffered(), len(p)))
	n = special(buf, t.state == textCDATA)
	if n > 0 {
		copy(p, buf[:n])
		t.discard(n)
		return n
	}
	if t.state == textCDATA {
		return t.bracket(p)
	}
	first := buf[0]
	t.discard(1)
	if first == '&' {
		t.entity()
		return 0
	}
	if err := t.markup(); err != nil {
		t.err = err
	}
	return 0
}

// special is the length of the text that needs no look: up to < or &, or in a CDATA section up to ].
func special(buf []byte, cdata bool) int {
	for i, c := range buf {
		if cdata && c == ']' || !cdata && (c == '<' || c == '&') {
			return i
		}
	}
	return len(buf)
}

// bracket is at a ] in a CDATA section, which ends with ]]>.
func (t *textNode) bracket(p []byte) int {
	head, err := t.r.Peek(3)
	if err == nil && string(head) == "]]>" {
		t.discard(3)
		t.state = textInside
		return 0
	}
	if len(head) < 3 && err != nil {
		t.cut(err)
		return 0
	}
	p[0] = ']'
	t.discard(1)
	return 1
}

// markup reads a tag, comment, CDATA start or instruction after its <.
func (t *textNode) markup() error {
	c, err := t.r.ReadByte()
	if err != nil {
		return unexpected(err)
	}
	switch c {
	case '!':
		return t.declaration()
	case '?':
		return t.skipPast("?>")
	case '/':
		name, _, err := t.tag()
		if err == nil && t.state == textInside && string(name) == t.name {
			err = io.EOF
		}
		return err
	}
	if err := t.r.UnreadByte(); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	name, empty, err := t.tag()
	if err != nil || t.state != textBefore || string(name) != t.name {
		return err
	}
	t.state = textInside
	if empty {
		return io.EOF
	}
	return nil
}

// declaration is a comment, a CDATA section or a document type.
func (t *textNode) declaration() error {
	head, err := t.r.Peek(2)
	if err != nil {
		return unexpected(err)
	}
	if string(head) == "--" {
		t.discard(2)
		return t.skipPast("-->")
	}
	if head[0] != '[' {
		return t.skipTo('>')
	}
	if head, err = t.r.Peek(7); err != nil {
		return unexpected(err)
	}
	if string(head) != "[CDATA[" {
		return fmt.Errorf("the answer has <!%s where XML has no such thing", head)
	}
	t.discard(7)
	if t.state == textBefore {
		return t.skipPast("]]>")
	}
	t.state = textCDATA
	return nil
}

// maxTag bounds a tag, so that what is no XML cannot fill the memory.
const maxTag = 64 << 10

// tag reads a tag to its > and returns the local name, good until the next tag, and whether the tag is an element of its own.
func (t *textNode) tag() (name []byte, empty bool, err error) {
	t.tagged = t.tagged[:0]
	naming, quote := true, byte(0)
	for n := 0; n < maxTag; n++ {
		c, err := t.r.ReadByte()
		switch {
		case err != nil:
			return nil, false, unexpected(err)
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '>':
			return t.tagged, empty, nil
		case c == '"' || c == '\'':
			quote = c
		case c == '/' || c == ' ' || c == '\t' || c == '\n' || c == '\r':
			naming = false
		case naming && c == ':':
			t.tagged = t.tagged[:0] // the prefix
		case naming:
			t.tagged = append(t.tagged, c)
		}
		empty = c == '/'
	}
	return nil, false, fmt.Errorf("the answer has a tag of more than %d bytes", maxTag)
}

// entity reads an entity after its &.
func (t *textNode) entity() {
	for n := range t.reference {
		c, err := t.r.ReadByte()
		if err != nil {
			t.cut(err)
			return
		}
		if c == ';' {
			r, ok := entityOf(t.reference[:n])
			if !ok {
				t.err = fmt.Errorf("the answer has the entity &%s; which XML does not know", t.reference[:n])
				return
			}
			t.rest = utf8.AppendRune(t.spare[:0], r)
			return
		}
		t.reference[n] = c
	}
	t.err = fmt.Errorf("the answer has &%s without a ; after it", t.reference[:])
}

func entityOf(name []byte) (rune, bool) {
	switch string(name) {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	if name[1] == 'x' {
		return charOf(name[2:], 16)
	}
	return charOf(name[1:], 10)
}

// charOf is the character of a number in a base.
func charOf(digits []byte, base rune) (r rune, ok bool) {
	for _, c := range digits {
		d := rune(c) - '0'
		if letter := rune(c | 0x20); base == 16 && letter >= 'a' && letter <= 'f' {
			d = letter - 'a' + 10
		} else if d < 0 || d > 9 {
			return 0, false
		}
		if r = r*base + d; r > utf8.MaxRune {
			return 0, false
		}
	}
	return r, len(digits) > 0 && utf8.ValidRune(r)
}

func (t *textNode) skipTo(c byte) error {
	for {
		_, err := t.r.ReadSlice(c)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return unexpected(err)
		}
	}
}

// skipPast skips a construct that ends with a text of two or three characters.
func (t *textNode) skipPast(end string) error {
	last := end[len(end)-1]
	var tail []byte
	for {
		part, err := t.r.ReadSlice(last)
		tail = append(tail, part...)
		tail = tail[max(len(tail)-len(end), 0):]
		if err == nil && string(tail) == end {
			return nil
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return unexpected(err)
		}
	}
}

func (t *textNode) discard(n int) { _, _ = t.r.Discard(n) } // of what has been peeked: cannot fail

// cut notes that the stream ended, or failed, inside the text.
func (t *textNode) cut(err error) { t.err = unexpected(err) }

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
