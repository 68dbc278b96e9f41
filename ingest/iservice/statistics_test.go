package iservice

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/schemas"
)

const statistics = "integration-api-workforce-management?api="

// empty has every kind of statistics answer with no records.
func (s *tenant) empty() {
	s.says(statistics+"queuestatistics", `{"queueStatistics":[]}`)
	s.says(statistics+"agentactivity", `{"agentActivity":null}`)
	s.says(statistics+"agentlogin", `{"errors":[],"data":[]}`)
}

func TestStatisticsAreRows(t *testing.T) {
	s := newTenant(t)
	for _, kind := range []string{"queuestatistics", "agentactivity", "agentlogin"} {
		s.says(statistics+kind, kind+".json")
	}
	r := s.reading("streams: {statistics: {back: 24h}}")
	out := r.must()
	for i := range out.queues {
		out.queues[i].Revision = 0
	}
	for i := range out.pairs {
		out.pairs[i].Revision = 0
	}
	for i := range out.agents {
		out.agents[i].Revision = 0
	}
	queues := []schemas.QueueInterval{
		{IntervalStart: at("09:00:00"), QueueID: "4105", QueueName: "Billing", Channel: "email", Offered: 12, Answered: 9, ContactMs: 4_210_000, Facts: 1},
		{IntervalStart: at("09:15:00"), QueueID: "Returns", QueueName: "Returns", Channel: "email", Offered: 3, Facts: 1},
	}
	if diff := cmp.Diff(queues, out.queues); diff != "" {
		t.Error(diff)
	}
	pairs := []schemas.AgentQueueInterval{
		{
			IntervalStart: at("09:00:00"), AgentID: "5045", AgentName: "dana@example.test", QueueID: "4105", QueueName: "Billing", Channel: "email", Answered: 3,
			Completed: schemas.Null, ContactMs: 1_310_000, Facts: 1,
		},
		{IntervalStart: at("09:15:00"), AgentID: "5045", AgentName: "dana@example.test", QueueID: "4105", QueueName: "Billing", Channel: "email", Completed: 2, Facts: 1},
	}
	if diff := cmp.Diff(pairs, out.pairs); diff != "" {
		t.Error(diff)
	}
	agent := schemas.AgentInterval{
		IntervalStart: at("09:00:00"), AgentID: "5045", AgentName: "dana@example.test", LoginMs: 900_000, DirectOut: 2,
		ScheduledMs: schemas.Null, AdherentMs: schemas.Null, Facts: 1,
	}
	logins := []schemas.AgentInterval{agent, agent, agent}
	logins[1].IntervalStart, logins[1].DirectOut = at("09:15:00"), 0                       // an hour is cut to the step
	logins[2].IntervalStart, logins[2].LoginMs, logins[2].DirectOut = at("09:30:00"), 0, 0 // less than nothing is nothing
	if diff := cmp.Diff(logins, out.agents); diff != "" {
		t.Error(diff)
	}
	if len(out.dead) > 0 {
		t.Errorf("dead letters %+v", out.dead)
	}
	if out.marks["interval"] != at("11:45:00") {
		t.Errorf("complete through %s", time.UnixMilli(out.marks["interval"]).UTC())
	}
	want := `{"__TZO__":"+00:00","from":"2026-03-01T12:00:00Z","step":"15","to":"2026-03-02T12:00:00Z"}`
	for i, call := range s.asked {
		if body, _ := json.Marshal(s.bodies[i]); string(body) != want {
			t.Errorf("%s was asked with %s", call, body)
		}
	}
}

// How statistics are asked for is configuration: by GET, once for all kinds, with times of another form.
func TestStatisticsByAnotherWay(t *testing.T) {
	s := newTenant(t)
	s.answers["/wfm/export"] = func(map[string]any) string {
		return `{"result":{"q":[{"t":1772442000,"id":4105,"in":12,"out":9,"sec":60}],"l":[]}}`
	}
	r := s.reading(`streams:
  statistics:
    method: GET
    call: /wfm/export
    time_format: unix
    parameters: {since: "{from}", until: "{to}", every: "{step}"}
    kinds: [queue, agent]
    back: 1h
    overlap: 1h
    queues: {records: result.q, start: t, queue_id: id, offered: in, answered: out, contact_time: sec}
    agents: {records: result.l}
date_formats: [unix]
`)
	out := r.must()
	if len(s.asked) != 1 || s.asked[0] != "/wfm/export" {
		t.Errorf("asked %q", s.asked)
	}
	if len(out.queues) != 1 || out.queues[0].IntervalStart != at("09:00:00") || out.queues[0].ContactMs != 60_000 {
		t.Errorf("got %+v, dead letters %+v", out.queues, out.dead)
	}
}

