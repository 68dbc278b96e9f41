package five9

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/ingest"
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
	b, err := openBoard(o, o.Streams.Statuses, sDeps(s), newLedger())
	if err != nil {
		t.Fatal(err)
	}
	return b
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
	want := []string{"getSessionParameters", "setSessionParameters", "getStatistics", "getStatisticsUpdate", "getStatisticsUpdate", "getStatisticsUpdate"}
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(s.bodies[5], "<previousTimestamp>1772481630000</previousTimestamp><longPollingTimeout>2000</longPollingTimeout>") {
		t.Error(s.bodies[5])
	}
}

// Statuses are told within two minutes of the change, and none of them is left that the report does not have.
func TestStatuses(t *testing.T) {
	w := newWorld(t, usual, vendor.Options{}, account+"streams:\n  agent_states: {}\n  statuses: {every: 1m}\n")
	s := w.source()
	told := map[string]int64{} // by agent and second: when
	// The board alone, once a minute for an hour: what the centre's agents do is known two minutes later.
	for minute := range 60 {
		if err := s.board.update(t.Context()); err != nil {
			t.Fatal(err)
		}
		for agent, cells := range s.board.rows {
			if fact, ok := s.board.fact(agent, cells); ok && s.ledger.status(fact) {
				told[agent+" "+fact.StateID] = w.watch.Now().UnixMilli()
				if late := w.watch.Now().UnixMilli() - fact.StartedAt; late > 2*time.Minute.Milliseconds() && minute > 0 {
					t.Errorf("%s was told %d ms after it began", fact.StateID, late)
				}
			}
		}
		w.watch.move(time.Minute)
	}
	if len(told) < 30 {
		t.Errorf("only %d statuses", len(told))
	}
	w.sound()
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
