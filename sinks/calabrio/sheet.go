package calabrio

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// sheet is one of the three kinds of LogServer file.
type sheet struct {
	file, title string
	columns     []column // after interval, date_from and time
}

// The first columns of each file. What follows them are a sheet's own.
var leading = []string{"interval", "date_from", "time"}

// Of longest waits one is known, of answered and abandoned contacts together: it stands in both columns as far as it can be theirs.
// What is not known is 0, as the vendor asks.
var sheets = map[string]sheet{
	kindQueue: {"Queue_Statistics", "Teleopti.Queue.Data", []column{
		{"queue", "queue_id", name}, {"queue_name", "queue_name", name},
		{"offd_direct_call_cnt", "offered", count}, {"overflow_in_call_cnt", "0", count}, {"aband_call_cnt", "abandoned", count},
		{"overflow_out_call_cnt", "overflowed", count}, {"answ_call_cnt", "answered", count},
		{"queued_and_answ_call_dur", "wait_ms", count}, {"queued_and_aband_call_dur", "abandon_wait_ms", count},
		{"talking_call_dur", "contact_ms", count}, {"wrap_up_dur", "wrap_ms", count},
		{"queued_answ_longest_que_dur", "wait_ms < max_wait_ms ? wait_ms : max_wait_ms", count},
		{"queued_aband_longest_que_dur", "abandon_wait_ms < max_wait_ms ? abandon_wait_ms : max_wait_ms", count},
		{"avg_avail_member_cnt", "0", count}, {"ans_servicelevel_cnt", "answered_in_sl", count}, {"wait_dur", "0", count},
		{"aband_short_call_cnt", "short_abandoned", count}, {"aband_within_sl_cnt", "abandoned_in_sl", count},
	}},
	kindAgent: {"Agent_Statistics", "Teleopti.Agent.Data", []column{
		{"agent_id", "agent_id", name}, {"agent_name", "agent_name", name},
		{"avail_dur", "login_ms - not_ready_ms", within}, {"tot_work_dur", "login_ms", within}, {"pause_dur", "not_ready_ms", within},
		{"wait_dur", "available_ms", within}, {"admin_dur", "0", within}, {"direct_out_call_cnt", "direct_out", count}, {"direct_out_call_dur", "0", count},
		{"direct_in_call_cnt", "0", count}, {"direct_in_call_dur", "0", count},
	}},
	kindAgentQueue: {"AgentQueue_Statistics", "Teleopti.AgentQueue.Data", []column{
		{"agent_id", "agent_id", name}, {"agent_name", "agent_name", name}, {"queue", "queue_id", name}, {"queue_name", "queue_name", name},
		{"talking_call_dur", "contact_ms", count}, {"wrap_up_dur", "wrap_ms", count}, {"answ_call_cnt", "answered", count}, {"transfer_out_call_cnt", "0", count},
	}},
}

// sheetTwins are the ids and names that stand in for each other where one is empty.
var sheetTwins = map[string]string{"queue": "queue_name", "queue_name": "queue", "agent_id": "agent_name", "agent_name": "agent_id"}

// filler makes the cells of one kind of file.
type filler struct {
	sheet
	*table
	times Times
}

