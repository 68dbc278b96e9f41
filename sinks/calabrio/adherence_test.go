package calabrio

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/httpcall"
	vendor "github.com/quarterhour/quarterhour/internal/simulator/calabrio"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// desk is the service, and a sink that speaks to it.
type desk struct {
	*opened
	sim *vendor.Server
	n   int64
}

func newDesk(t *testing.T, o vendor.Options, more string) *desk {
	t.Helper()
	d := &desk{}
	d.sim = vendor.New(&opened{now: first}, o)
	server := httptest.NewServer(d.sim)
	t.Cleanup(server.Close)
	d.opened = open(t, "adherence: {url: '"+server.URL+vendor.AdherencePath+"', authentication_key: "+vendor.AuthenticationKey+", source_id: 1"+more+"}")
	return d
}

// state is a state of an agent that begins minutes after the tests' beginning, as the lane hands it over.
func (d *desk) state(agent string, minute int, s schemas.State, change ...func(*schemas.AgentState)) delivery.Item {
	at := first.Add(time.Duration(minute) * time.Minute).UnixMilli()
	i := delivery.Item{Tenant: "acme", Revision: d.n + 1, Start: at, AgentState: &schemas.AgentState{
		Tenant: "acme", Source: "five9", AgentID: agent, StateID: fmt.Sprint(minute), StartedAt: at, EndedAt: schemas.Null, State: s,
	}}
	d.n++
	for _, c := range change {
		c(i.AgentState)
	}
	i.Key, i.Revision = d.plan.Key(&i)
	return i
}

