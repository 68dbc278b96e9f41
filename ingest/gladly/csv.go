package gladly

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// table reads the CSV of a report, row by row, with columns by name: the vendor may add some and change their order.
type table struct {
	from    *csv.Reader
	columns map[string]int // by folded name
	asked   map[string]int // by name as it was asked for; -1: there is none
	header  []string
	row     []string
	line    int // on which the row starts
	report  string
}

// openTable reads the header. An answer without any is a report without rows.
func openTable(report string, r io.Reader, needed ...string) (*table, error) {
	t := &table{from: csv.NewReader(r), columns: map[string]int{}, asked: map[string]int{}, report: report}
	t.from.ReuseRecord, t.from.FieldsPerRecord, t.from.LazyQuotes = true, -1, false
	header, err := t.from.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, t.failed(err)
	}
	for i, name := range header {
		name = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
		t.header = append(t.header, name)
		if _, twice := t.columns[fold(name)]; !twice {
			t.columns[fold(name)] = i
		}
	}
	var missing []string
	for _, name := range needed {
		if _, ok := t.columns[fold(name)]; !ok {
			missing = append(missing, strconv.Quote(name))
		}
	}
	if missing != nil {
		return nil, fmt.Errorf("report %s has no column %s, but %s: the vendor changed it, or it is another report", report, strings.Join(missing, ", "), strings.Join(t.header, ", "))
	}
	return t, nil
}

// fold makes names equal that differ in case and spaces: "Agent ID" and agent_id.
func fold(name string) string {
	return strings.NewReplacer(" ", "", "_", "", "-", "").Replace(strings.ToLower(name))
}

// next reads a row. A row that is no CSV is a problem of that row; the error is io.EOF, or the connection's.
func (t *table) next() (problem string, err error) {
	t.row, err = t.from.Read()
	if len(t.row) > 0 {
		t.line, _ = t.from.FieldPos(0)
	}
	var wrong *csv.ParseError
	switch {
	case errors.As(err, &wrong):
		t.line = wrong.StartLine
		return "is not CSV: " + wrong.Err.Error(), nil
	case errors.Is(err, io.EOF):
		return "", io.EOF
	case err != nil:
		return "", t.failed(err)
	case len(t.row) < len(t.header):
		return fmt.Sprintf("has %d values where the header has %d", len(t.row), len(t.header)), nil
	}
	return "", nil
}

func (t *table) failed(err error) error { return fmt.Errorf("report %s: %w", t.report, err) }

// at is where a column stands, -1 where there is none.
func (t *table) at(column string) int {
	i, known := t.asked[column]
	if !known {
		var ok bool
		if i, ok = t.columns[fold(column)]; !ok {
			i = -1
		}
		t.asked[column] = i
	}
	return i
}

// has says whether there is such a column.
func (t *table) has(column string) bool { return t.at(column) >= 0 }

// cell is a value of the row, or "" where there is no such column. It holds until the next row.
func (t *table) cell(column string) string {
	if i := t.at(column); i >= 0 && i < len(t.row) {
		return strings.TrimSpace(t.row[i])
	}
	return ""
}

// location names the row that was read last.
func (t *table) location() string { return "report " + t.report + ", line " + strconv.Itoa(t.line) }

// text is the row as a dead letter shows it.
func (t *table) text() []byte {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(t.header)
	_ = w.Write(t.row)
	w.Flush()
	return []byte(b.String())
}
