package transform_test

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// emitted are the rows of one Emit, as they came.
type emitted struct {
	queues   []schemas.QueueInterval
	agents   []schemas.AgentInterval
	complete []schemas.Completeness
}

func (e *emitted) Queue(r *schemas.QueueInterval) error         { e.queues = append(e.queues, *r); return nil }
func (e *emitted) AgentQueue(*schemas.AgentQueueInterval) error { return nil }
func (e *emitted) Agent(r *schemas.AgentInterval) error         { e.agents = append(e.agents, *r); return nil }
func (e *emitted) Completeness(r *schemas.Completeness) error {
	e.complete = append(e.complete, *r)
	return nil
}

func through(shard, source, clock string) *schemas.ShardMark {
	return &schemas.ShardMark{Tenant: "acme", Shard: shard, Source: source, CompleteThrough: at(clock)}
}

func queueRow(revision, offered, maxWait int64) *schemas.QueueInterval {
	return &schemas.QueueInterval{Tenant: "acme", IntervalStart: at("10:00"), IntervalSeconds: 900, QueueID: "q", Offered: offered, MaxWaitMs: maxWait, Facts: offered, Revision: revision}
}

// A row goes through its life: provisional from one shard, from two, final, corrected after final.
func TestTheLifeOfARow(t *testing.T) {
	o := options("")
	o.Grace, o.Pipeline, o.Zone = 5*time.Minute, "voice", berlin
	m := transform.NewMerge(o, []transform.Feed{
		{Shard: "contact/0", Source: "five9", Fact: "contact"}, {Shard: "contact/1", Source: "five9", Fact: "contact"},
		{Shard: "agent_state/0", Source: "five9", Fact: "agent_state"},
	})
	emit := func() (e emitted) {
		t.Helper()
		if err := m.Emit(&e); err != nil {
			t.Fatal(err)
		}
		return e
	}
	want := func(what string, e emitted, offered, maxWait, revision int64, final bool) {
		t.Helper()
		if len(e.queues) != 1 {
			t.Fatalf("%s: %d rows, want 1", what, len(e.queues))
		}
		if r := e.queues[0]; r.Offered != offered || r.MaxWaitMs != maxWait || r.Revision != revision || r.Final != final || r.Facts != offered {
			t.Errorf("%s: got offered %d, max wait %d, revision %d, final %v", what, r.Offered, r.MaxWaitMs, r.Revision, r.Final)
		}
	}
	m.Queue("contact/0", queueRow(7, 3, 20))
	want("one shard", emit(), 3, 20, 14, false)
	m.Queue("contact/1", queueRow(4, 1, 30))
	want("two shards", emit(), 4, 30, 22, false)
	m.Queue("contact/1", queueRow(4, 1, 30))
	m.Queue("contact/1", queueRow(3, 9, 90))
	if e := emit(); len(e.queues) != 0 {
		t.Errorf("partials that are not newer changed the row: %+v", e.queues)
	}
	m.Mark(through("contact/0", "five9", "10:45"))
	m.Mark(through("contact/1", "five9", "10:19"))
	if e := emit(); len(e.queues)+len(e.complete) != 0 {
		t.Errorf("one of three feeds is a minute short of the grace, and one silent: %+v", e)
	}
	m.Mark(through("contact/1", "five9", "10:20"))
	m.Mark(through("contact/1", "removed", "10:00"))
	want("final by the contact feeds alone", emit(), 4, 30, 23, true)
	m.Queue("contact/0", queueRow(9, 2, 20))
	want("corrected after final", emit(), 3, 30, 27, true)
	m.Agent("agent_state/0", &schemas.AgentInterval{Tenant: "acme", IntervalStart: at("10:00"), IntervalSeconds: 900, AgentID: "a", LoginMs: 1, Facts: 1, Revision: 1, ScheduledMs: schemas.Null, AdherentMs: schemas.Null})
	if e := emit(); len(e.agents) != 1 || e.agents[0].Final {
		t.Errorf("agent rows wait for all feeds: %+v", e.agents)
	}
	m.Mark(through("agent_state/0", "five9", "10:31"))
	e := emit()
	if len(e.agents) != 1 || !e.agents[0].Final || e.agents[0].ScheduledMs != schemas.Null {
		t.Errorf("agent rows are final: %+v", e.agents)
	}
	complete := []schemas.Completeness{{Tenant: "acme", Pipeline: "voice", Timezone: "Europe/Berlin", IntervalSeconds: 900, CompleteThrough: at("10:20"), Revision: at("10:20")}}
	if diff := gocmp.Diff(complete, e.complete); diff != "" {
		t.Errorf("completeness (-want +got):\n%s", diff)
	}
	if e = emit(); len(e.agents)+len(e.complete)+len(e.queues) != 0 {
		t.Errorf("nothing changed, and it emitted %+v", e)
	}
}

