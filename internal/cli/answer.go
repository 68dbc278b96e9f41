package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/quarterhour/quarterhour/internal/console"
)

// tableRows is how much of an answer is drawn: a table is laid out as a whole, and nobody reads more.
const tableRows = 1000

// TableFormat is the format of ClickHouse that ShowTable draws.
const TableFormat = "TabSeparatedWithNamesAndTypes"

// ShowTable draws an answer in TableFormat.
func ShowTable(screen *console.Screen, body io.Reader) error {
	r := bufio.NewReaderSize(body, 1<<16)
	names, err := record(r)
	if errors.Is(err, io.EOF) {
		return nil // a statement without a result
	} else if err != nil {
		return err
	}
	types, err := record(r)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	t := console.Table{Columns: make([]console.Column, len(names))}
	for i, name := range names {
		t.Columns[i] = console.Column{Name: name, Right: i < len(types) && numeric(types[i])}
	}
	for {
		row, err := record(r)
		if errors.Is(err, io.EOF) {
			t.Note = number(len(t.Rows), "row")
			break
		} else if err != nil {
			return err
		}
		if len(t.Rows) == tableRows {
			t.Note = fmt.Sprintf("the first %s rows: write a LIMIT, or send all to a file with --format", console.Count(tableRows))
			break
		}
		t.Rows = append(t.Rows, row)
	}
	screen.Table(t)
	return nil
}

// record reads one line of TSV.
func record(r *bufio.Reader) ([]string, error) {
	line, err := r.ReadString('\n')
	if line == "" || err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
	for i, cell := range cells {
		if cells[i] = unescape.Replace(cell); cell == `\N` {
			cells[i] = "NULL"
		}
	}
	return cells, nil
}

var unescape = strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\r`, "\r", `\b`, "\b", `\f`, "\f", `\0`, "\x00", `\'`, "'")

// numeric says whether a ClickHouse type stands on the right.
func numeric(t string) bool {
	for _, wrapper := range []string{"Nullable(", "LowCardinality(", "SimpleAggregateFunction(sum, ", "SimpleAggregateFunction(max, "} {
		t = strings.TrimPrefix(t, wrapper)
	}
	for _, n := range []string{"Int", "UInt", "Float", "Decimal", "BFloat"} {
		if strings.HasPrefix(t, n) {
			return true
		}
	}
	return false
}

// number is "1 row", "2 rows".
func number(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return console.Count(int64(n)) + " " + word + "s"
}
