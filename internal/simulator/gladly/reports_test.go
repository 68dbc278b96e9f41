package gladly_test

import (
	stdcmp "cmp"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/gladly"
)

// rows reads a report as maps by column.
func (v *vendor) rows(path string, body any) (list []map[string]string) {
	v.Helper()
	v.watch.add(time.Minute)
	a, text := v.expect(http.StatusOK, "", "POST", path, body)
	if a.Header.Get("Content-Type") != "text/csv" || !strings.Contains(a.Header.Get("Content-Disposition"), ".csv") {
		v.Errorf("headers %v", a.Header)
	}
	table, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(table) == 0 {
		v.Fatalf("%d rows, %v", len(table), err)
	}
	for _, cells := range table[1:] {
		row := map[string]string{}
		for i, name := range table[0] {
			row[name] = cells[i]
		}
		list = append(list, row)
	}
	return list
}

func minutes(from, to time.Time) map[string]string {
	const layout = "2006-01-02T15:04Z07:00"
	return map[string]string{"startAtTime": from.UTC().Format(layout), "endAtTime": to.Format(layout)}
}

func (v *vendor) sessions(from, to time.Time) []map[string]string {
	return v.rows("/reports/work-session-events", minutes(from, to))
}

func TestWhatReportsRefuse(t *testing.T) {
	v := open(t, gladly.Options{})
	f := func(path, attr, code, body string) {
		t.Helper()
		v.watch.add(time.Minute)
		v.expect(http.StatusBadRequest, `"attr":"`+attr+`","code":"`+code+`"`, "POST", path, body)
	}
	work := func(attr, code, body string) { t.Helper(); f("/reports/work-session-events", attr, code, body) }
	work("startAtTime", "blank", `{}`)
	work("endAtTime", "blank", `{"startAtTime":"2026-03-28T10:00Z"}`)
	work("startAtTime", "invalid", `{"startAtTime":"2026-03-28T10:00:00Z","endAtTime":"2026-03-28T11:00Z"}`)
	work("startAtTime", "invalid", `{"startAtTime":"2026-03-28T12:00Z","endAtTime":"2026-03-28T11:00Z"}`)
	work("body", "invalid", `{`)
	set := func(attr, code, body string) { t.Helper(); f("/reports", attr, code, body) }
	set("metricSet", "blank", `{}`)
	set("metricSet", "invalid", `{"metricSet":"WorkSessionEventsReport","startAt":"2026-03-28","endAt":"2026-03-28"}`)
	set("startAt", "blank", `{"metricSet":"AgentTimestampsReport"}`)
	set("endAt", "invalid", `{"metricSet":"AgentTimestampsReport","startAt":"2026-03-28","endAt":"2026-03-28T10:00Z"}`)
	set("startAt", "invalid", `{"metricSet":"AgentTimestampsReport","startAt":"2026-03-29","endAt":"2026-03-28"}`)
	set("timezone", "invalid", `{"metricSet":"AgentTimestampsReport","startAt":"2026-03-28","endAt":"2026-03-28","timezone":"Mars/Olympus"}`)
	set("aggregationLevel", "invalid", `{"metricSet":"AgentTimestampsReport","aggregationLevel":"daily","startAt":"2026-03-28","endAt":"2026-03-28"}`)
	set("filters.inboxes", "present", `{"metricSet":"ContactExportReportV3","filters":{"inboxes":["x"]},"startAt":"2026-03-28","endAt":"2026-03-28"}`)
	set("startAtTime", "present", `{"metricSet":"AgentTimestampsReport","startAtTime":"2026-03-28T10:00Z","endAtTime":"2026-03-28T11:00Z"}`)
	set("startAtTime", "present", `{"metricSet":"ContactExportReportV3","startAtTime":"2026-03-28T10:00Z","endAtTime":"2026-03-28T11:00Z","timezone":"UTC"}`)
	v.watch.add(time.Minute)
	v.Break(func(f *gladly.Faults) { f.NoReport = true })
	v.expect(http.StatusForbidden, "", "POST", "/reports", `{"metricSet":"AgentTimestampsReport","startAt":"2026-03-28","endAt":"2026-03-28"}`)
}

