package five9

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/quota"
	vendor "github.com/quarterhour/quarterhour/internal/simulator/five9"
	"github.com/quarterhour/quarterhour/schemas"
)

// statisticsAnswer is the statistic of two agents at 20:00:14 UTC; its times are in a zone of its own.
const statisticsAnswer = `<return><columns><values><data>Username</data><data>Full Name</data><data>State</data><data>State Since</data><data>State Duration</data><data>Reason Code</data></values></columns>` +
	`<rows><values><data>dortiz</data><data>Dana Ortiz</data><data>Not Ready</data><data>2026-03-02 11:48:10</data><data>724000</data><data>Break</data></values></rows>` +
	`<rows><values><data>ekaya</data><data>Elif Kaya</data><data>Logged Out</data><data>2026-02-27 17:00:00</data><data>270014000</data><data/></values></rows>` +
	`<rows><values><data>ffuchs</data><data>Farid Fuchs</data><data>Pondering</data><data>2026-03-02 12:00:10</data><data>4000</data><data/></values></rows>` +
	`<timestamp>1772481614000</timestamp><type>AgentState</type></return>`

func sDeps(s *script) ingest.Deps {
	return ingest.Deps{Name: "five9-us", Watch: s.watch, Now: s.watch.Now, Keyring: s.keyring, Drain: true, Log: slog.New(slog.DiscardHandler)}
}

func boardOf(t *testing.T, s *script) *board {
	t.Helper()
	o := decoded(t, "url: "+s.url+"\n"+account+"streams: {agent_states: {}, statuses: {}}")
	src, err := open(o, sDeps(s))
	if err != nil {
		t.Fatal(err)
	}
	return src.board
}

// facts are what the board would hand over now.
func (b *board) facts() (list []string) {
	for agent, cells := range b.rows {
		if fact, ok := b.fact(agent, cells); ok && b.ledger.status(fact) {
			list = append(list, fact.AgentID+" "+time.UnixMilli(fact.StartedAt).UTC().Format(time.TimeOnly)+" "+fact.State.String()+" "+fact.Reason)
		}
	}
	slices.Sort(list)
	return list
}

func TestBoard(t *testing.T) {
	s := newScript(t)
	s.on("getSessionParameters", faultAnswer(500, "SessionNotInitializedFault", "no", ""), "<return/>")
	s.on("setSessionParameters", "")
	s.on("getStatistics", statisticsAnswer)
	s.on("getStatisticsUpdate", "",
		`<return><dataUpdate><objectName>dortiz</objectName><columnName>State</columnName><columnValue>Ready</columnValue></dataUpdate>`+
			`<dataUpdate><objectName>dortiz</objectName><columnName>State Since</columnName><columnValue>2026-03-02 12:00:20</columnValue></dataUpdate>`+
			`<dataUpdate><objectName>dortiz</objectName><columnName>Reason Code</columnName></dataUpdate>`+
			`<addedObjects><values><data>new</data><data>New One</data><data>On Call</data><data>2026-03-02 12:00:21</data><data>0</data><data/></values></addedObjects>`+
			`<deletedObjects><values><data>ffuchs</data></values></deletedObjects><lastTimestamp>1772481630000</lastTimestamp></return>`,
		faultAnswer(500, "UnknownTimestampFault", "no", ""))
	b := boardOf(t, s)
	f := func(want ...string) {
		t.Helper()
		if err := b.update(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, b.facts()); diff != "" {
			t.Error(diff)
		}
	}
	f("dortiz 19:48:10 not_ready Break", "ffuchs 20:00:10 not_ready Pondering")
	f()
	f("dortiz 20:00:20 available ", "new 20:00:21 on_contact ")
	// The service has forgotten what it said: the whole again.
	if err := b.update(t.Context()); !is(err, Renew) {
		t.Fatal(err)
	}
	want := []string{"getCallCountersState", "getSessionParameters", "setSessionParameters", "getStatistics", "getStatisticsUpdate", "getStatisticsUpdate", "getStatisticsUpdate"}
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(s.bodies[6], "<previousTimestamp>1772481630000</previousTimestamp><longPollingTimeout>2000</longPollingTimeout>") {
		t.Error(s.bodies[6])
	}
}

