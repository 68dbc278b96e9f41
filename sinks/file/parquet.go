package file

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strings"
	"unsafe"

	"github.com/parquet-go/parquet-go"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/schemas"
)

// rowGroup is how many rows a group has at most, which is a part of the file: few enough to be written again for one row, enough for a reader
// to skip by.
const rowGroup = 32_768

// parquetFormat is Parquet with Zstandard: instants are timestamps in milliseconds UTC, whole numbers and durations int64, lists JSON.
type parquetFormat struct {
	table    *table
	schema   *parquet.Schema
	optional []bool
	full     int // rows of a group at most
}

var parquetName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func newParquet(t *table) (*parquetFormat, error) {
	f := &parquetFormat{table: t, full: rowGroup}
	var fields []reflect.StructField
	for n, name := range t.Names {
		if !parquetName.MatchString(name) {
			return nil, fmt.Errorf("column %q: names in Parquet have letters, digits and _ only", name)
		}
		kind, tag := reflect.TypeFor[string](), name+",dict"
		switch t.Kinds[n] {
		case expression.Int, expression.Duration:
			kind, tag = reflect.TypeFor[int64](), name
		case expression.Instant:
			kind, tag = reflect.TypeFor[int64](), name+",timestamp(millisecond)"
		case expression.Float:
			kind, tag = reflect.TypeFor[float64](), name
		case expression.Bool:
			kind, tag = reflect.TypeFor[bool](), name
		case expression.JSON:
			tag = name + ",json"
		}
		optional := !t.isKey[n] && n != t.revision && !present(t.Kind, name)
		if optional {
			tag += ",optional"
		}
		f.optional = append(f.optional, optional)
		fields = append(fields, reflect.StructField{Name: fmt.Sprintf("F%d", n), Type: kind, Tag: reflect.StructTag(fmt.Sprintf("parquet:%q", tag))})
	}
	f.schema = parquet.SchemaOf(reflect.New(reflect.StructOf(fields)).Interface())
	return f, nil
}

// present says whether a column is a field of the record that always has a value.
func present(kind, column string) bool {
	nullable, ok := nullables(kind)[column]
	return ok && !nullable
}

func (f *parquetFormat) encode(r *row, values []expression.Value) {
	r.values = make(parquet.Row, len(values))
	for n, v := range values {
		level := 0
		if f.optional[n] && !v.IsNil() {
			level = 1
		}
		r.values[n] = f.value(n, v).Level(0, level, n)
	}
}

func (f *parquetFormat) value(n int, v expression.Value) parquet.Value {
	switch kind := f.table.Kinds[n]; {
	case v.IsNil() && f.optional[n]:
		return parquet.Value{}
	case kind == expression.Int || kind == expression.Duration || kind == expression.Instant:
		return parquet.Int64Value(v.Milliseconds())
	case kind == expression.Float:
		return parquet.DoubleValue(v.Number())
	case kind == expression.Bool:
		return parquet.BooleanValue(v.True())
	}
	text := v.String()
	return parquet.ByteArrayValue(unsafe.Slice(unsafe.StringData(text), len(text))) // it is only read
}

func (f *parquetFormat) reader(file *os.File) (reader, error) {
	in, err := f.open(file)
	if err != nil {
		return nil, err
	}
	if want, have := columnsOf(f.schema), columnsOf(in.Schema()); want != have {
		return nil, fmt.Errorf("its columns are %s, and those of this sink %s", have, want)
	}
	return newParquetReader(f, in), nil
}

func newParquetReader(f *parquetFormat, in *parquet.File) *parquetReader {
	return &parquetReader{format: f, groups: in.RowGroups(), group: -1, rows: make([]parquet.Row, 256)}
}

func (f *parquetFormat) open(file *os.File) (*parquet.File, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return parquet.OpenFile(file, info.Size(), parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
}

func columnsOf(s *parquet.Schema) string {
	var list []string
	for _, field := range s.Fields() {
		list = append(list, fmt.Sprintf("%s %s optional=%t", field.Name(), field.Type(), field.Optional()))
	}
	return strings.Join(list, ", ")
}

type parquetReader struct {
	format  *parquetFormat
	groups  []parquet.RowGroup
	group   int // the number of the current one
	current parquet.Rows
	rows    []parquet.Row
	have    int
	at      int
	number  int
	row     row
}

func (r *parquetReader) next() (*row, error) {
	for r.at >= r.have {
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
	values := r.rows[r.at]
	r.at++
	r.number++
	t := r.format.table
	if len(values) != len(t.Names) {
		return nil, fmt.Errorf("it has %d columns of %d", len(values), len(t.Names))
	}
	r.row = row{values: values, at: schemas.Null, key: r.row.key[:0], revision: values[t.revision].Int64()}
	if t.at >= 0 && !values[t.at].IsNull() {
		r.row.at = values[t.at].Int64()
	}
	for _, n := range t.key {
		r.row.key = append(append(r.row.key, values[n].ByteArray()...), 0)
	}
	return &r.row, nil
}

// fill reads the next rows; io.EOF behind the last.
func (r *parquetReader) fill() error {
	if r.current == nil {
		if len(r.groups) == 0 {
			return io.EOF
		}
		r.current, r.groups = r.groups[0].Rows(), r.groups[1:]
		r.group++
	}
	n, err := r.current.ReadRows(r.rows)
	r.have, r.at = n, 0
	if errors.Is(err, io.EOF) {
		err, r.current = r.current.Close(), nil
	}
	return err
}

func (r *parquetReader) place() string { return fmt.Sprintf("row %d", r.number) }

// part implements reader: row groups are the parts.
func (r *parquetReader) part() (number int, from int64) { return r.group, 0 }
