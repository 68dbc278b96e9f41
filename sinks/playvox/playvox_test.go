package playvox

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/identity"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/internal/simulator/playvox"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

var now = time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)

// bench is a Playvox and what reaches it.
type bench struct {
	sim   *playvox.Server
	url   string
	watch clock.Watch
	facts []identity.Fact
	alias map[string]string
	away  atomic.Int64 // the last of so many writings of tasks is answered with 503
}

func newBench(t *testing.T, o playvox.Options) *bench {
	t.Helper()
	b := &bench{watch: clock.Fast(now, clock.Now(), 1000)}
	b.sim = playvox.New(b.watch, o)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/tasks") && b.away.Load() > 0 && b.away.Add(-1) == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		b.sim.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func (b *bench) open(t *testing.T, yaml string) delivery.Destination {
	t.Helper()
	node, problems := spec.Document("sink.yaml", []byte("url: ${URL}/tenant\nregion_url: ${URL}/region\nidentifier: identifier\nsecret: secret\n"+yaml))
	options := Registration.New()
	problems = append(problems, spec.Decode(node, options, spec.Source{File: "sink.yaml", Env: spec.Environment{"URL": b.url}})...)
	if err := spec.Err(problems); err != nil {
		t.Fatal(err)
	}
	d, err := Registration.Deliver(t.Context(), options, sinks.Deps{
		Tenant: "acme", Name: "playvox", Watch: b.watch, Keyring: &quota.Keyring{Watch: b.watch}, Log: slog.New(slog.DiscardHandler), Aliases: b.alias,
		Workers: func(context.Context) ([]identity.Fact, error) { return b.facts, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Destination.Close() })
	return d.Destination
}

var serial int64

// stateOf is an agent state that began so many minutes after now.
func stateOf(agent, id string, minutes int, state schemas.State, change ...func(*schemas.AgentState)) delivery.Item {
	serial++
	a := &schemas.AgentState{Tenant: "acme", Source: "acd", AgentID: agent, StateID: id, Revision: serial, StartedAt: minute(minutes), EndedAt: schemas.Null, State: state}
	for _, c := range change {
		c(a)
	}
	return delivery.Item{Key: "agent_state/acme/acd/" + agent + "/" + id, Tenant: "acme", Revision: serial, Start: a.StartedAt, Final: true, AgentState: a}
}

func minute(n int) int64 { return now.Add(time.Duration(n) * time.Minute).UnixMilli() }

func send(t *testing.T, d delivery.Destination, items ...delivery.Item) {
	t.Helper()
	if err := d.Send(t.Context(), items); err != nil {
		t.Fatal(err)
	}
}

// expect compares the tasks: minutes after now, as "ann 0-15 Call".
func (b *bench) expect(t *testing.T, want ...string) {
	t.Helper()
	got := map[string]bool{}
	held := b.sim.Holds()
	for key, value := range held {
		part := strings.Split(key, "|")
		if part[0] != "task" || len(part) != 4 {
			continue
		}
		end := "…"
		if e, ok := held[key+"|end"]; ok {
			end = short(t, e)
		}
		got[strings.TrimSuffix(part[1], "@acme.test")+" "+short(t, part[3])+"-"+end+" "+value] = true
	}
	wanted := map[string]bool{}
	for _, w := range want {
		wanted[w] = true
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("tasks (-want +got)\n%s", diff)
	}
	for _, v := range b.sim.Violations() {
		t.Errorf("violation: %s", v)
	}
}

func short(t *testing.T, text string) string {
	t.Helper()
	at, err := time.Parse(layout, text)
	if err != nil {
		t.Fatal(err)
	}
	if at.Equal(now) {
		return "0"
	}
	return strings.TrimSuffix(strings.TrimSuffix(at.Sub(now).String(), "0s"), "m")
}

func TestStatesEndWhereTheNextBegins(t *testing.T) {
	for _, how := range []string{"zero", "delete"} {
		t.Run(how, func(t *testing.T) {
			b := newBench(t, playvox.Options{Users: staff})
			d := b.open(t, "retracted: "+how+"\nstates: {tasks: {on_contact: Call, not_ready/Lunch: Mittag}}\n")
			ann := "ann@acme.test"
			send(t, d, stateOf(ann, "1", 0, schemas.StateAvailable))
			b.expect(t, "ann 0-… available")
			send(t, d, stateOf(ann, "3", 20, schemas.StateNotReady, func(a *schemas.AgentState) { a.Reason = "Lunch" }))
			b.expect(t, "ann 0-20 available", "ann 20-… Mittag")
			send(t, d, stateOf(ann, "2", 10, schemas.StateOnContact)) // late
			b.expect(t, "ann 0-10 available", "ann 10-20 Call", "ann 20-… Mittag")
			send(t, d, stateOf(ann, "2", 12, schemas.StateOnContact)) // corrected
			b.expect(t, "ann 0-12 available", "ann 12-20 Call", "ann 20-… Mittag")
			send(t, d, stateOf(ann, "2", 12, schemas.StateOnContact, func(a *schemas.AgentState) { a.Retracted = true }))
			b.expect(t, "ann 0-20 available", "ann 20-… Mittag")
			send(t, d, stateOf(ann, "4", 45, schemas.StateLoggedOut))
			b.expect(t, "ann 0-20 available", "ann 20-45 Mittag")
			send(t, d, stateOf(ann, "1", 0, schemas.StateAvailable, func(a *schemas.AgentState) { a.EndedAt = minute(15) }))
			b.expect(t, "ann 0-15 available", "ann 20-45 Mittag")
		})
	}
}

// What was open is ended by another process, which reads it back; and tasks of others are left alone.
func TestRestart(t *testing.T) {
	b := newBench(t, playvox.Options{Users: staff, Page: 1})
	yaml := "states: {fields: {userEmail: user_email, integrationAlias: integration_alias, taskIdentifier: task, startTime: started_at, endTime: ended_at, agentName: agent_name}}\n"
	first := b.open(t, yaml)
	send(t, first, stateOf("ann@acme.test", "1", 0, schemas.StateAvailable), stateOf("bob@acme.test", "1", 1, schemas.StateAvailable))
	send(t, first, stateOf("ann@acme.test", "2", 10, schemas.StateOnContact))
	second := b.open(t, yaml)
	send(t, second, stateOf("ann@acme.test", "3", 20, schemas.StateWrap))
	b.expect(t, "ann 0-10 available", "ann 10-20 on_contact", "ann 20-… wrap", "bob 1-… available")
	third := b.open(t, yaml)
	send(t, third, stateOf("ann@acme.test", "2", 10, schemas.StateNotReady)) // corrected: its end is where the next one begins, of which this process knows nothing else
	b.expect(t, "ann 0-10 available", "ann 10-20 not_ready", "ann 20-… wrap", "bob 1-… available")
	send(t, third, stateOf("ann@acme.test", "3", 20, schemas.StateWrap, func(a *schemas.AgentState) { a.Retracted = true }))
	b.expect(t, "ann 0-10 available", "ann 10-… not_ready", "bob 1-… available")
	send(t, third, stateOf("bob@acme.test", "0", -300, schemas.StateNotReady)) // hours late
	b.expect(t, "ann 0-10 available", "ann 10-… not_ready", "bob -5h0-1 not_ready", "bob 1-… available")
	if reads := b.sim.Calls("GET /tenant/api/workactivity/tasks"); reads > 20 {
		t.Errorf("tasks were read %d times", reads)
	}
}

// One change that Playvox refuses does not stand in the way of others, now or later.
func TestRefusedTask(t *testing.T) {
	b := newBench(t, playvox.Options{Users: staff, Refuse: func(r map[string]any) string {
		if r["taskIdentifier"] == "wrap" {
			return "there is no task wrap"
		}
		return ""
	}})
	d := b.open(t, "states:\n  recover: true\n")
	ann := "ann@acme.test"
	send(t, d, stateOf(ann, "1", 0, schemas.StateAvailable))
	var no *delivery.Refused
	if err := d.Send(t.Context(), []delivery.Item{stateOf(ann, "2", 10, schemas.StateWrap)}); !errors.As(err, &no) || len(no.Items) != 1 || !strings.Contains(no.Items[0].Detail, "there is no task wrap") {
		t.Errorf("error %v %+v", err, no)
	}
	b.expect(t, "ann 0-10 available")
	send(t, d, stateOf(ann, "3", 30, schemas.StateOnContact))
	b.expect(t, "ann 0-10 available", "ann 30-… on_contact")
}

func worker(source, id, agent, email string) identity.Fact {
	return identity.Fact{Worker: schemas.Worker{Tenant: "acme", Source: source, WorkerID: id, AgentID: agent, Email: email, System: source, Active: true, Revision: 1}}
}

func TestPeople(t *testing.T) {
	b := newBench(t, playvox.Options{Page: 2, Users: append([]playvox.User{
		{ID: 21, Email: "twice@acme.test"}, {ID: 22, Email: "Twice@acme.test"}, {ID: 23, Email: "gone@acme.test", Inactive: true},
		{ID: 24, Email: "dora@acme.test", Integrations: []playvox.Integration{{Alias: "acd", ID: "4711"}}},
	}, staff...)})
	b.alias = map[string]string{"a.smith@acme.test": "ann@acme.test", "acd/77": "bob@acme.test"}
	b.facts = []identity.Fact{
		worker("acd", "1", "asmith", "A.Smith@acme.test"), worker("acd", "77", "bobby", ""), worker("acd", "3", "eve1", "evening@acme.test"), worker("acd", "4", "eve2", "evening@acme.test"),
		worker("acd", "5", "stranger", "stranger@acme.test"), worker("acd", "6", "double", "twice@acme.test"), worker("acd", "7", "left", "gone@acme.test"),
		worker("other", "8", "asmith", "cleo@acme.test"), worker("acd", "9", "nomail", ""),
	}
	d := b.open(t, "users: {integration_id: id}\nstates:\n  recover: false\n")
	f := func(agent, want string) {
		t.Helper()
		err := d.Send(t.Context(), []delivery.Item{stateOf(agent, "1", 0, schemas.StateAvailable)})
		got := "taken"
		var no *delivery.Refused
		if errors.As(err, &no) {
			got = no.Items[0].Reason
		} else if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("agent %q: %s, want %s", agent, got, want)
		}
	}
	f("asmith", "taken") // by an alias of the address
	f("bobby", "taken")  // by an alias of the id
	f("cleo@acme.test", "taken")
	f("4711", "taken") // by the integration
	f("eve1", ambiguous)
	f("double", ambiguous)
	f("left", inactive)
	f("stranger", unmatched)
	f("nomail", unmatched)
	f("nobody", unmatched)
	b.expect(t, "ann 0-… available", "bob 0-… available", "cleo 0-… available", "dora 0-… available")
}

