package five9

import (
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// calm are faults that only lag a minute.
var calm = Faults{Lag: time.Minute, LagMost: time.Minute}

// table reads a CSV result into rows by column name.
func (r *rig) read(text string) (rows []map[string]string) {
	r.Helper()
	c := csv.NewReader(strings.NewReader(text))
	list, err := c.ReadAll()
	if err != nil {
		r.Fatalf("%v in %s", err, text)
	}
	for _, cells := range list[1:] {
		row := map[string]string{}
		for i, name := range list[0] {
			row[name] = cells[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func (r *rig) at(text string) time.Time {
	r.Helper()
	t, err := time.ParseInLocation("2006-01-02 15:04:05", text, r.zone)
	if err != nil {
		r.Fatal(err)
	}
	return t
}

func TestReportLifeCycle(t *testing.T) {
	r := start(t, Options{})
	from, to := r.at("2026-03-02 08:00:00"), r.at("2026-03-02 11:00:00")
	id := r.start(CallReport, from, to)
	get := func(operation string) string { return r.call(operation, "<identifier>"+id+"</identifier>") }
	for _, operation := range []string{"getReportResult", "getReportResultCsv"} {
		if got := r.fault(get(operation)); got != "ResultIsNotReadyFault" {
			t.Errorf("%s before the report is done: %q", operation, got)
		}
	}
	began := r.clock.Now()
	ask := func(timeout int) string {
		return r.returned(r.call("isReportRunning", fmt.Sprintf("<identifier>%s</identifier><timeout>%d</timeout>", id, timeout)))[0]
	}
	if got := ask(0); got != "true" || r.clock.Now() != began {
		t.Errorf("time-out 0 answered %q after %s", got, r.clock.Now().Sub(began))
	}
	if got := ask(2); got != "true" || r.clock.Now().Sub(began) != 2*time.Second {
		t.Errorf("time-out 2 answered %q after %s", got, r.clock.Now().Sub(began))
	}
	if got, took := ask(60), r.clock.Now().Sub(began); got != "false" || took > 20*time.Second {
		t.Errorf("time-out 60 answered %q after %s: the answer comes when the report is done", got, took)
	}
	rows := r.read(r.returned(get("getReportResultCsv"))[0])
	if len(rows) < 50 {
		t.Errorf("%d rows", len(rows))
	}
	text := get("getReportResult")
	if got := strings.Count(text, "<records>"); got != len(rows) {
		t.Errorf("%d records and %d lines", got, len(rows))
	}
	for _, want := range []string{`<data xsi:nil="true"/>`, "<data>[None]</data>", "<data></data>"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in the records", want)
		}
	}
	r.clock.move(2 * time.Hour)
	if got := r.fault(get("getReportResultCsv")); got != "UnknownIdentifierFault" {
		t.Errorf("two hours later: %q", got)
	}
	if v := r.Violations(); len(v) > 0 {
		t.Error(v)
	}
}

func TestRequestsForReportsThatCannotBe(t *testing.T) {
	r := start(t, Options{})
	f := func(want, children string) {
		t.Helper()
		if got := r.fault(r.call("runReport", children)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	ok := window(CallReport, "2026-03-02T09:00:00-08:00", "2026-03-02T10:00:00-08:00")
	f("ReportNotFoundFault", strings.Replace(ok, Folder, strings.ToLower(Folder), 1)) // names are case-sensitive
	f("ReportNotFoundFault", strings.Replace(ok, CallReport, strings.ToUpper(CallReport), 1))
	f("InvalidDateRangeFault", window(CallReport, "2026-03-02T10:00:00-08:00", "2026-03-02T09:00:00-08:00"))
	f("MissedArgumentFault", "<folderName>"+Folder+"</folderName><reportName>"+CallReport+"</reportName>")
	f("MissedArgumentFault", "<reportName>"+CallReport+"</reportName>")
	if err := r.SetReport(Report{Folder: Folder, Name: CallReport}); err != nil { // somebody removes the report
		t.Fatal(err)
	}
	f("ReportNotFoundFault", ok)
}

func TestAnswersWithoutIdentifier(t *testing.T) {
	r := start(t, Options{NoID: 3})
	empty := 0
	for range 9 {
		if r.start(CallReport, r.at("2026-03-02 08:00:00"), r.at("2026-03-02 09:00:00")) == "" {
			empty++
		}
	}
	if empty != 3 {
		t.Errorf("%d of 9 answers have no identifier, want 3", empty)
	}
}

// More rows than the limit are cut off without a word, and the criteria's window decides which there are.
func TestTruncationIsSilent(t *testing.T) {
	r := start(t, Options{MostCSV: 40, Most: 25, Faults: calm})
	r.clock.move(12 * time.Hour)
	from, to := r.at("2026-03-02 00:00:00"), r.at("2026-03-03 00:00:00")
	id := r.start(CallReport, from, to)
	r.wait(id)
	if got := len(r.read(r.returned(r.call("getReportResultCsv", "<identifier>"+id+"</identifier>"))[0])); got != 40 {
		t.Errorf("%d lines", got)
	}
	if got := strings.Count(r.call("getReportResult", "<identifier>"+id+"</identifier>"), "<records>"); got != 25 {
		t.Errorf("%d records", got)
	}
	whole := 0
	for at := from; at.Before(to); at = at.Add(30 * time.Minute) {
		r.clock.move(time.Minute) // within the quota
		whole += len(r.read(r.run(CallReport, at, at.Add(30*time.Minute))))
	}
	if whole < 200 {
		t.Errorf("all windows together have %d rows", whole)
	}
	if v := r.Violations(); len(v) > 0 {
		t.Error(v)
	}
}

// A row appears 5 to 10 minutes after what it tells has ended, or later; corrections and withdrawals are over when they must be.
func TestRowsAppearLateAndChange(t *testing.T) {
	r := start(t, Options{Limits: []Limit{}})
	day := r.rows.day(Calls, 0)
	late, wrong, gone, twice := 0, 0, 0, 0
	for _, w := range day {
		c := w.told.(*call)
		lag := time.UnixMilli(w.from).Sub(c.start.Add(c.whole() + c.wrap))
		if w.until != forever {
			gone++
			if c.campaign != "[Deleted]" {
				wrong++
			}
		}
		if w.twice {
			twice++
		}
		if lag > 10*time.Minute+8*time.Second && w.until == forever {
			late++
		}
		if lag < 4*time.Minute+30*time.Second || time.UnixMilli(w.from).After(DefaultFaults().Settled(c.start.Add(c.whole()+c.wrap+8*time.Second))) {
			t.Errorf("call %s appears after %s", c.id, lag)
		}
	}
	if late == 0 || wrong == 0 || gone == wrong || twice == 0 {
		t.Errorf("%d rows: %d late, %d wrong, %d gone, %d twice", len(day), late, wrong, gone, twice)
	}
	// The report says the same.
	i := slices.IndexFunc(day, func(w row) bool { return w.until != forever })
	w := day[i]
	start, end := time.UnixMilli(w.at), time.UnixMilli(w.at).Add(time.Second)
	shown := func(at int64) int {
		r.clock.set(time.UnixMilli(at))
		return strings.Count(r.run(CallReport, start, end), w.told.(*call).id)
	}
	for _, c := range []struct {
		at   int64
		want bool
	}{{w.from - 1000, false}, {w.from + 1000, true}, {w.until - 1000, true}, {w.until + 1000, false}} {
		if got := shown(c.at); got > 0 != c.want {
			t.Errorf("%s after it appeared the row is shown %d times", time.Duration(c.at-w.from)*time.Millisecond, got)
		}
	}
}

// What is odd about real reports is odd here too.
func TestOddities(t *testing.T) {
	r := start(t, Options{})
	text := ""
	for r.clock.Now().Before(r.at("2026-03-04 23:00:00")) {
		text += r.run(CallReport, r.at("2026-03-02 00:00:00"), r.clock.Now())
		r.clock.move(time.Hour)
	}
	for _, want := range []string{`"Mon, 2 Mar 2026 `, `"Mon, 02 Mar 2026 `, "[None]", "[Deleted]", ",,", `"Müller, Jörg"`, `"Bob ""Bobby"" Brown"`, "R&D <beta>", "Inbound Voicemail", "Manual"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in the call log", want)
		}
	}
	legs, milliseconds := map[string]int{}, false
	for _, row := range r.read(r.run(CallReport, r.at("2026-03-02 00:00:00"), r.at("2026-03-03 00:00:00"))) {
		legs[row["CALL ID"]]++
		milliseconds = milliseconds || strings.Contains(row["QUEUE WAIT TIME"], ".")
	}
	if slices.Max(slices.Collect(maps.Values(legs))) < 2 || !milliseconds {
		t.Errorf("legs %v, milliseconds %t", legs, milliseconds)
	}
	raw := ""
	for range 8 {
		id := r.start(CallReport, r.at("2026-03-02 00:00:00"), r.at("2026-03-03 00:00:00"))
		r.wait(id)
		raw += r.call("getReportResultCsv", "<identifier>"+id+"</identifier>")
		r.clock.move(time.Minute)
	}
	if !strings.Contains(raw, "<![CDATA[CALL ID") || !strings.Contains(raw, "<return>CALL ID") || !strings.Contains(raw, "R&amp;D &lt;beta&gt;") {
		t.Error("the CSV must lie in the XML as CDATA now and as entities then")
	}
}

func TestColumnsAsUsersEditThem(t *testing.T) {
	r := start(t, Options{})
	columns := []string{"SKILL", "Global.priority", "AGENT", "CALL ID", "TIMESTAMP"}
	if err := r.SetReport(Report{Folder, CallReport, Calls, columns}); err != nil {
		t.Fatal(err)
	}
	text := r.run(CallReport, r.at("2026-03-02 08:00:00"), r.at("2026-03-02 10:00:00"))
	if head, _, _ := strings.Cut(text, "\n"); strings.TrimSpace(head) != strings.Join(columns, ",") || len(r.read(text)) == 0 {
		t.Errorf("%.200s", text)
	}
	if err := r.SetReport(Report{Folder, CallReport, Calls, []string{"NO SUCH COLUMN"}}); err == nil {
		t.Error("a column that does not exist was taken")
	}
	if text := r.call("runReport", strings.NewReplacer(Folder, "Call Log Reports", CallReport, "Call Log").Replace(window(CallReport, "2026-03-02T09:00:00-08:00", "2026-03-02T10:00:00-08:00"))); !strings.Contains(text, "runReportResponse") {
		t.Errorf("the built-in call log: %s", text)
	}
}

func TestObjectsOfTheCriteria(t *testing.T) {
	r := start(t, Options{})
	user := r.centre.Accounts(centre.Five9)[0].ID
	span := strings.Replace(window(CallReport, "2026-03-02T06:00:00-08:00", "2026-03-02T12:00:00-08:00"), "<criteria>",
		"<criteria><reportObjects><objectNames>"+user+"</objectNames><objectType>User</objectType></reportObjects>", 1)
	id := r.returned(r.call("runReport", span))[0]
	r.wait(id)
	rows := r.read(r.returned(r.call("getReportResultCsv", "<identifier>"+id+"</identifier>"))[0])
	if len(rows) == 0 || slices.ContainsFunc(rows, func(row map[string]string) bool { return row["AGENT"] != user }) {
		t.Errorf("%d rows, not all of %s", len(rows), user)
	}
}

// An instant of the hour that comes twice is written the same both times; the window tells them apart.
func TestHourThatComesTwice(t *testing.T) {
	r := startAt(t, Options{Faults: calm}, "Europe/Berlin", "2026-11-01", 1) // in Berlin it is busy when clocks go back in Los Angeles
	r.clock.move(12 * time.Hour)
	f := func(from, to string) (hours []string) {
		t.Helper()
		id := r.returned(r.call("runReport", window(CallReport, from, to)))[0]
		r.wait(id)
		for _, row := range r.read(r.returned(r.call("getReportResultCsv", "<identifier>"+id+"</identifier>"))[0]) {
			hours = append(hours, row["TIMESTAMP"][len(row["TIMESTAMP"])-8:][:2]+" "+row["CALL ID"])
		}
		slices.Sort(hours)
		return hours
	}
	first := f("2026-11-01T01:00:00.000-07:00", "2026-11-01T01:00:00.000-08:00")
	second := f("2026-11-01T01:00:00.000-08:00", "2026-11-01T02:00:00.000-08:00")
	both := f("2026-11-01T08:00:00.000Z", "2026-11-01T10:00:00.000Z")
	if len(first) == 0 || len(second) == 0 || len(both) != len(first)+len(second) {
		t.Fatalf("%d and %d rows, %d together", len(first), len(second), len(both))
	}
	for _, row := range both {
		if !strings.HasPrefix(row, "01 ") {
			t.Errorf("row %s", row)
		}
	}
	if local := f("2026-11-01T01:00:00.000", "2026-11-01T02:00:00.000"); len(local) == 0 {
		t.Error("a dateTime without offset is one of the data centre")
	}
}

// What is still open is shown as long as it is known to have lasted, or, for some, not at all.
func TestOpenStates(t *testing.T) {
	r := start(t, Options{Faults: calm})
	whole := map[string]string{}
	key := func(row map[string]string) string { return row["AGENT"] + row["DATE"] + row["TIME"] + row["STATE"] }
	now := r.clock.Now()
	r.clock.move(10 * time.Hour)
	for _, row := range r.read(r.run(StateReport, now.Add(-5*time.Hour), now.Add(5*time.Hour))) {
		whole[key(row)] = row["AGENT STATE TIME"]
	}
	r.clock.set(now)
	cut, shown := 0, map[string]bool{}
	for _, row := range r.read(r.run(StateReport, now.Add(-5*time.Hour), now)) {
		shown[row["AGENT"]] = true
		switch want, ok := whole[key(row)]; {
		case !ok:
			t.Errorf("row %v was never", row)
		case row["AGENT STATE TIME"] > want:
			t.Errorf("row %v lasts longer than it did, %s", row, want)
		case row["AGENT STATE TIME"] < want:
			cut++
		}
	}
	if cut == 0 || cut >= len(shown) {
		t.Errorf("%d states of %d agents are cut: some, not all", cut, len(shown))
	}
}

// whole reads a window, with the states that are open at its end: those of a longer one less those of the rest.
func (r *rig) whole(report string, from, to time.Time) []map[string]string {
	r.Helper()
	rows := r.read(r.run(report, from, to.Add(time.Hour)))
	rest := map[string]bool{}
	for _, row := range r.read(r.run(report, to, to.Add(time.Hour))) {
		rest[rowKey(row)] = true
	}
	return slices.DeleteFunc(rows, func(row map[string]string) bool { return rest[rowKey(row)] })
}

// Once all is settled, a dull reading of the reports gives the truth, wherever clocks change.
func TestReportsEndUpAsTheTruth(t *testing.T) {
	f := func(zone, from string, back time.Time) {
		t.Helper()
		r := startAt(t, Options{Limits: []Limit{}}, zone, from, 3)
		r.clock.set(r.Server.centre.Until().Add(24 * time.Hour))
		recount := newRecount(r)
		for _, report := range []string{CallReport, DigitalReport, StateReport} {
			for _, w := range [][2]time.Time{{r.Server.centre.From, back}, {back, r.Server.centre.Until().Add(time.Hour)}} {
				if w[0].Before(w[1]) { // all times of a window have one offset
					recount.take(report, r.whole(report, w[0], w[1]), w[0].In(r.Server.zone))
				}
			}
		}
		recount.live()
		recount.compare(r.Truth(simulator.Rules{Interval: 15 * time.Minute, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second}, r.Server.centre.Until()))
	}
	back := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC) // clocks go back in Los Angeles
	f("America/Los_Angeles", "2026-03-02", time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	f("America/Los_Angeles", "2026-10-31", back)
	f("Europe/Berlin", "2026-10-31", back) // by day, while it is night there
	f("Asia/Kolkata", "2026-10-31", back)
}
