package five9

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// ask calls the statistics service.
func (r *rig) ask(operation, children string) string {
	r.Helper()
	_, _, text := r.post(statisticsPath, Supervisor, Password, envelope(supervisor.namespace, operation, children))
	return text
}

func (r *rig) begin(settings string) {
	r.Helper()
	_, seconds := r.clock.Now().In(r.zone).Zone()
	settings += fmt.Sprintf("<shiftStart>0</shiftStart><statisticsRange>CurrentDay</statisticsRange><timeZone>%d</timeZone>", seconds*1000)
	if text := r.ask("setSessionParameters", "<viewSettings>"+settings+"</viewSettings>"); !strings.Contains(text, "setSessionParametersResponse") {
		r.Fatal(text)
	}
}

// take reads a statistic: its timestamp, and its rows by the first column.
func (r *rig) take(children string) (at string, rows map[string]map[string]string) {
	r.Helper()
	root, err := parseXML(strings.NewReader(r.ask("getStatistics", children)))
	if err != nil {
		r.Fatal(err)
	}
	n, err := wrapper(root)
	if err != nil || n.child("return") == nil {
		r.Fatalf("%v: %+v", err, n)
	}
	if f := supervisor.check(n, []element{*supervisor.operation("getStatistics").gives}, "getStatistics"); f != nil {
		r.Error(f.text)
	}
	n = n.child("return")
	rows = map[string]map[string]string{}
	columns := n.child("columns").child("values").children
	for _, c := range n.children {
		if c.name.Local != "rows" {
			continue
		}
		row := map[string]string{}
		for i, v := range c.child("values").children {
			row[columns[i].text] = v.text
		}
		rows[row[columns[0].text]] = row
	}
	at, _ = n.value("timestamp")
	return at, rows
}

func TestStatisticsNeedASession(t *testing.T) {
	r := start(t, Options{})
	for _, operation := range []string{"getSessionParameters", "getUserLimits", "getLoggedInUsers"} {
		if got := r.fault(r.ask(operation, "")); got != "SessionNotInitializedFault" {
			t.Errorf("%s without a session: %q", operation, got)
		}
	}
	if got := r.fault(r.ask("setSessionParameters", "<viewSettings><shiftStart>0</shiftStart><timeZone>90000000</timeZone></viewSettings>")); got != "IncorrectArgumentFault" {
		t.Errorf("a time zone out of range: %q", got)
	}
	for _, missing := range []string{"", "<shiftStart>0</shiftStart>", "<timeZone>0</timeZone>"} {
		if got := r.fault(r.ask("setSessionParameters", "<viewSettings>"+missing+"</viewSettings>")); got != "MissedArgumentFault" {
			t.Errorf("settings %q, less than the description asks for: %q", missing, got)
		}
	}
	r.begin("<idleTimeOut>600</idleTimeOut><rollingPeriod>Minutes10</rollingPeriod>")
	if text := r.ask("getSessionParameters", ""); !strings.Contains(text, "<idleTimeOut>600</idleTimeOut><rollingPeriod>Minutes10</rollingPeriod>") {
		t.Error(text)
	}
	r.clock.move(9 * time.Minute)
	r.take("<statisticType>AgentState</statisticType>") // keeps it alive
	r.clock.move(9 * time.Minute)
	r.take("<statisticType>AgentState</statisticType>")
	r.clock.move(11 * time.Minute)
	if got := r.fault(r.ask("getStatistics", "<statisticType>AgentState</statisticType>")); got != "SessionNotInitializedFault" {
		t.Errorf("after eleven idle minutes: %q", got)
	}
	r.begin("")
	if text := r.ask("closeSession", ""); !strings.Contains(text, "closeSessionResponse") {
		t.Error(text)
	}
	if got := r.fault(r.ask("getUserLimits", "")); got != "SessionNotInitializedFault" {
		t.Errorf("a closed session: %q", got)
	}
}

// A session takes a licence until it is closed, or idle for long.
func TestLicences(t *testing.T) {
	r := start(t, Options{Licences: 1})
	other := func() string {
		_, _, text := r.post(statisticsPath, User, Password, envelope(supervisor.namespace, "setSessionParameters", "<viewSettings><shiftStart>0</shiftStart><timeZone>0</timeZone></viewSettings>"))
		return r.fault(text)
	}
	f := func(got, want, session string) {
		t.Helper()
		if !strings.HasPrefix(got, want) || !slices.Equal(r.Sessions(), []string{session}) {
			t.Errorf("%q, want %q; sessions %q", got, want, r.Sessions())
		}
	}
	r.begin("")
	r.begin("")
	f(other(), "UserLimitReachedFault", Supervisor)
	if text := r.ask("getUserLimits", ""); !strings.Contains(text, "<supervisorLimit>1</supervisorLimit><supervisorsLoggedin>1</supervisorsLoggedin>") {
		t.Error(text)
	}
	r.ask("closeSession", "")
	f(other(), "setSessionParameters", User)
	r.clock.move(31 * time.Minute)
	if r.begin(""); !slices.Equal(r.Sessions(), []string{Supervisor}) {
		t.Errorf("sessions %q", r.Sessions())
	}
}