// A person who is hired in the afternoon is found once Playvox knows them; until then the record waits, if it is young.
func TestUnmatchedWaits(t *testing.T) {
	b := newBench(t, playvox.Options{Users: staff})
	b.facts = []identity.Fact{worker("acd", "1", "ann", "ann@acme.test")}
	d := b.open(t, "unmatched_wait: 24h\nusers: {soonest: 1s}\nstates:\n  recover: false\n")
	refusal := func(i delivery.Item) delivery.RefusedItem {
		t.Helper()
		var no *delivery.Refused
		if err := d.Send(t.Context(), []delivery.Item{i}); !errors.As(err, &no) {
			t.Fatalf("error %v", err)
		}
		return no.Items[0]
	}
	young := stateOf("new@acme.test", "1", 0, schemas.StateAvailable)
	if r := refusal(young); r.Later != time.Second || r.Reason != unmatched {
		t.Errorf("%+v", r)
	}
	if r := refusal(stateOf("new@acme.test", "0", -3*24*60, schemas.StateAvailable)); r.Later != 0 {
		t.Errorf("%+v", r)
	}
	b.sim.Hire(playvox.User{ID: 99, Email: "new@acme.test"})
	if err := b.watch.Sleep(t.Context(), 2*time.Second); err != nil {
		t.Fatal(err)
	}
	send(t, d, young)
	b.expect(t, "new 0-… available")
}

