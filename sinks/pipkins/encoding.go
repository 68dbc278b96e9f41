package pipkins

import (
	"bytes"

	"golang.org/x/text/encoding/charmap"
)

const mark = "\xEF\xBB\xBF"

// encoder turns text into the bytes of a file.
type encoder struct {
	mark  string
	table *charmap.Charmap // nil: UTF-8
}

func newEncoder(name string) encoder {
	switch name {
	case "windows-1252":
		return encoder{table: charmap.Windows1252}
	case "utf-8-bom":
		return encoder{mark: mark}
	}
	return encoder{}
}

// can says whether the encoding has all characters of a text.
func (e encoder) can(s string) bool {
	if e.table == nil {
		return true
	}
	for _, r := range s {
		if _, ok := e.table.EncodeRune(r); !ok {
			return false
		}
	}
	return true
}

// bare is a file without the mark that it begins with.
func (e encoder) bare(content []byte) []byte { return bytes.TrimPrefix(content, []byte(e.mark)) }

// encode is a text in the encoding, a question mark for each character that it has not.
func (e encoder) encode(s string) []byte {
	if e.table == nil {
		return []byte(e.mark + s)
	}
	out := make([]byte, 0, len(s))
	for _, r := range s {
		b, ok := e.table.EncodeRune(r)
		if !ok {
			b = '?'
		}
		out = append(out, b)
	}
	return out
}
