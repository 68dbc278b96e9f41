package five9

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestQuotasByClockMinuteHourAndDay(t *testing.T) {
	r := start(t, Options{Limits: []Limit{{"ReportRequest", 2, 3, 4}}, FaultStatus: 500})
	ask := func() string {
		return r.call("runReport", window(CallReport, "2026-03-02T09:00:00-08:00", "2026-03-02T09:01:00-08:00"))
	}
	allowed := func(at string, want bool) {
		t.Helper()
		when, err := time.ParseInLocation("2006-01-02 15:04:05", at, r.Server.zone)
		if err != nil {
			t.Fatal(err)
		}
		r.clock.set(when)
		text := ask()
		if strings.Contains(text, "runReportResponse") != want {
			t.Errorf("%s: allowed is not %t: %s", at, want, text)
		}
		if !want && (r.fault(text) != "OperationsLimitExceededFault" || !strings.Contains(text, "<operationType>ReportRequest</operationType>")) {
			t.Errorf("%s: %s", at, text)
		}
	}
	allowed("2026-03-02 10:00:30", true)
	allowed("2026-03-02 10:00:58", true)
	allowed("2026-03-02 10:00:59", false) // two a minute
	allowed("2026-03-02 10:01:00", true)  // a minute begins by the clock, not 60 seconds later
	allowed("2026-03-02 10:30:00", false) // three an hour
	allowed("2026-03-02 11:00:00", true)
	allowed("2026-03-02 12:00:00", false) // four a day
	allowed("2026-03-02 23:59:59", false)
	allowed("2026-03-03 00:00:00", true) // midnight of the data centre
	if v := r.Violations(); len(v) != 4 || !strings.Contains(v[0], "2 per minute") || !strings.Contains(v[3], "4 per day") {
		t.Errorf("violations %v", v)
	}
	r.SetLimits(Limit{"ReportRequest", 5, 6, 7})
	allowed("2026-03-03 00:00:10", true)
	allowed("2026-03-03 00:00:11", true)
}

// The hour that clocks show twice in autumn is two hours.
func TestQuotaHourThatComesTwice(t *testing.T) {
	r := startAt(t, Options{Limits: []Limit{{"Query", 0, 1, 0}}}, "America/Los_Angeles", "2026-10-31", 3)
	first := time.Date(2026, 11, 1, 8, 59, 0, 0, time.UTC) // 01:59 PDT
	for i, want := range []bool{true, true, false, true} {
		r.clock.set(first.Add(time.Duration([]int{0, 2, 3, 62}[i]) * time.Minute)) // 01:59 PDT, 01:01 PST, 01:02 PST, 02:01 PST
		if got := strings.Contains(r.call("getVCCConfiguration", ""), "domainId"); got != want {
			t.Errorf("call %d: allowed is %t", i, got)
		}
	}
}

func TestCountersState(t *testing.T) {
	r := start(t, Options{})
	r.call("getSkills", "")
	r.call("getSkills", "")
	for range 600 { // this operation is not counted
		r.call("getCallCountersState", "")
	}
	text := r.call("getCallCountersState", "")
	for _, want := range []string{
		"<callCounterStates><limit>450</limit><operationType>Query</operationType><value>2</value></callCounterStates>",
		"<callCounterStates><limit>15000</limit><operationType>Query</operationType><value>2</value></callCounterStates>",
		"<limit>16</limit><operationType>ReportRequest</operationType><value>0</value>",
		"<limit>1000</limit><operationType>RetrieveReport</operationType>", "<timeout>60</timeout>", "<timeout>3600</timeout>", "<timeout>86400</timeout>",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	r.clock.move(time.Minute)
	if text := r.call("getCallCountersState", ""); strings.Count(text, "<operationType>Query</operationType><value>0</value>") != 1 {
		t.Errorf("after a minute: %s", text)
	}
	if len(r.Violations()) > 0 {
		t.Error(r.Violations())
	}
}

// Each operation is paid from its own budget.
func TestWhatCountsAsWhat(t *testing.T) {
	r := start(t, Options{})
	id := r.start(CallReport, r.clock.Now().Add(-time.Hour), r.clock.Now())
	r.wait(id)
	r.call("getReportResult", "<identifier>"+id+"</identifier>")
	r.call("getReportResultCsv", "<identifier>"+id+"</identifier>")
	text := r.call("getCallCountersState", "")
	for operation, want := range map[string]int{"ReportRequest": 1, "RetrieveReport": 2, "Query": r.Calls()["isReportRunning"], "Modify": 0} {
		if s := fmt.Sprintf("<operationType>%s</operationType><value>%d</value>", operation, want); strings.Count(text, s) != 3 {
			t.Errorf("%s is not counted thrice in %s", s, text)
		}
	}
}