// At the first start the source's users may come after its states: nobody is refused for that.
func TestUsersComeLate(t *testing.T) {
	b := newBench(t, playvox.Options{Users: staff})
	b.watch = clock.Fast(now, clock.Now(), 20)
	d := b.open(t, "unmatched_wait: 0s\nusers: {soonest: 1ms}\nstates:\n  recover: false\n")
	i := stateOf("asmith", "1", 0, schemas.StateAvailable)
	var fault *httpcall.Error
	if err := d.Send(t.Context(), []delivery.Item{i}); !errors.As(err, &fault) || fault.Kind != httpcall.Transient {
		t.Errorf("error %v", err)
	}
	b.facts = []identity.Fact{worker("acd", "1", "asmith", "ann@acme.test")}
	if err := b.watch.Sleep(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	send(t, d, i)
	b.expect(t, "ann 0-… available")
}

// A busy pipeline keeps within 100 calls in 30 s, and the rest waits.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		calls int
		want  quota.Limit
	}{{100, quota.Limit{Operation: operation, Count: 9, Per: 3 * time.Second}}, {5, quota.Limit{Operation: operation, Count: 1, Per: 6 * time.Second}}, {11, quota.Limit{Operation: operation, Count: 1, Per: 3 * time.Second}}} {
		if got := limits(c.calls, 30*time.Second); len(got) != 1 || got[0] != c.want {
			t.Errorf("%d calls: %v, want %v", c.calls, got, c.want)
		}
	}
}