func TestTenReportsAMinute(t *testing.T) {
	v := open(t, gladly.Options{})
	ask := minutes(v.centre.From, v.watch.Now())
	for range 10 {
		v.watch.add(2 * time.Second)
		v.expect(http.StatusOK, "", "POST", "/reports/work-session-events", ask)
	}
	v.expect(http.StatusTooManyRequests, "", "POST", "/reports/work-session-events", ask)
	v.watch.add(time.Minute)
	v.expect(http.StatusOK, "", "POST", "/reports/work-session-events", ask)
	if got := v.Violations(); len(got) != 1 || !strings.Contains(got[0], "11 reports in a minute") {
		t.Errorf("violations: %q", got)
	}
}

func TestTwoReportsAtOnce(t *testing.T) {
	v := open(t, gladly.Options{ReportTime: time.Minute})
	ask := minutes(v.centre.From, v.watch.Now())
	var wait sync.WaitGroup
	answers := make(chan int, 3)
	for range 3 {
		wait.Go(func() {
			a, _ := v.ask("POST", "/reports/work-session-events", ask)
			answers <- a.StatusCode
		})
	}
	if got := <-answers; got != http.StatusTooManyRequests {
		t.Errorf("the third report was answered %d", got)
	}
	v.watch.add(time.Hour)
	wait.Wait()
	if a, b := <-answers, <-answers; a != http.StatusOK || b != http.StatusOK {
		t.Errorf("the first two were answered %d and %d", a, b)
	}
	if got := v.Violations(); len(got) != 1 {
		t.Errorf("violations: %q", got)
	}
	v.Break(func(f *gladly.Faults) { f.Busy = 2 })
	v.expect(http.StatusTooManyRequests, "", "POST", "/reports/work-session-events", ask)
	if got := v.Violations(); len(got) != 1 {
		t.Errorf("what others do counted as a violation: %q", got)
	}
}

// A row begins without an agent and an id, gets an agent, and moves to its end when the contact ends; what comes after grows.
func TestWorkSessionsMove(t *testing.T) {
	v := open(t, gladly.Options{Apart: true})
	begin := v.centre.From.Add(10 * time.Hour)
	type was struct{ id, agent, ended, after string }
	seen := map[string][]was{}
	for v.watch.set(begin); v.watch.Now().Before(begin.Add(5 * time.Hour)); v.watch.add(2 * time.Minute) {
		for _, row := range v.sessions(v.centre.From, v.watch.Now()) {
			id, now := row["contact_session_id"], was{row["id"], row["agent_id"], row["contact_session_ended_at"], row["work_session_after_contact_time_sec"]}
			if list := seen[id]; len(list) == 0 || list[len(list)-1] != now {
				seen[id] = append(list, now)
			}
			if (row["id"] == "") != (now.ended == "") || (row["agent_accepted_at"] == "") != (now.agent == "") || (row["status"] == "") != (now.ended == "") {
				t.Fatalf("row %v", row)
			}
		}
	}
	var accepted, ended, grew, fraction int
	for _, list := range seen {
		for i := 1; i < len(list); i++ {
			a, b := list[i-1], list[i]
			switch {
			case a.agent == "" && b.agent != "":
				accepted++
			case a.agent != b.agent || a.id != "" && a.id != b.id || a.ended != "" && a.ended != b.ended:
				t.Fatalf("a row went from %+v to %+v", a, b)
			case a.ended == "" && b.ended != "":
				ended++
			case a.after != b.after:
				grew++
			}
			if strings.Contains(b.after, ".") {
				fraction++
			}
		}
	}
	if accepted == 0 || ended == 0 || grew == 0 || fraction == 0 {
		t.Errorf("%d accepted, %d ended, %d grew, %d with a fraction", accepted, ended, grew, fraction)
	}
}

