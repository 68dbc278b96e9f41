package rows

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
	"unsafe"

	"github.com/quarterhour/quarterhour/internal/expression"
)

// Delimited reads CSV and TSV. A value in double quotes may hold delimiters, line breaks, and quotes written twice (RFC 4180); a quote
// inside a value that does not start with one is a character like others.
type Delimited struct {
	*Window
	delimiter byte
	quotes    bool
	nulls     []string
	columns   []string
	used      []bool

	first int64 // line of the last row
	next  int64 // line after it
	row   []byte
	cells []cell
	plain []byte // values that had quotes inside, without them
}

// NewDelimited reads rows with a delimiter between the values, and with quotes around them where quotes says so. A value that is one of
// nulls is absent, as an empty one is.
func NewDelimited(w *Window, delimiter byte, quotes bool, nulls []string) *Delimited {
	return &Delimited{Window: w, delimiter: delimiter, quotes: quotes, nulls: nulls, next: 1}
}

// Columns says which values there are in a row and which of them are wanted, by number.
func (d *Delimited) Columns(names []string, used []int) {
	d.columns, d.used = names, make([]bool, len(names))
	for _, slot := range used {
		d.used[slot] = true
	}
}

// Next is the line after the last row, and GoOn says which it is where the stream does not start at its first.
func (d *Delimited) Next() int64 { return d.next }

// GoOn sets the line of the next row.
func (d *Delimited) GoOn(line int64) { d.next = line }

// cell is one value: a part of the row, or of plain.
type cell struct {
	from, to int
	unquoted bool
}

func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Header reads the names of the columns.
func (d *Delimited) Header() ([]string, error) {
	err := d.advance()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names := make([]string, len(d.cells))
	for i, c := range d.cells {
		names[i] = string(bytes.TrimSpace(d.cell(c)))
	}
	return names, nil
}

func (d *Delimited) cell(c cell) []byte {
	if c.unquoted {
		return d.plain[c.from:c.to]
	}
	return d.row[c.from:c.to]
}

// Read puts the values of the next row into the environment. io.EOF is the end, a *Error a row that is no good.
func (d *Delimited) Read(e *expression.Env) error {
	if err := d.advance(); err != nil {
		return err
	}
	if len(d.cells) != len(d.columns) {
		return &Error{"columns", fmt.Errorf("%d values for %d columns", len(d.cells), len(d.columns))}
	}
	for i, used := range d.used {
		if used {
			e.Values[i] = d.value(d.cells[i])
		}
	}
	return nil
}

func (d *Delimited) value(c cell) expression.Value {
	s := text(d.cell(c))
	if s == "" {
		return expression.Value{}
	}
	for _, null := range d.nulls {
		if s == null {
			return expression.Value{}
		}
	}
	return expression.TextOf(s)
}

// advance finds the next row that is not an empty line, and its cells.
func (d *Delimited) advance() error {
	for {
		d.first = d.next
		end, ended, err := d.line(0)
		switch {
		case err != nil:
			return err
		case end < 0:
			return d.tooLong()
		case ended && end == 0:
			return io.EOF
		}
		d.row = d.rest()[:end]
		if d.quotes && bytes.IndexByte(d.row, '"') >= 0 {
			return d.quoted()
		}
		d.consume(end, ended, 1)
		if len(d.row) > 0 {
			d.split()
			return d.encoding()
		}
	}
}

// consume takes the row of a length and its line break off the window.
func (d *Delimited) consume(length int, ended bool, lines int64) {
	d.row = bytes.TrimSuffix(d.rest()[:length], []byte{'\r'})
	d.take(length, ended, d.first)
	d.next += lines
}

func (d *Delimited) encoding() error {
	if !utf8.Valid(d.row) {
		return &Error{"encoding", errors.New("the row is not UTF-8: convert the file, for example with iconv -f latin1 -t utf8")}
	}
	return nil
}

func (d *Delimited) split() {
	d.cells = d.cells[:0]
	for from := 0; ; {
		i := bytes.IndexByte(d.row[from:], d.delimiter)
		if i < 0 {
			d.cells = append(d.cells, cell{from: from, to: len(d.row)})
			return
		}
		d.cells = append(d.cells, cell{from: from, to: from + i})
		from += i + 1
	}
}

func (d *Delimited) tooLong() error {
	d.row = bytes.Clone(d.rest()[:MaxPayload]) // the window moves on
	err := d.skipLine()
	d.next++
	if err != nil {
		return err
	}
	return &Error{"too_long", fmt.Errorf("the row has more than %d bytes", MaxRow)}
}

// Position is the line that the last row begins in.
func (d *Delimited) Position() string { return fmt.Sprint(d.first) }

// Raw is the last row as it came.
func (d *Delimited) Raw() []byte { return d.row }