func TestVerify(t *testing.T) {
	b := newBench(t, playvox.Options{Users: staff, Page: 1})
	d := b.open(t, "states:\n  recover: true\n")
	first, second := stateOf("ann@acme.test", "1", 0, schemas.StateAvailable), stateOf("bob@acme.test", "1", 0, schemas.StateOnContact)
	send(t, d, first, second)
	other := stateOf("bob@acme.test", "1", 0, schemas.StateWrap)
	var got []string
	err := d.(delivery.Verifier).Verify(t.Context(), []delivery.Item{
		first, other, stateOf("cleo@acme.test", "1", 5, schemas.StateWrap), stateOf("ann@acme.test", "2", 7, schemas.StateLoggedOut),
		{Key: "contact/1", Contact: &schemas.Contact{Source: "acd", AgentID: "ann@acme.test"}}, {Key: "worker/1", Worker: &schemas.Worker{Source: "acd"}}, // not read back
	}, func(i delivery.Item, how string) { got = append(got, i.AgentState.AgentID+": "+how) })
	if diff := cmp.Diff([]string{"ann@acme.test: ", `bob@acme.test: taskIdentifier is "on_contact", not "wrap"`, "cleo@acme.test: it is not there"}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// Of the states of a request that Playvox does not take that one is refused, and no other: whichever of them come together, and when.
func TestTheStateThatIsWrongIsRefused(t *testing.T) {
	wrong := func(a *schemas.AgentState) { a.Reason = "telepathy" }
	refuses := func(record map[string]any) string {
		if record["taskIdentifier"] == "telepathy" {
			return "there is no telepathy"
		}
		return ""
	}
	type request struct {
		states  string // by number
		fails   bool   // Playvox is away
		refused string // of them
	}
	f := func(name string, requests ...request) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			b := newBench(t, playvox.Options{Users: staff, Page: 10, Refuse: refuses})
			d := b.open(t, "states:\n  recover: true\n")
			items := []delivery.Item{
				stateOf("ann@acme.test", "0", 0, schemas.StateAvailable), stateOf("ann@acme.test", "1", 15, schemas.StateNotReady, wrong),
				stateOf("ann@acme.test", "2", 30, schemas.StateOnContact), stateOf("bob@acme.test", "3", 20, schemas.StateWrap),
			}
			sent := map[byte]bool{}
			for _, r := range requests {
				var batch []delivery.Item
				for _, n := range []byte(r.states) {
					batch = append(batch, items[n-'0'])
					sent[n-'0'] = true
				}
				if r.fails {
					b.away.Store(3) // the third request from now
				}
				err := d.Send(t.Context(), batch)
				b.away.Store(0)
				got := ""
				var no *delivery.Refused
				if errors.As(err, &no) {
					for _, one := range no.Items {
						got += string(r.states[one.Index])
						if !strings.Contains(one.Detail, "there is no telepathy") {
							t.Errorf("%s: %s", r.states, one.Detail)
						}
					}
				} else if (err != nil) != r.fails {
					t.Errorf("%s: %v", r.states, err)
				}
				if got != r.refused {
					t.Errorf("of the states %s %q are refused, not %q", r.states, got, r.refused)
				}
			}
			b.expect(t, "ann 0-15 available", "ann 30-… on_contact", "bob 20-… wrap")
		})
	}
	f("one by one", request{states: "0"}, request{states: "1", refused: "1"}, request{states: "2"}, request{states: "3"})
	f("together", request{states: "0123", refused: "1"})
	f("again", request{states: "0123", refused: "1"}, request{states: "1", refused: "1"}, request{states: "01", refused: "1"})
	f("the wrong one first", request{states: "1", refused: "1"}, request{states: "023"})
	f("broken off", request{states: "0123", fails: true}, request{states: "0"}, request{states: "23"}, request{states: "1", refused: "1"})
	f("broken off, and in another order", request{states: "3102", fails: true}, request{states: "2"}, request{states: "1", refused: "1"}, request{states: "30"})
}

