package expressions

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// stages reads one stage per line: "filter EXPR", or "set FIELD EXPR; FIELD EXPR".
func stages(text string) (list []Stage) {
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		at := spec.Position{File: "p.yaml", Line: i + 1, Column: 1}
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "filter" {
			list = append(list, Stage{Filter: spec.Expr{Source: rest, At: at}})
			continue
		}
		s := Stage{Set: spec.Exprs{}}
		for _, a := range strings.Split(rest, "; ") {
			field, source, _ := strings.Cut(a, " ")
			s.Set = append(s.Set, spec.NamedExpr{Name: field, Expr: spec.Expr{Source: source, At: at}, At: at})
		}
		list = append(list, s)
	}
	return list
}

func contact() schemas.Contact {
	return schemas.Contact{InteractionID: "I1", QueueID: "Sales", QueueName: "Sales EU", Channel: "voice", OfferedAt: 1000, AnsweredAt: schemas.Null, EndedAt: 61_000,
		WrapEndedAt: schemas.Null, TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null}
}

func TestContact(t *testing.T) {
	f := func(text string, change func(*schemas.Contact)) {
		t.Helper()
		p, err := Compile(time.UTC, stages(text)...)
		if err != nil {
			t.Fatal(err)
		}
		got, want := contact(), contact()
		change(&want)
		if err := p.Contact(&got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	f(`filter queue_name != "Test"`, func(*schemas.Contact) {})
	f(`filter queue_name == "Test"`, func(c *schemas.Contact) { c.Retracted = true })
	f(`filter answered_at > offered_at`, func(c *schemas.Contact) { c.Retracted = true }) // absent: false
	f(`filter ended_at - offered_at >= duration("1m")`, func(*schemas.Contact) {})
	f(`set queue_id lower(queue_id)`, func(c *schemas.Contact) { c.QueueID = "sales" })
	f(`set queue_id queue_name; queue_name queue_id`, func(c *schemas.Contact) { c.QueueID, c.QueueName = c.QueueName, c.QueueID }) // as it was before the stage
	f("set queue_id \"a\" + queue_id\nset queue_id \"b\" + queue_id", func(c *schemas.Contact) { c.QueueID = "baSales" })
	f(`set outcome answered_at == nil ? "abandoned" : "handled"; talk_ms ended_at - offered_at; answered_at ended_at`, func(c *schemas.Contact) {
		c.Outcome, c.TalkMs, c.AnsweredAt = schemas.OutcomeAbandoned, 60_000, 61_000
	})
	f(`set ended_at nil`, func(c *schemas.Contact) { c.EndedAt = schemas.Null })
	f(`filter state == "available"`, func(*schemas.Contact) {}) // agent states only
	f(`set reason "x"; channel "chat"`, func(c *schemas.Contact) { c.Channel = "chat" })
	// a fact that is refused keeps its identity after later stages, so that it takes back the right one
	f("filter queue_id == \"x\"\nset interaction_id lower(interaction_id); queue_id \"y\"", func(c *schemas.Contact) { c.Retracted, c.InteractionID = true, "i1" })
}

func TestAgentState(t *testing.T) {
	p, err := Compile(time.UTC, stages("filter queue_id == \"x\"\nfilter state != \"logged_out\"\nset reason upper(reason)")...)
	if err != nil {
		t.Fatal(err)
	}
	a := schemas.AgentState{AgentID: "a", State: schemas.StateAvailable, Reason: "lunch"}
	if err := p.AgentState(&a); err != nil || a.Retracted || a.Reason != "LUNCH" {
		t.Errorf("%+v %v", a, err)
	}
	a.State = schemas.StateLoggedOut
	if err := p.AgentState(&a); err != nil || !a.Retracted {
		t.Errorf("%+v %v", a, err)
	}
}

func TestErrors(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		_, err := Compile(time.UTC, stages(text)...)
		if err == nil {
			t.Fatalf("%s: no error", text)
		}
		lines := strings.Split(err.Error(), "\n")
		for i, w := range want {
			if len(lines) != len(want) || !strings.Contains(lines[i], w) {
				t.Errorf("%s:\n got %s\nwant %s", text, err, w)
			}
		}
	}
	f("filter quene_name != \"Test\"\nset quene_id \"x\"", `p.yaml:1: expression "quene_name != \"Test\"": unknown column "quene_name": did you mean "queue_name"?`,
		`p.yaml:2: unknown field "quene_id": did you mean "queue_id"?`)
	f(`filter queue_name`, "is text, where true or false is needed")
	f(`filter state == 3`, "cannot be compared") // the error of the kind that has the field
	f(`filter statte == "x"`, `did you mean "state"?`)
	f(`set outcome "won"`, `"won" is no outcome: known are unknown, handled`)
	f(`set tenant "x"`, `field "tenant" is filled in by the pipeline`)
	f(`set revision now()`, `unknown function "now"`)
}

func TestRunError(t *testing.T) {
	p, err := Compile(time.UTC, stages(`set revision int(queue_id)`)...)
	if err != nil {
		t.Fatal(err)
	}
	c := contact()
	if err := p.Contact(&c); err == nil || !strings.Contains(err.Error(), `field revision: expression "int(queue_id)": int of "Sales": not a whole number`) {
		t.Error(err)
	}
}

// Many shards share one program, and what was set stays theirs.
func TestConcurrent(t *testing.T) {
	p, err := Compile(time.UTC, stages(`set queue_id queue_id + "/" + channel; queue_name split(queue_id, "-")[1]`)...)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			var facts []schemas.Contact
			for i := range 200 {
				c := contact()
				c.QueueID = fmt.Sprintf("%d-%d", g, i)
				if err := p.Contact(&c); err != nil {
					t.Error(err)
				}
				facts = append(facts, c)
			}
			for i, c := range facts {
				if want := fmt.Sprintf("%d-%d/voice", g, i); c.QueueID != want || c.QueueName != fmt.Sprint(i) {
					t.Errorf("%q %q, want %q", c.QueueID, c.QueueName, want)
				}
			}
		})
	}
	group.Wait()
}

func TestNothing(t *testing.T) {
	var p *Program
	c := contact()
	if err := p.Contact(&c); err != nil {
		t.Error(err)
	}
	empty, err := Compile(time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _ = empty.Contact(&c) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkContact(b *testing.B) {
	p, err := Compile(time.UTC, stages("filter queue_name != \"Test\" and channel == \"voice\"\nset agent_name agent_id")...)
	if err != nil {
		b.Fatal(err)
	}
	c := contact()
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Contact(&c); err != nil {
			b.Fatal(err)
		}
	}
}