// cells are a row's; nil for what happened outside of queues, which these files have no row for.
func (f *filler) cells(i *delivery.Item) ([]string, error) {
	at := time.UnixMilli(i.Start).In(f.times.zone())
	if i.Seconds < 60 || i.Seconds%60 != 0 {
		return nil, &wrongField{"interval", fmt.Sprintf("is %d s, not whole minutes", i.Seconds)}
	}
	if again, ok := clock.Repeated(at); ok {
		return nil, &wrongField{"time", fmt.Sprintf("is %s for the second time that day, after %s: set timezone to UTC, here and for the data source",
			at.Format("15:04"), again.Format(time.RFC3339))}
	}
	cells := []string{strconv.Itoa(i.Seconds / 60), at.Format(f.times.Date), at.Format(f.times.Time)}
	values, err := f.Values(nil, i)
	if err != nil {
		return nil, err
	}
	where := map[string]int{}
	for n := range f.table.columns {
		c := &f.table.columns[n]
		var cell string
		if c.form == name {
			if cell, err = c.text(values[n]); err == nil {
				cell, err = c.clean(cell)
			}
			where[c.name] = len(cells)
		} else {
			var whole int64
			whole, err = c.whole(values[n], i.Seconds)
			cell = strconv.FormatInt(whole, 10)
		}
		if err != nil {
			return nil, err
		}
		cells = append(cells, cell)
	}
	for field, at := range where {
		if cells[at] == "" {
			cells[at] = cells[where[sheetTwins[field]]]
		}
	}
	for n := range f.table.columns {
		if field := f.table.columns[n].name; f.table.columns[n].form == name && cells[where[field]] == "" {
			if i.AgentQueue != nil && strings.HasPrefix(field, "queue") {
				return nil, nil
			}
			return nil, &wrongField{field, fmt.Sprintf("is empty, and so is %s", sheetTwins[field])}
		}
	}
	return cells, nil
}

// clean makes a text fit for a file without quotes: names lose what would end a cell, ids cannot.
func (c *column) clean(text string) (string, error) {
	bad := func(r rune) bool { return r == ';' || r == '"' || unicode.IsControl(r) }
	if !strings.ContainsFunc(text, bad) {
		return text, nil
	}
	if !strings.HasSuffix(c.name, "_name") {
		return "", &wrongField{c.name, fmt.Sprintf("is %q: a cell cannot hold semicolons, quotes or control characters; change it by an expression", text)}
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if bad(r) {
			return ' '
		}
		return r
	}, text)), nil
}

// identity is what a row is told apart by within its interval: the ids.
func (f *filler) identity(cells []string) string {
	var ids []string
	for n := range f.table.columns {
		if c := &f.table.columns[n]; c.form == name && !strings.HasSuffix(c.name, "_name") {
			ids = append(ids, cells[len(leading)+n])
		}
	}
	return strings.Join(ids, ";")
}

// fileName is that of an interval.
func (f *filler) fileName(start int64, date string) string {
	at := time.UnixMilli(start).In(f.times.zone())
	return fmt.Sprintf("%s_%s_%s.csv", f.file, at.Format(date), at.Format("15_04"))
}

// render writes the whole file: what it is, an empty line, the header, the rows by their ids.
func (f *filler) render(rows [][]string) []byte {
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(f.identity(a), f.identity(b)) })
	header := slices.Clone(leading)
	for _, c := range f.table.columns {
		header = append(header, c.name)
	}
	var b strings.Builder
	b.WriteString(f.title + "\r\n\r\n" + strings.Join(header, ";") + "\r\n")
	for _, cells := range rows {
		b.WriteString(strings.Join(cells, ";") + "\r\n")
	}
	return []byte(b.String())
}

// sanity is what the vendor's importers complain about; empty: nothing.
func (f *filler) sanity(cells []string) string {
	limit, err := strconv.Atoi(cells[0])
	if err != nil || f.Kind != kindAgent {
		return ""
	}
	is := map[string]int{}
	for n, c := range f.table.columns {
		if c.form != name {
			is[c.name], _ = strconv.Atoi(cells[len(leading)+n]) // it was written from a number
		}
	}
	for _, field := range []string{"avail_dur", "tot_work_dur", "pause_dur"} {
		if is[field] > limit*60 {
			return fmt.Sprintf("%s is %d, above %d", field, is[field], limit*60)
		}
	}
	if is["pause_dur"] > is["tot_work_dur"] {
		return fmt.Sprintf("pause_dur is %d, above tot_work_dur, which is %d", is["pause_dur"], is["tot_work_dur"])
	}
	return ""
}