func (d *desk) expect(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for user, s := range d.sim.States() {
		got = append(got, fmt.Sprintf("%s %s %d", user, s.Code, int(s.Since.Sub(first).Minutes())))
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func (d *desk) send(t *testing.T, items ...delivery.Item) string {
	t.Helper()
	return refusals(t, d.Send(t.Context(), items))
}

func TestNewestOfEachAgent(t *testing.T) {
	d := newDesk(t, vendor.Options{}, "")
	first := d.state("ann", 1, schemas.StateAvailable)
	second := d.state("ann", 2, schemas.StateNotReady)
	corrected := d.state("ann", 1, schemas.StateWrap)
	other := d.state("bob", 1, schemas.StateAvailable)
	again := d.state("ann", 2, schemas.StateOnContact)
	if first.Key != second.Key || first.Key == other.Key {
		t.Errorf("keys %q %q %q", first.Key, second.Key, other.Key)
	}
	if corrected.Revision >= second.Revision || corrected.Revision <= first.Revision || again.Revision <= second.Revision {
		t.Errorf("revisions %d %d %d %d", first.Revision, corrected.Revision, second.Revision, again.Revision)
	}
	// What an earlier process had sent is not known to the engine any more: the destination itself does not go back.
	d.send(t, second, other)
	d.send(t, corrected)
	d.expect(t, "ann not_ready 2", "bob available 1")
	if len(d.sim.Violations()) > 0 {
		t.Error(d.sim.Violations())
	}
}

func TestStateCodes(t *testing.T) {
	d := newDesk(t, vendor.Options{}, `, user_code: upper(agent_id), states: {not_ready: AUX, not_ready/Lunch: AUX1, logged_out: OUT}, sources: [five9]`)
	reason := func(text string) func(*schemas.AgentState) { return func(s *schemas.AgentState) { s.Reason = text } }
	d.send(t, d.state("a", 1, schemas.StateNotReady, reason("Lunch")), d.state("b", 1, schemas.StateNotReady, reason("Training")), d.state("c", 1, schemas.StateWrap),
		d.state("d", 1, schemas.StateLoggedOut), d.state("e", 1, schemas.StateAvailable, func(s *schemas.AgentState) { s.Source = "gladly" }))
	d.expect(t, "A AUX1 1", "B AUX 1", "C wrap 1", "D LOGGED-OFF 1")
	if got := d.sim.States()["B"].Description; got != "Training" {
		t.Errorf("described as %q", got)
	}
	if got := d.send(t, d.state(" ", 1, schemas.StateWrap)); !strings.Contains(got, `field "user_code" is empty`) {
		t.Error(got)
	}
}

// An end without a successor is a logout at that instant; one that is to come is not.
func TestStatesEnd(t *testing.T) {
	d := newDesk(t, vendor.Options{}, "")
	end := func(minute int) func(*schemas.AgentState) {
		return func(s *schemas.AgentState) { s.EndedAt = first.Add(time.Duration(minute) * time.Minute).UnixMilli() }
	}
	d.send(t, d.state("a", 1, schemas.StateAvailable, end(5)), d.state("b", 1, schemas.StateAvailable, end(90)))
	d.expect(t, "a LOGGED-OFF 5", "b available 1")
}

// A state that the source takes back gives its place to the one before it.
func TestWithdrawnStates(t *testing.T) {
	d := newDesk(t, vendor.Options{}, "")
	withdrawn := func(s *schemas.AgentState) { s.Retracted = true }
	d.send(t, d.state("a", 1, schemas.StateAvailable))
	d.send(t, d.state("a", 2, schemas.StateNotReady), d.state("b", 2, schemas.StateNotReady))
	d.send(t, d.state("a", 2, schemas.StateNotReady, withdrawn), d.state("b", 2, schemas.StateNotReady, withdrawn), d.state("c", 2, schemas.StateNotReady, withdrawn))
	d.expect(t, "a available 1", "b not_ready 2") // of b nothing else is known
	d.send(t, d.state("b", 3, schemas.StateOnContact))
	d.expect(t, "a available 1", "b on_contact 3")
}

func TestUnknownAgents(t *testing.T) {
	d := newDesk(t, vendor.Options{Users: []string{"ann"}}, "")
	items := []delivery.Item{d.state("ann", 1, schemas.StateAvailable), d.state("nobody", 1, schemas.StateAvailable)}
	var fault *httpcall.Error
	if err := d.Send(t.Context(), items); !errors.As(err, &fault) || fault.Kind != httpcall.Permanent {
		t.Errorf("error %v", err) // the engine halves the request
	}
	if got := d.send(t, items[1]); !strings.Contains(got, `unknown_agent: Calabrio knows no agent "nobody"`) {
		t.Error(got)
	}
	if got := d.send(t, items[0]); got != "" {
		t.Error(got)
	}
	d = newDesk(t, vendor.Options{Users: []string{"ann"}}, ", unknown_agents: ignore")
	if got := d.send(t, d.state("nobody", 1, schemas.StateAvailable), d.state("ann", 1, schemas.StateAvailable)); got != "" {
		t.Error(got)
	}
	d.expect(t, "ann available 1")
}

// What is wrong with the whole connection is nobody's dead letter.
func TestFaults(t *testing.T) {
	f := func(o vendor.Options, kind httpcall.Kind, says string) {
		t.Helper()
		d := newDesk(t, o, "")
		err := d.Send(t.Context(), []delivery.Item{d.state("ann", 1, schemas.StateAvailable), d.state("bob", 1, schemas.StateAvailable)})
		var fault *httpcall.Error
		if !errors.As(err, &fault) || fault.Kind != kind || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), vendor.AuthenticationKey) {
			t.Errorf("error %v, want %s", err, kind)
		}
	}
	f(vendor.Options{AuthenticationKey: "another"}, httpcall.Refused, "AuthenticationKey")
	f(vendor.Options{SourceID: "2"}, httpcall.Refused, `source_id "1"`)
	f(vendor.Options{PlatformTypeID: "11111111-1111-1111-1111-111111111111"}, httpcall.Refused, "platform_type_id")
	f(vendor.Options{MostStates: 1}, httpcall.Permanent, "BatchTooBig")
	a := &adherence{}
	if err := a.judge(-500); !strings.Contains(err.Error(), "-500") {
		t.Error(err)
	}
}