// Every record that breaks the contract is a dead letter with the field named, and the others are rows.
func TestStatisticsThatBreakTheContract(t *testing.T) {
	long := strings.Repeat("ü", 101)
	f := func(kind, record, reason, says string) {
		t.Helper()
		s := newTenant(t)
		s.empty()
		list := map[string]string{"queuestatistics": "queueStatistics", "agentactivity": "agentActivity", "agentlogin": "agentLogin"}[kind]
		s.says(statistics+kind, fmt.Sprintf(`{%q:[%s]}`, list, record))
		out := s.reading("streams: {statistics: {back: 24h}}").must()
		if len(out.dead) != 1 || len(out.queues)+len(out.pairs)+len(out.agents) > 0 {
			t.Errorf("%s: %d dead letters, rows %+v %+v %+v", record, len(out.dead), out.queues, out.pairs, out.agents)
			return
		}
		d := out.dead[0]
		if d.Reason != reason || !strings.Contains(d.Detail, says) || string(d.Payload) != record || d.Location != statistics+kind+", record 1" {
			t.Errorf("%s: %s, %s at %s", record, d.Reason, d.Detail, d.Location)
		}
	}
	f("queuestatistics", `{"intervalStartDateTime":"2026-03-02T09:01:00Z","queueId":"1","offeredContacts":1,"answeredContacts":1,"contactTime":1}`, "off_grid",
		`"2026-03-02T09:01:00Z", where no interval begins: the one that holds it begins at 2026-03-02T09:00:00Z`)
	f("queuestatistics", `{"queueId":"1","offeredContacts":1,"answeredContacts":1,"contactTime":1}`, "no_time", `"intervalStartDateTime"`)
	f("queuestatistics", `{"intervalStartDateTime":"soon","queueId":"1","offeredContacts":1,"answeredContacts":1,"contactTime":1}`, "time", `"soon"`)
	f("queuestatistics", `{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":" ","queueName":"","offeredContacts":1,"answeredContacts":1,"contactTime":1}`, "no_identity", `"queueId" and "queueName"`)
	f("queuestatistics", `{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"1","queueName":"`+long+`","offeredContacts":1,"answeredContacts":1,"contactTime":1}`, "too_long", `"queueName" has 101 characters`)
	f("queuestatistics", `{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"1","offeredContacts":-1,"answeredContacts":1,"contactTime":1}`, "negative", `"offeredContacts" is -1`)
	f("queuestatistics", `{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"1","answeredContacts":1,"contactTime":1}`, "no_value", `"offeredContacts"`)
	f("queuestatistics", `{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"1","offeredContacts":1.5,"answeredContacts":1,"contactTime":1}`, "no_number", `"1.5"`)
	f("queuestatistics", `{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"1","offeredContacts":true,"answeredContacts":1,"contactTime":1}`, "no_number", `true`)
	f("queuestatistics", `{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"1","offeredContacts":1,"answeredContacts":1,"contactTime":2147483648}`, "too_large", `"contactTime"`)
	f("queuestatistics", `["a list"]`, "json", "no JSON object")
	f("agentactivity", `{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"1","answeredContacts":1,"contactTime":1}`, "no_identity", `"agentId"`)
	f("agentactivity", `{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"1","agentId":"`+long+`","answeredContacts":1,"contactTime":1}`, "too_long", `"agentId"`)
	f("agentactivity", `{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"1","agentId":"2","answeredContacts":1,"contactTime":1,"completedContacts":-3}`, "negative", `"completedContacts"`)
	f("agentlogin", `{"intervalStartDateTime":"2026-03-02T09:00:00Z","agentId":"2","directOutContacts":1}`, "no_value", `"loginTime"`)
	f("agentlogin", `{"intervalStartDateTime":"2026-03-02T09:00:00Z","agentId":"2","loginTime":1}`, "no_value", `"directOutContacts"`)
}