func TestWorkSessionsOfAStretch(t *testing.T) {
	v := open(t, gladly.Options{})
	v.watch.set(v.centre.From.Add(23 * time.Hour))
	all := v.sessions(v.centre.From, v.watch.Now())
	from, to := v.centre.From.Add(12*time.Hour), v.centre.From.Add(12*time.Hour+30*time.Minute)
	var want []string
	for _, row := range all {
		if at := instant(row["contact_session_ended_at"]); !at.Before(from) && at.Before(to.Add(time.Minute)) {
			want = append(want, row["contact_session_id"])
		}
	}
	v.watch.add(time.Minute)
	var got []string
	for _, row := range v.sessions(from, to) {
		got = append(got, row["contact_session_id"])
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
		t.Errorf("%d rows: %s", len(got), diff)
	}
	_, text := v.ask("POST", "/reports/work-session-events", minutes(from, to))
	const columns = "id,contact_session_id,contact_session_created_at,customer_id,conversation_id,inbox_id,channel,direction,agent_accepted_at,contact_session_routed_at,agent_id,sla_fulfilled_at,contact_session_ended_at,status,within_sla,work_session_handle_time_sec,work_session_after_contact_time_sec,work_session_unknown_time_sec,accepted_inbox_id"
	if head, _, _ := strings.Cut(text, "\n"); head != columns {
		t.Errorf("columns %q", head)
	}
}

func instant(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}

// The work sessions, and nothing else, give the truth about contacts.
func TestWorkSessionsTellTheTruthAboutContacts(t *testing.T) {
	for _, o := range []gladly.Options{{}, {Spaced: true}, {Apart: true}} {
		v := open(t, o)
		v.watch.set(v.centre.Until().Add(3 * time.Hour))
		day := &simulator.Day{Options: simulator.Options{Date: v.centre.From}}
		at := func(text string) int64 {
			if text == "" {
				return -1
			}
			return instant(text).Sub(day.Date).Milliseconds()
		}
		agents, inboxes := map[string]*simulator.Agent{"": nil}, map[string]int{}
		rows, transferred := v.sessions(v.centre.From, v.watch.Now()), 0
		slices.SortFunc(rows, func(a, b map[string]string) int { return int(at(a["agent_accepted_at"]) - at(b["agent_accepted_at"])) })
		for i, row := range rows {
			c := &simulator.Contact{
				Direction: "inbound", Outcome: "handled", Offered: at(row["contact_session_routed_at"]), Answered: at(row["agent_accepted_at"]),
				Ended: at(row["contact_session_ended_at"]), WrapEnd: -1,
			}
			if row["status"] != "ANSWERED" {
				c.Outcome = "abandoned"
			} else {
				// Who passed a contact on was on it for the handle time; the rest is another's.
				if slices.ContainsFunc(rows[i+1:], func(r map[string]string) bool { return r["contact_session_id"] == row["contact_session_id"] }) {
					c.Outcome, c.Ended = "transferred", c.Answered+ms(row["work_session_handle_time_sec"])
					transferred++
				}
				c.WrapEnd = c.Ended + ms(row["work_session_after_contact_time_sec"])
			}
			id := row["agent_id"]
			if _, ok := agents[id]; !ok {
				agents[id] = &simulator.Agent{ID: id}
			}
			c.Agent = agents[id]
			inbox, ok := inboxes[row["inbox_id"]]
			if !ok {
				inbox = len(day.Queues)
				inboxes[row["inbox_id"]] = inbox
				day.Queues = append(day.Queues, simulator.Queue{ID: row["inbox_id"], Channel: strings.ToLower(row["channel"])})
			}
			c.Queue = inbox
			day.Contacts = append(day.Contacts, c)
		}
		if (transferred > 0) == o.Apart {
			t.Errorf("%+v: %d agents passed a contact on", o, transferred)
		}
		want, got := v.Truth(rules, v.centre.Until()), day.Truth(rules)
		if diff := cmp.Diff(want.Queues, got.Queues); diff != "" || len(got.Queues) == 0 {
			t.Errorf("%+v: queues: %s", o, diff)
		}
		if diff := cmp.Diff(want.AgentQueues, got.AgentQueues); diff != "" {
			t.Errorf("%+v: agents in queues: %s", o, diff)
		}
	}
}