// A snapshot names everybody who is known, and whoever is not in it is logged out. It goes ahead of everything else, once.
func TestSnapshot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state", "agents.json")
	snapshot := ", snapshot: {file: '" + file + "'}"
	d := newDesk(t, vendor.Options{MostStates: 2}, snapshot)
	d.Destination.(*adherence).size = 2
	d.send(t, d.state("ann", 1, schemas.StateAvailable), d.state("bob", 2, schemas.StateNotReady))
	d.send(t, d.state("cid", 3, schemas.StateWrap))
	d.expect(t, "ann available 1", "bob not_ready 2", "cid wrap 3")

	// Another process, and a service that remembers somebody else.
	d2 := newDesk(t, vendor.Options{MostStates: 2}, "")
	d2.send(t, d2.state("zoe", 0, schemas.StateAvailable), d2.state("ann", 0, schemas.StateWrap))
	url := d2.Destination.(*adherence).o.URL
	d2.opened = open(t, "adherence: {url: '"+url+"', authentication_key: "+vendor.AuthenticationKey+", source_id: 1"+snapshot+"}\nbatch: 2")
	d2.now = first.Add(time.Hour + settled)
	before := d2.sim.Requests()
	d2.send(t, d2.state("ann", 4, schemas.StateOnContact))
	if n := d2.sim.Requests() - before; n != 4 { // two parts, the end, and the change
		t.Errorf("%d requests", n)
	}
	d2.expect(t, "ann on_contact 4", "bob not_ready 2", "cid wrap 3", "zoe LOGGED-OFF 1500")
	before = d2.sim.Requests()
	d2.send(t, d2.state("ann", 5, schemas.StateWrap))
	if n := d2.sim.Requests() - before; n != 1 {
		t.Errorf("%d requests", n)
	}
	if v := append(d.sim.Violations(), d2.sim.Violations()...); len(v) > 0 {
		t.Error(v)
	}
}

// Whom a file does not know yet may be at work: no snapshot logs them out, also where the file was lost.
func TestSnapshotOfFewAgents(t *testing.T) {
	file := filepath.Join(t.TempDir(), "agents.json")
	d := newDesk(t, vendor.Options{}, "")
	d.send(t, d.state("ann", 1, schemas.StateAvailable), d.state("bob", 1, schemas.StateAvailable))
	url := d.Destination.(*adherence).o.URL
	again := func(after time.Duration) {
		d.opened = open(t, "adherence: {url: '"+url+"', authentication_key: "+vendor.AuthenticationKey+", source_id: 1, snapshot: {file: '"+file+"'}}")
		d.now = first.Add(after)
	}
	again(time.Hour)
	d.send(t, d.state("ann", 2, schemas.StateWrap))
	again(settled)
	d.send(t, d.state("ann", 3, schemas.StateAvailable))
	d.expect(t, "ann available 3", "bob available 1")
	again(settled + time.Hour)
	d.send(t, d.state("ann", 4, schemas.StateWrap))
	d.expect(t, "ann wrap 4", "bob LOGGED-OFF 1500")
}

// An agent of whom the service does not know is in no later snapshot, and a snapshot fails for no agent's sake.
func TestSnapshotWithUnknownAgents(t *testing.T) {
	file := filepath.Join(t.TempDir(), "agents.json")
	d := newDesk(t, vendor.Options{Users: []string{"ann"}}, ", snapshot: {file: '"+file+"'}")
	if got := d.send(t, d.state("nobody", 1, schemas.StateAvailable)); !strings.Contains(got, "unknown_agent") {
		t.Error(got)
	}
	if got := d.send(t, d.state("ann", 1, schemas.StateAvailable)); got != "" {
		t.Error(got)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(text), "nobody") || !strings.Contains(string(text), "ann") {
		t.Errorf("%v: %s", err, text)
	}
}

func TestDamagedStates(t *testing.T) {
	file := filepath.Join(t.TempDir(), "agents.json")
	for text, wrong := range map[string]bool{`{"agents":`: true, "[]": true, `{"agents":{"a":null}}`: false, `{"agents":{"a":{"revision":1}}}`: false} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := openAgents(file, first)
		if (err != nil) != wrong {
			t.Errorf("%s: %v", text, err)
		}
		if err == nil && len(a.all()) > 0 {
			t.Errorf("%s: %v", text, a.all())
		}
	}
}
