package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/schemas"
)

// jsonl is one JSON object a line, its names always in the order of the columns.
type jsonl struct {
	textual
	table *table
	names [][]byte // "name": with the quotes
}

func newJSONL(t *table) *jsonl {
	f := &jsonl{textual: textual{linesOfPart}, table: t}
	for _, name := range t.Names {
		f.names = append(f.names, append(quoted(nil, name), ':'))
	}
	return f
}

func (f *jsonl) encode(r *row, values []expression.Value) {
	line := append(make([]byte, 0, 640), '{')
	for n, v := range values {
		if n > 0 {
			line = append(line, ',')
		}
		line = append(line, f.names[n]...)
		switch v.Kind {
		case expression.Nil:
			line = append(line, "null"...)
		case expression.Text:
			line = quoted(line, v.String())
		case expression.Instant:
			line = append(plain(append(line, '"'), v), '"')
		case expression.JSON:
			line = append(line, compact(v.String())...)
		default:
			line = plain(line, v)
		}
	}
	r.line = append(line, '}', '\n')
}

// compact is JSON without line ends.
func compact(s string) []byte {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(s)); err != nil {
		return quoted(nil, s)
	}
	return b.Bytes()
}

const hexDigits = "0123456789abcdef"

// quoted appends a text, which is valid UTF-8, as a JSON string.
func quoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

func (f *jsonl) parts(l *layout, from, to int) (reader, error) {
	return &jsonlReader{format: f, lines: f.lines(l, from, to)}, nil
}

func (f *jsonl) writer(w io.Writer, _ *layout) writer { return &lineWriter{w: w} }

func (f *jsonl) reader(file *os.File) (reader, error) {
	return &jsonlReader{format: f, lines: f.whole(file)}, nil
}

type jsonlReader struct {
	format *jsonl
	lines
	row row
}

func (r *jsonlReader) next() (*row, error) {
	r.start()
	line, err := r.line()
	if err != nil {
		return nil, err
	}
	r.row = row{line: line, at: schemas.Null, key: r.row.key[:0]}
	return &r.row, r.parse(line)
}

// parse takes the columns that a merge needs out of an object, whose names must be those of this sink.
func (r *jsonlReader) parse(line []byte) error {
	t := r.format.table
	begin := byte('{')
	rest := line[:len(line)-1]
	for n := range t.Names {
		if len(rest) == 0 || rest[0] != begin || !bytes.HasPrefix(rest[1:], r.format.names[n]) {
			return fmt.Errorf("%.60q is not where its column %q should be", rest, t.Names[n])
		}
		begin = ','
		rest = rest[1+len(r.format.names[n]):]
		end := valueEnd(rest)
		if end < 0 {
			return fmt.Errorf("column %q: the value has no end", t.Names[n])
		}
		if t.isKey[n] || n == t.at || n == t.revision {
			value, err := scalar(rest[:end])
			if err == nil {
				err = t.read(&r.row, n, value)
			} else {
				err = fmt.Errorf("column %q: %w", t.Names[n], err)
			}
			if err != nil {
				return err
			}
		}
		rest = rest[end:]
	}
	if len(rest) != 1 || rest[0] != '}' {
		return fmt.Errorf("%.60q follows its %d columns", rest, len(t.Names))
	}
	return nil
}

// scalar is a JSON value as text: nothing where it is null.
func scalar(value []byte) ([]byte, error) {
	switch {
	case string(value) == "null":
		return nil, nil
	case len(value) == 0 || value[0] == '{' || value[0] == '[':
		return nil, fmt.Errorf("%.40q is no text or number", value)
	case value[0] != '"':
		return value, nil
	case bytes.IndexByte(value, '\\') < 0 && utf8.Valid(value):
		return value[1 : len(value)-1], nil
	}
	var s string
	if err := json.Unmarshal(value, &s); err != nil {
		return nil, errors.New("the text is no JSON")
	}
	return []byte(s), nil
}

// valueEnd is where the value at the beginning of b ends; -1: nowhere. It looks at brackets and quotes, and takes for granted that
// the rest is as it was written.
func valueEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			n := stringEnd(b[i+1:])
			if n < 0 {
				return -1
			}
			i += n + 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

// stringEnd is where the closing quote stands; -1: nowhere.
func stringEnd(b []byte) int {
	for i := 0; ; {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1
		}
		i += n
		slashes := 0
		for i-slashes > 0 && b[i-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
		i++
	}
}
