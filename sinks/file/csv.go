package file

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/schemas"
)

// csvFormat is RFC 4180 with a header, lines ending in \n. A value is in quotes where it has to be.
type csvFormat struct {
	textual
	table     *table
	delimiter byte
}

func (f *csvFormat) header() []byte {
	var line []byte
	for n, name := range f.table.Names {
		if n > 0 {
			line = append(line, f.delimiter)
		}
		line = f.text(line, name)
	}
	return append(line, '\n')
}

func (f *csvFormat) encode(r *row, values []expression.Value) {
	line := make([]byte, 0, 256)
	for n, v := range values {
		if n > 0 {
			line = append(line, f.delimiter)
		}
		switch v.Kind {
		case expression.Text, expression.JSON:
			line = f.text(line, v.String())
		default:
			line = plain(line, v)
		}
	}
	r.line = append(line, '\n')
}

// plain appends a value that is no text: nothing where it is absent, milliseconds for durations, RFC 3339 for instants.
func plain(dst []byte, v expression.Value) []byte {
	switch v.Kind {
	case expression.Int, expression.Duration:
		return strconv.AppendInt(dst, v.Milliseconds(), 10)
	case expression.Instant:
		return time.UnixMilli(v.Milliseconds()).UTC().AppendFormat(dst, "2006-01-02T15:04:05.999Z07:00")
	}
	return append(dst, v.String()...)
}

func (f *csvFormat) text(dst []byte, s string) []byte {
	if strings.IndexByte(s, f.delimiter) < 0 && !strings.ContainsAny(s, "\"\r\n") {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

func (f *csvFormat) reader(file *os.File) (reader, error) {
	r := &csvReader{format: f, lines: f.whole(file)}
	header, err := r.record()
	if err != nil {
		if err == io.EOF { //nolint:errorlint // what record says itself
			return nil, fmt.Errorf("line 1: it is empty, without the names of the columns")
		}
		return nil, fmt.Errorf("line 1: %w", err)
	}
	if want := f.header(); !bytes.Equal(header, want) {
		return nil, fmt.Errorf("line 1: its columns are %.300q, and those of this sink %.300q", bytes.TrimSpace(header), bytes.TrimSpace(want))
	}
	r.count = 0
	return r, nil
}

func (f *csvFormat) parts(l *layout, from, to int) (reader, error) {
	return &csvReader{format: f, lines: f.lines(l, from, to)}, nil
}

func (f *csvFormat) writer(w io.Writer, _ *layout) writer {
	return &lineWriter{w: w, header: f.header()}
}

type csvReader struct {
	format *csvFormat
	lines
	row     row
	scratch []byte
}

// record reads one record, which may have several lines where a value in quotes has.
func (r *csvReader) record() ([]byte, error) {
	r.start()
	whole, err := r.line()
	if err != nil || bytes.Count(whole, quote)%2 == 0 {
		return whole, err
	}
	whole = append([]byte(nil), whole...)
	for quotes := 1; quotes%2 != 0; {
		more, err := r.line()
		if err != nil {
			return nil, fmt.Errorf("a quote is not closed")
		}
		quotes += bytes.Count(more, quote)
		whole = append(whole, more...)
	}
	return whole, nil
}

var quote = []byte{'"'}

func (r *csvReader) next() (*row, error) {
	line, err := r.record()
	if err != nil {
		return nil, err
	}
	r.row = row{line: line, at: schemas.Null, key: r.row.key[:0]}
	return &r.row, r.parse(line)
}

// parse takes the columns that a merge needs out of a record.
func (r *csvReader) parse(line []byte) error {
	t := r.format.table
	rest := line[:len(line)-1]
	for n := range t.Names {
		value, behind, err := r.value(rest)
		if err != nil {
			return fmt.Errorf("column %q: %w", t.Names[n], err)
		}
		if err := t.read(&r.row, n, value); err != nil {
			return err
		}
		switch last := n == len(t.Names)-1; {
		case last && behind != nil:
			return fmt.Errorf("it has more than %d columns", len(t.Names))
		case !last && behind == nil:
			return fmt.Errorf("it has %d columns of %d", n+1, len(t.Names))
		}
		rest = behind
	}
	return nil
}

// value cuts the first value off; rest is nil behind the last one.
func (r *csvReader) value(line []byte) (value, rest []byte, err error) {
	if len(line) == 0 || line[0] != '"' {
		n := bytes.IndexByte(line, r.format.delimiter)
		if n < 0 {
			return line, nil, nil
		}
		return line[:n], line[n+1:], nil
	}
	r.scratch = r.scratch[:0]
	for rest = line[1:]; ; {
		n := bytes.IndexByte(rest, '"')
		if n < 0 {
			return nil, nil, fmt.Errorf("a quote is not closed")
		}
		r.scratch = append(r.scratch, rest[:n]...)
		rest = rest[n+1:]
		switch {
		case len(rest) == 0:
			return r.scratch, nil, nil
		case rest[0] == '"':
			r.scratch, rest = append(r.scratch, '"'), rest[1:]
		case rest[0] == r.format.delimiter:
			return r.scratch, rest[1:], nil
		default:
			return nil, nil, fmt.Errorf("%q follows a closing quote", rest[0])
		}
	}
}
