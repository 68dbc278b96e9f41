package file

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/columns"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// table is the columns of one kind of record, and which of them a merge reads. Safe for concurrent use.
type table struct {
	*columns.Table
	format   format
	key      []int // in the order of the columns
	isKey    []bool
	at       int // -1: none
	revision int
	moves    bool // a row's time is no part of its key
	known    known
}

// format is one format of files.
type format interface {
	// encode puts the values of all columns into the row.
	encode(r *row, values []expression.Value)
	// reader reads a file from its beginning; the error says what is wrong with it.
	reader(f *os.File) (reader, error)
	// parts reads the rows of parts that follow each other.
	parts(l *layout, from, to int) (reader, error)
	// locate says of the parts of a file that has been read where they end.
	locate(l *layout) error
	// writer begins a file. old is what it takes the place of; nil: nothing.
	writer(w io.Writer, old *layout) writer
	// rows is how many rows a part should have.
	rows() int
}

// reader gives the rows of a file, io.EOF behind the last. A row is good until the next call.
type reader interface {
	next() (*row, error)
	place() string // of the row given last, for messages: line 7
	// part is the number of the part that the row given last should be in, and where the part begins if this is its first row.
	part() (number int, from int64)
}

// writer writes the parts of a file, and what is around them.
type writer interface {
	write(r *row) error
	// cut ends a part, and says where it stands.
	cut(p *part) error
	// copy takes over the bytes of parts that follow each other, and says where they stand now.
	copy(bytes *io.LimitedReader, parts []part) error
	// close ends the file. It returns what the footer says, where there is one.
	close() (*footer, error)
}

func newTable(kind string, c *Config) (*table, error) {
	t := &table{at: -1}
	var err error
	if t.Table, err = columns.New(kind, c.Columns.of(kind), columns.Format{}); err != nil {
		return nil, err
	}
	id := identities[kind]
	t.moves = id.moves
	t.isKey = make([]bool, len(t.Names))
	for n, name := range t.Names {
		if t.isKey[n] = slices.Contains(id.fields, name); t.isKey[n] { // tenant may be missing, where it is in the path
			t.key = append(t.key, n)
		}
	}
	for _, field := range id.at {
		t.at = slices.Index(t.Names, field)
	}
	t.revision = slices.Index(t.Names, "revision")
	switch c.format() {
	case "csv":
		t.format = &csvFormat{textual: textual{linesOfPart}, table: t, delimiter: c.Delimiter[0]}
	case "jsonl":
		t.format = newJSONL(t)
	case "parquet":
		t.format, err = newParquet(t)
	default:
		err = fmt.Errorf("format %q is none of csv, jsonl and parquet", c.Format)
	}
	return t, err
}

// row makes an item's row.
func (t *table) row(i *delivery.Item, values []expression.Value) (*row, []expression.Value, error) {
	values, err := t.Values(values[:0], i)
	if err != nil {
		return nil, values, err
	}
	for n := range values {
		if values[n].Kind == expression.Text && !utf8.ValidString(values[n].String()) {
			values[n] = expression.TextOf(strings.ToValidUTF8(values[n].String(), "\uFFFD"))
		}
	}
	r := &row{at: schemas.Null, revision: values[t.revision].Milliseconds()}
	if t.at >= 0 && !values[t.at].IsNil() {
		r.at = values[t.at].Milliseconds()
	}
	for _, n := range t.key {
		r.key = append(append(r.key, values[n].String()...), 0)
	}
	t.format.encode(r, values)
	return r, values, nil
}