// A session of the statistics takes a licence no longer than it is used: it is closed at the end of a run and of a check, but a check
// leaves one that was there to whoever uses it.
func TestSessions(t *testing.T) {
	f := func(own string, statuses string) {
		t.Helper()
		w := newWorld(t, usual, vendor.Options{}, account+"streams: {agent_states: {}, statuses: {"+statuses+"}}\n")
		sessions := func(want ...string) {
			t.Helper()
			if got := w.Sessions(); !slices.Equal(got, want) {
				t.Errorf("sessions of %q, want %q", got, want)
			}
		}
		check := func() {
			t.Helper()
			if err := Registration.Check(t.Context(), decoded(t, "url: "+w.url+"\n"+w.options), w.deps(), func(ingest.Finding) {}); err != nil {
				t.Error(err)
			}
		}
		check()
		sessions()
		if err := w.drain(); err != nil {
			t.Fatal(err)
		}
		sessions()
		// Told to stop, rather than at its end.
		d := w.deps()
		d.Drain = false
		ctx, stop := context.WithCancel(t.Context())
		d.Watch = &stopping{w.watch, w.watch.Now().Add(5 * time.Minute), func() { sessions(own); stop() }}
		s, err := open(decoded(t, "url: "+w.url+"\n"+w.options), d)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(ctx, nil, w.out); err != nil {
			t.Fatal(err)
		}
		sessions()
		if w.Calls()["closeSession"] != 3 {
			t.Errorf("%d sessions were closed", w.Calls()["closeSession"])
		}
		// One that another process has open.
		if err := w.source().board.update(t.Context()); err != nil {
			t.Fatal(err)
		}
		check()
		sessions(own)
		if err := w.drain(); err != nil { // that process was killed
			t.Fatal(err)
		}
		sessions()
		w.sound()
	}
	f(vendor.User, "")
	f(vendor.Supervisor, "username: "+vendor.Supervisor+", password: "+vendor.Password)
}

// A call under way when the source is told to stop is let end, since the vendor refuses others until it does; a time-out ends it.
func TestFinishing(t *testing.T) {
	asked, left := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-left:
			_, _ = io.WriteString(w, "whole")
		case <-r.Context().Done():
			asked <- struct{}{}
		}
	}))
	defer server.Close()
	call := func(grace time.Duration, end func(stop, timeOut func())) (string, error) {
		caller, stop := context.WithCancel(t.Context())
		ctx, timeOut := context.WithCancel(called(caller))
		defer stop()
		defer timeOut()
		go func() { <-asked; end(stop, timeOut) }()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := (&finishing{http.DefaultTransport, grace}).RoundTrip(r)
		if err != nil {
			return "", err
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		return string(body), err
	}
	if body, err := call(time.Hour, func(stop, _ func()) { stop(); left <- struct{}{} }); body != "whole" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
	if body, err := call(time.Millisecond, func(stop, _ func()) { stop() }); err == nil {
		t.Errorf("%q after the grace", body)
	}
	<-asked
	if body, err := call(time.Hour, func(_, timeOut func()) { timeOut() }); err == nil {
		t.Errorf("%q after the time-out", body)
	}
	<-asked
}