// ms is a number of seconds in milliseconds.
func ms(seconds string) int64 {
	s, _ := strconv.ParseFloat(seconds, 64)
	return int64(s*1000 + 0.5)
}

func TestTimestampReports(t *testing.T) {
	v := open(t, gladly.Options{Merges: 10})
	day := func(set string) map[string]string {
		return map[string]string{"metricSet": set, "startAt": "2026-03-28", "endAt": "2026-03-28", "timezone": "Europe/Berlin"}
	}
	v.watch.set(v.centre.From.Add(24 * time.Hour))
	events := map[string]line{}
	for _, l := range v.lines(v.centre.From.Add(time.Minute), time.Time{}, "AGENT_STATUS", "AGENT_AVAILABILITY") {
		at := l.Content.OccurredAt
		if at.IsZero() { // focus has none
			at = l.Timestamp
		}
		events[fmt.Sprint(l.Content.AgentID, l.Type, at.UnixMilli())] = l
	}
	v.watch.add(2 * time.Hour)
	rows := v.rows("/reports", day("AgentTimestampsReport"))
	if len(rows) != len(events) || len(rows) == 0 {
		t.Errorf("%d rows for %d events", len(rows), len(events))
	}
	for _, row := range rows {
		l, ok := events[fmt.Sprint(row["Agent ID"], row["Type"], instant(stdcmp.Or(row["Occurred At"], row["Timestamp"])).UnixMilli())]
		if !ok {
			t.Errorf("no event for %v", row)
		}
		if r := l.Content.AwayReason; r != nil && r.Name != row["Away Reason"] {
			t.Errorf("reason %v in %v", r, row)
		}
		if a := l.Content.AvailableFor; a != nil && len(*a) == 0 && row["Available For"] != "[ ]" {
			t.Errorf("row %v", row)
		}
	}
	for set, column := range map[string]string{
		"ContactTimestampsReport": "Contact ID", "ConversationTimestampsReport": "Merged Conversation ID", "ConversationExportReport": "Conversation ID",
		"AgentDurationsReport": "Context", "AgentDurationsReportV2": "Duration (mins)",
	} {
		rows := v.rows("/reports", day(set))
		if !slices.ContainsFunc(rows, func(row map[string]string) bool { return row[column] != "" }) {
			t.Errorf("%s: %d rows, none with %q", set, len(rows), column)
		}
	}
	noon := v.centre.From.Add(12 * time.Hour)
	ask := minutes(noon, noon.Add(time.Hour))
	ask["metricSet"] = "ContactExportReportV3"
	if rows := v.rows("/reports", ask); len(rows) == 0 {
		t.Error("no contact was queued at noon")
	}
}

// What reports say of now is minutes to an hour old.
func TestReportsAreLate(t *testing.T) {
	v := open(t, gladly.Options{})
	noon := v.centre.From.Add(12 * time.Hour)
	v.watch.set(noon.Add(9 * time.Minute))
	if rows := v.sessions(noon, v.watch.Now()); len(rows) != 0 {
		t.Errorf("%d rows within ten minutes", len(rows))
	}
	v.watch.set(noon.Add(30 * time.Minute))
	some := len(v.sessions(noon, noon.Add(9*time.Minute)))
	v.watch.set(noon.Add(71 * time.Minute))
	if all := len(v.sessions(noon, noon.Add(9*time.Minute))); some >= all && all == 0 {
		t.Errorf("%d rows after half an hour, %d after an hour", some, all)
	}
}
