package five9

import (
	"fmt"
	"slices"
	"strings"
)

// column is what the connector wants to know from a report. Reports are made by hand, so columns are found by the text of the header,
// whatever their order and case, and columns that nobody asks for pass.
type column struct {
	role  string   // in the option columns
	names []string // of the header; the first that is there is taken
	must  bool     // without it the numbers would be wrong
}

// table says where the columns of one report stand: by role, -1 where there is none.
type table struct {
	header []string
	at     []int
}

// read finds the columns. chosen are the names that the pipeline file gives by role; an empty one says that the report has no such
// column, and that this is as it should be.
func (t *table) read(header []string, columns []column, chosen map[string]string, report string) error {
	t.header = make([]string, len(header))
	for i, h := range header {
		t.header[i] = strings.TrimSpace(strings.TrimPrefix(h, "\ufeff"))
	}
	t.at = make([]int, len(columns))
	var missing []string
	for i, c := range columns {
		names, must := c.names, c.must
		if name, ok := chosen[c.role]; ok {
			names, must = []string{name}, name != ""
		}
		t.at[i] = t.find(names)
		if t.at[i] < 0 && must {
			missing = append(missing, fmt.Sprintf("%q (%s)", strings.Join(names, `" or "`), c.role))
		}
	}
	if missing != nil {
		return fmt.Errorf("report %q has no column %s, only %q: add it to the report, or name another in the stream's columns; an empty name "+
			"does without", report, strings.Join(missing, ", "), t.header)
	}
	return nil
}

func (t *table) find(names []string) int {
	for _, name := range names {
		if name == "" {
			continue
		}
		if i := slices.IndexFunc(t.header, func(h string) bool { return strings.EqualFold(h, strings.TrimSpace(name)) }); i >= 0 {
			return i
		}
	}
	return -1
}

// cell is the text of a column, without blanks around it; empty where the report has no such column.
func (t *table) cell(cells []string, role int) string {
	if i := t.at[role]; i >= 0 {
		return strings.TrimSpace(cells[i])
	}
	return ""
}

// has says whether the report has the column.
func (t *table) has(role int) bool { return t.at[role] >= 0 }

// name is a cell that names a thing: empty where it says that there is none.
func (t *table) name(cells []string, role int) string {
	s := t.cell(cells, role)
	if isNone(s) {
		return ""
	}
	return s
}

// isNone tells the vendor's words for nothing. "[Deleted]" is none of them: the agent or queue was there, and what they did is counted
// under that name.
func isNone(s string) bool {
	return len(s) > 2 && s[0] == '[' && (strings.EqualFold(s, "[None]") || strings.EqualFold(s, "[Unknown]"))
}

// checkRoles reports names in the option columns that are no roles.
func checkRoles(columns []column, chosen map[string]string, problem func(role, message string)) {
	for role := range chosen {
		if !slices.ContainsFunc(columns, func(c column) bool { return c.role == role }) {
			known := make([]string, len(columns))
			for i, c := range columns {
				known[i] = c.role
			}
			problem(role, fmt.Sprintf("is no column that this stream reads: known are %s", strings.Join(known, ", ")))
		}
	}
}

// rowError is what is wrong with one row.
type rowError struct {
	reason string // short, the same as in the metrics
	detail string
}

func (e *rowError) Error() string { return e.detail }

func bad(reason, format string, args ...any) *rowError {
	return &rowError{reason, fmt.Sprintf(format, args...)}
}

// length reads a duration column, in milliseconds; an empty cell is 0.
func (t *table) length(cells []string, role int) (int64, *rowError) {
	i := t.at[role]
	if i < 0 {
		return 0, nil
	}
	ms, err := duration(cells[i])
	if err != nil {
		return 0, bad("duration", "column %q: %v", t.header[i], err)
	}
	if ms < 0 {
		return 0, bad("duration", "column %q: %q is negative", t.header[i], cells[i])
	}
	return ms, nil
}

// when reads the row's instant as the clock shows it: one column, or a date and a time.
func (t *table) when(cells []string, stamp, date, clock int) (int64, *rowError) {
	text, name := t.cell(cells, stamp), ""
	if t.has(stamp) {
		name = t.header[t.at[stamp]]
	} else {
		text, name = t.cell(cells, date)+" "+t.cell(cells, clock), t.header[t.at[date]]+" "+t.header[t.at[clock]]
	}
	civil, err := civilTime(text)
	if err != nil {
		return 0, bad("time", "column %q: %v", name, err)
	}
	return civil, nil
}

// timed makes sure that rows say when: by a timestamp, or by date and time.
func (t *table) timed(stamp, date, clock int, report string, names []string) error {
	if t.has(stamp) || t.has(date) && t.has(clock) {
		return nil
	}
	return fmt.Errorf("report %q has no column %q, nor both \"DATE\" and \"TIME\", only %q: add one to the report, or name another in the "+
		"stream's columns.timestamp", report, names[0], t.header)
}

// yes reads a count or a truth value: 1, true, yes.
func yes(s string) bool {
	switch s {
	case "", "0":
		return false
	case "1":
		return true
	}
	return strings.EqualFold(s, "true") || strings.EqualFold(s, "yes") || strings.Trim(s, "0123456789") == "" && strings.Trim(s, "0") != ""
}
