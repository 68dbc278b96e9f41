package five9

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// sheet is a report that was run: the rows, and how they are written.
type sheet struct {
	kind    Kind
	columns []string
	rows    []*row
	asOf    time.Time
	end     time.Time // of the window
	zone    *time.Location
	numbers map[string]string
	layout  string          // of timestamps
	deleted map[string]bool // users and skills

	calls  []func(*sheet, *call) cell
	states []func(*sheet, *state) cell
	chats  []func(*sheet, *chat) cell
}

// The days of timestamps have one or two digits, or always two.
var layouts = []string{"Mon, 2 Jan 2006 15:04:05", "Mon, 02 Jan 2006 15:04:05"}

func (s *sheet) timestamp(t time.Time) cell { return cell{text: t.In(s.zone).Format(s.layout)} }

func (s *sheet) date(t time.Time) cell { return cell{text: t.In(s.zone).Format("2006/01/02")} }

func (s *sheet) time(t time.Time) cell { return cell{text: t.In(s.zone).Format("15:04:05")} }

// clock is the start of the part of the hour that an instant lies in.
func (s *sheet) clock(t time.Time, minutes int) cell {
	local := t.In(s.zone)
	return cell{text: fmt.Sprintf("%02d:%02d", local.Hour(), local.Minute()/minutes*minutes)}
}

// shown is the name of a user or a skill: of those that were deleted it is lost.
func (s *sheet) shown(name string) string { return s.named(name, name) }

func (s *sheet) named(of, name string) string {
	if s.deleted[of] {
		return "[Deleted]"
	}
	return name
}

// check refuses a report with a column that nobody can fill.
func (r Report) check() error {
	for _, column := range r.Columns {
		var ok bool
		switch r.Kind {
		case Calls:
			_, ok = callCells[column]
		case States:
			_, ok = stateCells[column]
		case Digital:
			_, ok = chatCells[column]
		}
		if !ok && !strings.HasPrefix(column, "Global.") {
			return fmt.Errorf("report %q of the simulated Five9: a report of kind %q has no column %q", r.Name, r.Kind, column)
		}
	}
	return nil
}

// line writes the cells of a row.
func (s *sheet) line(r *row, to []cell) []cell {
	to = to[:0]
	switch told := r.told.(type) {
	case *call:
		for _, f := range s.calls {
			to = append(to, f(s, told))
		}
	case *state:
		for _, f := range s.states {
			to = append(to, f(s, told))
		}
	case *chat:
		for _, f := range s.chats {
			to = append(to, f(s, told))
		}
	}
	return to
}

// choose looks up what fills the columns.
func (s *sheet) choose() {
	switch s.kind {
	case Calls:
		s.calls = filling(s.columns, callCells)
	case States:
		s.states = filling(s.columns, stateCells)
	case Digital:
		s.chats = filling(s.columns, chatCells)
	}
}

// filling is what fills each column. Call variables are blank.
func filling[T any](columns []string, all map[string]func(*sheet, T) cell) (list []func(*sheet, T) cell) {
	for _, column := range columns {
		f := all[column]
		if f == nil {
			f = func(*sheet, T) cell { return cell{null: true} }
		}
		list = append(list, f)
	}
	return list
}

// hide takes out the states that are not shown yet.
func (s *sheet) hide() {
	s.rows = slices.DeleteFunc(s.rows, func(r *row) bool {
		told, ok := r.told.(*state)
		if !ok {
			return false
		}
		_, shown := told.known(s)
		return !shown
	})
}

// byAgent puts the rows in another order than by time.
func (s *sheet) byAgent() {
	slices.SortStableFunc(s.rows, func(a, b *row) int { return strings.Compare(a.user, b.user) })
}

// csv writes the sheet: cells with commas or quotes are quoted, the header never is.
func (s *sheet) csv(w *writer, form csvForm, most int) {
	put := form.writer(w)
	put(strings.Join(s.columns, ",") + form.newline)
	var (
		line []cell
		text strings.Builder
	)
	for _, r := range s.rows[:min(most, len(s.rows))] {
		line = s.line(r, line)
		text.Reset()
		for i, c := range line {
			if i > 0 {
				text.WriteByte(',')
			}
			if strings.ContainsAny(c.text, ",\"\n") {
				text.WriteString(`"` + strings.ReplaceAll(c.text, `"`, `""`) + `"`)
			} else {
				text.WriteString(c.text)
			}
		}
		text.WriteString(form.newline)
		put(text.String())
	}
	form.close(w)
}

// csvForm is how a CSV lies in the XML.
type csvForm struct {
	cdata   bool
	newline string
}

var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\"", "&quot;", "\r", "&#13;")

func (f csvForm) writer(w *writer) func(string) {
	if f.cdata {
		w.put("<![CDATA[")
		return func(text string) { w.put(text) }
	}
	return func(text string) { _, _ = entities.WriteString(w, text) }
}

func (f csvForm) close(w *writer) {
	if f.cdata {
		w.put("]]>")
	}
}

// data writes the sheet as rows of cells.
func (s *sheet) data(w *writer, most int) {
	w.put(`<return xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`)
	w.in("header", func() { w.data(cells(s.columns...)) })
	var line []cell
	for _, r := range s.rows[:min(most, len(s.rows))] {
		line = s.line(r, line)
		w.in("records", func() { w.data(line) })
	}
	w.put("</return>")
}
