package gladly

import (
	"unicode/utf8"
)

// scan reads one JSON object without building a tree: a day's events can be a gigabyte. It gives up (false) on anything unusual,
// which encoding/json then decides.
type scan struct {
	text []byte
	i    int
}

func (p *scan) space() {
	for p.i < len(p.text) {
		switch p.text[p.i] {
		case ' ', '\t', '\r', '\n':
			p.i++
		default:
			return
		}
	}
}

func (p *scan) byte(b byte) bool {
	p.space()
	if p.i < len(p.text) && p.text[p.i] == b {
		p.i++
		return true
	}
	return false
}

// plain marks the bytes of a string that need no second look.
var plain = func() (t [256]bool) {
	for b := 0x20; b < 0x80; b++ {
		t[b] = b != '"' && b != '\\'
	}
	return t
}()

// string reads a string without escapes.
func (p *scan) string() ([]byte, bool) {
	if !p.byte('"') {
		return nil, false
	}
	from, ascii := p.i, true
	for p.i < len(p.text) {
		b := p.text[p.i]
		if plain[b] {
			p.i++
			continue
		}
		switch {
		case b == '"':
			s := p.text[from:p.i]
			p.i++
			return s, ascii || utf8.Valid(s)
		case b < utf8.RuneSelf: // an escape, or a control character
			return nil, false
		}
		ascii = false
		p.i++
	}
	return nil, false
}

// maxDepth of nesting, beyond which encoding/json decides.
const maxDepth = 32

// skip passes over a value.
func (p *scan) skip(depth int) bool {
	p.space()
	if p.i >= len(p.text) || depth > maxDepth {
		return false
	}
	switch p.text[p.i] {
	case '"':
		_, ok := p.string()
		return ok
	case '{':
		return p.members(func([]byte) bool { return p.skip(depth + 1) })
	case '[':
		_, ok := p.list(depth)
		return ok
	case 't':
		return p.word("true")
	case 'f':
		return p.word("false")
	case 'n':
		return p.word("null")
	}
	return p.number()
}

func (p *scan) word(w string) bool {
	if len(p.text)-p.i < len(w) || string(p.text[p.i:p.i+len(w)]) != w {
		return false
	}
	p.i += len(w)
	return true
}

// number passes over an integer; fractions and exponents are left to encoding/json.
func (p *scan) number() bool {
	if p.i < len(p.text) && p.text[p.i] == '-' {
		p.i++
	}
	from := p.i
	for p.i < len(p.text) && p.text[p.i] >= '0' && p.text[p.i] <= '9' {
		p.i++
	}
	if n := p.i - from; n == 0 || n > 1 && p.text[from] == '0' {
		return false
	}
	return p.i >= len(p.text) || p.text[p.i] != '.' && p.text[p.i]|0x20 != 'e'
}

// list passes over a list and counts its items.
func (p *scan) list(depth int) (n int, ok bool) {
	if !p.byte('[') {
		return 0, false
	}
	if p.byte(']') {
		return 0, true
	}
	for {
		if !p.skip(depth + 1) {
			return 0, false
		}
		n++
		if p.byte(']') {
			return n, true
		}
		if !p.byte(',') {
			return 0, false
		}
	}
}

// members reads an object: each is called at the value of every key, and reads it.
func (p *scan) members(each func(key []byte) bool) bool {
	if !p.byte('{') {
		return false
	}
	if p.byte('}') {
		return true
	}
	for {
		key, ok := p.string()
		if !ok || !p.byte(':') || !each(key) {
			return false
		}
		if p.byte('}') {
			return true
		}
		if !p.byte(',') {
			return false
		}
	}
}

// isNull passes over null.
func (p *scan) isNull() bool {
	p.space()
	return p.word("null")
}