func TestLongNamesMayBeCut(t *testing.T) {
	s := newTenant(t)
	s.empty()
	s.says(statistics+"queuestatistics", `{"queueStatistics":[{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"`+strings.Repeat("7", 130)+
		`","queueName":"`+strings.Repeat("ü", 100)+`x","offeredContacts":1,"answeredContacts":0,"contactTime":0}]}`)
	out := s.reading("streams: {statistics: {long_texts: cut}}").must()
	if len(out.dead) > 0 || len(out.queues) != 1 || out.queues[0].QueueID != strings.Repeat("7", 100) || out.queues[0].QueueName != strings.Repeat("ü", 100) {
		t.Errorf("%+v, dead letters %+v", out.queues, out.dead)
	}
}

// A step that is corrected is replaced, and one that is gone from its window becomes zeros.
func TestStatisticsAreReadAgain(t *testing.T) {
	s := newTenant(t)
	s.empty()
	r := s.reading("streams: {statistics: {back: 24h, overlap: 6h}}")
	f := func(later time.Duration, records string, want ...string) {
		t.Helper()
		s.says(statistics+"queuestatistics", `{"queueStatistics":[`+records+`]}`)
		r.watch.at = r.watch.at.Add(later)
		before := len(r.out.queues)
		r.must()
		var got []string
		for _, q := range r.out.queues[before:] {
			got = append(got, fmt.Sprintf("%s %s %d of %d", time.UnixMilli(q.IntervalStart).UTC().Format("15:04"), q.QueueID, q.Offered, q.Facts))
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	row := func(clock, queue string, n int) string {
		return fmt.Sprintf(`{"intervalStartDateTime":"2026-03-02T%s:00Z","queueId":%q,"offeredContacts":%d,"answeredContacts":0,"contactTime":0}`, clock, queue, n)
	}
	f(0, row("09:00", "1", 4)+","+row("09:00", "2", 5)+","+row("11:45", "1", 1), "09:00 1 4 of 1", "09:00 2 5 of 1", "11:45 1 1 of 1")
	f(15*time.Minute, row("09:00", "1", 4)+","+row("09:00", "2", 5)+","+row("11:45", "1", 2), "11:45 1 2 of 1")
	f(15*time.Minute, row("09:00", "1", 4)+","+row("11:45", "1", 2), "09:00 2 0 of 0")
	f(8*time.Hour, row("09:00", "1", 4)+","+row("11:45", "1", 2)+","+row("18:00", "1", 3), "18:00 1 3 of 1")
	f(15*time.Minute, row("18:00", "1", 3)) // what lies before the window stays
}

// Of two records of one answer about the same row the last counts, and reading it again changes nothing.
func TestARowThatIsReportedTwice(t *testing.T) {
	s := newTenant(t)
	s.empty()
	record := `{"intervalStartDateTime":"2026-03-02T09:00:00Z","agentId":"7","loginTime":%d,"directOutContacts":0}`
	s.says(statistics+"agentlogin", `{"agentLogin":[`+fmt.Sprintf(record, 300)+","+fmt.Sprintf(record, 600)+`]}`)
	r := s.reading("streams: {statistics: {back: 24h}}")
	r.must()
	if out := r.must(); len(out.agents) != 1 || out.agents[0].LoginMs != 600_000 {
		t.Errorf("%+v", out.agents)
	}
}

// Steps that are not over are not asked for.
func TestOnlyWholeStepsAreAskedFor(t *testing.T) {
	s := &source{watch: &clockwork{at: noon}}
	s.deps.Bounds = quarters
	f := func(from, to, wantFrom, wantTo string) {
		t.Helper()
		start, end := s.steps(time.UnixMilli(at(from)), time.UnixMilli(at(to)))
		if start.UnixMilli() != at(wantFrom) || end.UnixMilli() != at(wantTo) {
			t.Errorf("%s to %s asks for %s to %s", from, to, start.UTC(), end.UTC())
		}
	}
	f("09:00:00", "12:00:00", "09:00:00", "12:00:00")
	f("09:07:00", "11:52:00", "09:00:00", "12:00:00") // the step of 11:45 is over
	s.watch = &clockwork{at: noon.Add(7 * time.Minute)}
	f("09:07:00", "12:07:00", "09:00:00", "12:00:00")
	f("12:01:00", "12:07:00", "12:00:00", "12:00:00")
}

func TestStatisticsByAnotherStepAreRefused(t *testing.T) {
	r := newTenant(t).reading("streams: {statistics: {step: 30m}}")
	if _, err := open(r.o, r.deps); err == nil || !strings.Contains(err.Error(), "`interval: 30m0s`") {
		t.Errorf("got %v", err)
	}
}