// The counters of the statistics' user are read, too, and its limits kept; where the user may not see them, statuses do without.
func TestCountersOfStatistics(t *testing.T) {
	const options = "streams: {agent_states: {}, statuses: {username: wfm-supervisor, password: other}}\n"
	counters := func(operation string, value int) string {
		return fmt.Sprintf("<return><callCounterStates><limit>100</limit><operationType>%s</operationType><value>%d</value></callCounterStates><timeout>3600</timeout></return>", operation, value)
	}
	begin := func() (*script, *board) {
		s := newScript(t)
		s.on("getSessionParameters", "<return/>")
		s.on("getStatistics", statisticsAnswer)
		s.on("getStatisticsUpdate", "")
		src, err := open(decoded(t, "url: "+s.url+"\n"+account+options), sDeps(s))
		if err != nil {
			t.Fatal(err)
		}
		return s, src.board
	}
	s, b := begin()
	s.on("getCallCountersState", counters("QueryChangedStatistics", 99))
	for range 2 {
		if err := b.update(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var spent *quota.Exhausted
	if err := b.update(t.Context()); !errors.As(err, &spent) || s.user != "wfm-supervisor" || s.count("getCallCountersState") != 1 || s.count("getStatisticsUpdate") != 1 {
		t.Errorf("%v of user %q after %q", err, s.user, s.asked)
	}
	s, b = begin()
	s.on("getCallCountersState", faultAnswer(500, "AccessDisallowedFault", "no", ""))
	s.on("getStatisticsUpdate", faultAnswer(500, "OperationsLimitExceededFault", "no", "<limit>1</limit><operationType>QueryChangedStatistics</operationType>"), "")
	for range 3 {
		if err := b.update(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if s.count("getCallCountersState") != 1 || s.count("getStatisticsUpdate") != 3 || s.watch.Now().Before(time.Date(2026, 3, 2, 20, 1, 0, 0, time.UTC)) {
		t.Errorf("until %s: %q", s.watch.Now(), s.asked)
	}
	// The limit of an operation of the statistics: their service does not tell the counters.
	s, b = begin()
	s.on("getCallCountersState", "", counters("QueryStatistics", 100))
	s.on("getStatistics", faultAnswer(500, "OperationsLimitExceededFault", "no", "<limit>100</limit><operationType>QueryStatistics</operationType>"), statisticsAnswer)
	if err := b.update(t.Context()); !errors.As(err, &spent) || !spent.Until.After(time.Date(2026, 3, 2, 21, 0, 0, 0, time.UTC)) {
		t.Errorf("%v after %q", err, s.asked)
	}
}

// confirmed is what the ledger keeps handing over.
func TestLedger(t *testing.T) {
	l := newLedger()
	fact := func(agent string, second int64, state schemas.State) schemas.AgentState {
		return schemas.AgentState{AgentID: agent, StateID: stateID(second*1000, 0), StartedAt: second * 1000, EndedAt: schemas.Null, State: state}
	}
	f := func(got, want bool) {
		t.Helper()
		if got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	f(l.status(fact("a", 100, schemas.StateAvailable)), true)
	f(l.status(fact("a", 100, schemas.StateAvailable)), false)
	f(l.status(fact("a", 100, schemas.StateWrap)), true) // corrected
	f(l.status(fact("a", 200, schemas.StateAvailable)), true)
	l.saw("a", 150_000)
	f(l.status(fact("a", 100, schemas.StateAvailable)), false) // the report speaks for it
	f(len(l.told["a"]) == 1, true)
	l.saw("a", 200_000)
	f(len(l.told["a"]) == 0, true)
}

// A state that goes on may be missing from the report: it stays, until the report has a later one of the agent and not it.
func TestLeftOut(t *testing.T) {
	const header = "AGENT,TIMESTAMP,STATE,REASON CODE,AGENT STATE TIME\n"
	s := newScript(t)
	f := func(rows string, want ...string) {
		t.Helper()
		s.on("getReportResultCsv", "<return>"+escaped(header+rows)+"</return>")
		if err := s.drain(statesOnly); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range s.out.newestStates()["a"] {
			got = append(got, clockOf(a.StartedAt)+" "+a.State.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (- want + got):\n%s", rows, diff)
		}
		s.watch.move(15 * time.Minute)
	}
	ready, call, away := "a,\"Mon, 2 Mar 2026 11:30:00\",Ready,,00:30:00\n", "a,\"Mon, 2 Mar 2026 11:31:00\",On Call,,00:10:00\n", "a,\"Mon, 2 Mar 2026 12:14:00\",Not Ready,,00:01:00\n"
	f(ready, "11:30:00 available")
	f("", "11:30:00 available")
	f(ready+away, "11:30:00 available", "12:14:00 not_ready")
	f(call+away, "11:31:00 on_contact", "12:14:00 not_ready")
}