func TestAgentStateSaysWhatAgentsDoNow(t *testing.T) {
	r := start(t, Options{})
	r.begin("")
	for range 20 {
		r.clock.move(7*time.Minute + 13*time.Second)
		now := r.clock.Now()
		_, rows := r.take("<statisticType>AgentState</statisticType>")
		d := r.Server.centre.Day(centre.Five9, 0)
		for _, a := range d.Agents {
			row, doing, since := rows[a.ID], "Logged Out", time.Time{}
			for _, s := range a.States {
				if !d.At(s.At).After(now) {
					doing, since = stateNames[s.State], d.At(s.At)
				}
			}
			if doing == "Logout" {
				doing = "Logged Out"
			}
			if got := row["State"]; got != doing && !(doing == "On Call" && got == "On Hold") {
				t.Errorf("%s: %s is %q, not %q", now, a.ID, got, doing)
			}
			if doing == "Not Ready" {
				lasted := fmt.Sprint(now.Sub(since).Milliseconds())
				if row["State Since"] != since.In(r.zone).Format("2006-01-02 15:04:05") || row["State Duration"] != lasted || row["Reason Code"] == "" {
					t.Errorf("%v since %s", row, since)
				}
			}
		}
	}
}

func TestStatisticsUpdates(t *testing.T) {
	r := start(t, Options{})
	r.begin("")
	update := func(previous string, patience time.Duration) string {
		return r.ask("getStatisticsUpdate", fmt.Sprintf("<statisticType>AgentState</statisticType><previousTimestamp>%s</previousTimestamp><longPollingTimeout>%d</longPollingTimeout>",
			previous, patience.Milliseconds()))
	}
	if got := r.fault(update("1", 0)); got != "StatisticsNotRequestedFault" {
		t.Errorf("an update of nothing: %q", got)
	}
	at, before := r.take("<statisticType>AgentState</statisticType>")
	if got := r.fault(update("1", 0)); got != "UnknownTimestampFault" {
		t.Errorf("an update of another time: %q", got)
	}
	if text := update(at, 0); strings.Contains(text, "<return>") {
		t.Errorf("nothing changed: %s", text)
	}
	began := r.clock.Now()
	text := update(at, time.Hour)
	if took := r.clock.Now().Sub(began); took == 0 || took > 20*time.Minute {
		t.Errorf("the update took %s: it comes with the first change", took)
	}
	if !strings.Contains(text, "<columnName>State</columnName>") || !strings.Contains(text, "<previousTimestamp>"+at+"</previousTimestamp>") {
		t.Fatal(text)
	}
	_, after := r.take("<statisticType>AgentState</statisticType>")
	for user, row := range after {
		if changed := row["State"] != before[user]["State"]; changed != strings.Contains(text, "<objectName>"+user+"</objectName>") {
			t.Errorf("%s changed: %t", user, changed)
		}
	}
}

func TestColumnsOfStatistics(t *testing.T) {
	r := start(t, Options{})
	r.begin("")
	_, rows := r.take("<statisticType>AgentState</statisticType><columnNames><values><data>Username</data><data>State</data></values></columnNames>")
	for _, row := range rows {
		if len(row) != 2 {
			t.Errorf("row %v", row)
		}
	}
	if got := r.fault(r.ask("getStatistics", "<statisticType>AgentState</statisticType><columnNames><values><data>Mood</data></values></columnNames>")); got != "UnknownColumnFault" {
		t.Errorf("an unknown column: %q", got)
	}
	if text := r.ask("getColumnNames", "<statisticType>ACDStatus</statisticType>"); !strings.Contains(text, "<data>Calls In Queue</data>") {
		t.Error(text)
	}
	_, rows = r.take("<statisticType>ACDStatus</statisticType>")
	if len(rows) != 5 || rows["Sales"]["Agents Logged In"] == "" {
		t.Errorf("rows %v", rows)
	}
	if got := r.fault(r.ask("getStatistics", "<statisticType>Weather</statisticType>")); got != "IncorrectArgumentFault" {
		t.Errorf("an unknown statistic: %q", got)
	}
	if status, _, _ := r.post(statisticsPath, Supervisor, "guess", envelope(supervisor.namespace, "getUserLimits", "")); status != http.StatusUnauthorized {
		t.Errorf("a wrong password: status %d", status)
	}
	if v := r.Violations(); len(v) != 1 || slices.ContainsFunc(v, func(s string) bool { return !strings.Contains(s, "Weather") }) {
		t.Errorf("violations %v", v)
	}
}