// Rows that a source reports merge with those of facts, and hold them open until the source is complete.
func TestReportedRowsMergeWithThoseOfFacts(t *testing.T) {
	mail := transform.ReportedShard("mail")
	if source, ok := transform.ReportedBy(mail); source != "mail" || !ok {
		t.Errorf("%q is reported by %q, %v", mail, source, ok)
	}
	if source, ok := transform.ReportedBy("contact/0"); ok {
		t.Errorf("contact/0 is reported by %q", source)
	}
	f := func(want bool, marks ...*schemas.ShardMark) {
		t.Helper()
		m := transform.NewMerge(options(""), []transform.Feed{
			{Shard: "contact/0", Source: "five9", Fact: "contact"}, {Shard: mail, Source: "mail", Fact: transform.FactInterval},
		})
		m.Queue("contact/0", queueRow(7, 3, 20))
		m.Queue(mail, queueRow(1_772_445_600_000, 2, 0))
		m.Queue(mail, queueRow(1_772_445_600_001, 4, 0))
		for _, s := range marks {
			m.Mark(s)
		}
		var e emitted
		if err := m.Emit(&e); err != nil {
			t.Fatal(err)
		}
		if len(e.queues) != 1 || e.queues[0].Offered != 7 || e.queues[0].Facts != 7 || e.queues[0].Final != want {
			t.Errorf("got %+v, want one row with 7 offered, final: %v", e.queues, want)
		}
	}
	f(false)
	f(false, through("contact/0", "five9", "10:45"))
	f(false, through(mail, "mail", "10:45"))
	f(true, through("contact/0", "five9", "10:45"), through(mail, "mail", "10:45"))
}

// Every measure says what the reference pages need, every column of the rows is in the catalogue, and the stage's example holds.
func TestTheCatalogueIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range transform.Measures() {
		if m.Name == "" || m.Meaning == "" || len(m.Rows) == 0 || len(m.Reads) == 0 || m.Unit != "count" && m.Unit != "ms" {
			t.Errorf("incomplete: %+v", m)
		}
		for _, row := range m.Rows {
			if seen[row+" "+m.Name] {
				t.Errorf("%s of %s rows is there twice", m.Name, row)
			}
			seen[row+" "+m.Name] = true
		}
	}
	for _, column := range []string{"queue offered", "queue handle_ms", "agent_queue completed", "agent_queue contact_ms", "agent wrap_ms", "agent direct_out", "agent not_ready_by_reason"} {
		if !seen[column] {
			t.Errorf("%s is missing", column)
		}
	}
	var late spec.Field
	for _, f := range spec.Fields(transform.Component()) {
		if f.Help == "" {
			t.Errorf("option %q has no help", f.Name)
		}
		if f.Name == "late" {
			late = f
		}
	}
	if !late.Required || len(late.Enum) != 3 {
		t.Errorf("the late policy is to be chosen: %+v", late)
	}
}