func contactOf(id string, change func(*schemas.Contact)) delivery.Item {
	serial++
	c := &schemas.Contact{
		Tenant: "acme", Source: "acd", InteractionID: id, Segment: "0", Channel: "voice", Direction: schemas.DirectionInbound, QueueID: "q", QueueName: "Q",
		OfferedAt: minute(0), AnsweredAt: schemas.Null, EndedAt: minute(2), WrapEndedAt: schemas.Null, TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null,
		Outcome: schemas.OutcomeAbandoned,
	}
	change(c)
	return delivery.Item{Key: "contact/acme/acd/" + id + "/0", Tenant: "acme", Revision: serial, Start: minute(0), Final: true, Contact: c}
}

// Contacts without an agent are nobody's, and no session.
func TestContacts(t *testing.T) {
	b := newBench(t, playvox.Options{Users: staff})
	d := b.open(t, `
envelope: data
integration_alias: acd
contacts: {path: api/workactivity/contacts, fields: {externalId: interaction_id, userEmail: 'user_email == "" ? nil : user_email', startTime: started_at, endTime: finished_at, talk: talk_ms, gone: retracted}}
sessions: {path: api/workactivity/sessions, fields: {externalId: interaction_id, userEmail: user_email, startTime: started_at, endTime: finished_at}}
`)
	answered := func(c *schemas.Contact) {
		c.AgentID, c.AnsweredAt, c.WrapMs, c.TalkMs = "ann@acme.test", minute(1), 30_000, 59_500
	}
	send(t, d, contactOf("lost", func(*schemas.Contact) {}), contactOf("won", answered), contactOf("back", func(c *schemas.Contact) { answered(c); c.Retracted = true }))
	want := map[string]string{
		"contacts|lost": `{"endTime":"2026-03-02T15:02:00.000Z","externalId":"lost","gone":false,"startTime":"2026-03-02T15:00:00.000Z","talk":null,"userEmail":null}`,
		"contacts|won":  `{"endTime":"2026-03-02T15:02:30.000Z","externalId":"won","gone":false,"startTime":"2026-03-02T15:00:00.000Z","talk":60,"userEmail":"ann@acme.test"}`,
		"contacts|back": `{"endTime":"2026-03-02T15:00:00.000Z","externalId":"back","gone":true,"startTime":"2026-03-02T15:00:00.000Z","talk":60,"userEmail":"ann@acme.test"}`,
		"sessions|won":  `{"endTime":"2026-03-02T15:02:30.000Z","externalId":"won","startTime":"2026-03-02T15:01:00.000Z","userEmail":"ann@acme.test"}`,
		"sessions|back": `{"endTime":"2026-03-02T15:01:00.000Z","externalId":"back","startTime":"2026-03-02T15:01:00.000Z","userEmail":"ann@acme.test"}`,
	}
	if diff := cmp.Diff(want, b.sim.Holds()); diff != "" {
		t.Error(diff)
	}
	var no *delivery.Refused
	err := d.Send(t.Context(), []delivery.Item{contactOf("never", func(c *schemas.Contact) { c.OfferedAt, c.EndedAt = schemas.Null, schemas.Null })})
	if !errors.As(err, &no) || no.Items[0].Reason != "field" {
		t.Errorf("error %v", err)
	}
}

func TestWrongOptions(t *testing.T) {
	f := func(yaml string, want ...string) {
		t.Helper()
		node, problems := spec.Document("sink.yaml", []byte("identifier: i\nsecret: s\n"+yaml))
		problems = append(problems, spec.Decode(node, Registration.New(), spec.Source{File: "sink.yaml", Env: spec.Environment{}})...)
		for _, w := range want {
			if text := spec.Err(problems); text == nil || !strings.Contains(text.Error(), w) {
				t.Errorf("%s: %v, want %q", yaml, text, w)
			}
		}
	}
	const hosts = "url: https://acme.test\nregion_url: https://api.test\n"
	f("url: acme\nregion_url: https://api.test\nstates: {path: x}\n", "url is \"acme\"")
	f(hosts, "give states, contacts, sessions or identifiers")
	f(hosts+"contacts: {fields: {a: key}}\n", "path")
	f(hosts+"states: {tasks: {availble: x}}\n", "is no state")
	f(hosts+"states: {fields: {a: strated_at}}\n", "states.fields.a", `did you mean "started_at"`)
	f(hosts+"states: {fields: {a: key, a.b: key}}\n", "cannot be together")
	f(hosts+"calls: 0\nstates: {path: x}\n", "calls")
}
