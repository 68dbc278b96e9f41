package transform_test

import (
	"fmt"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// processorTime is what this process has used of processors: unlike the wall clock it is not stretched by other processes.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perSecond reports how many a second of one processor does, garbage collection included.
func perSecond(b *testing.B, from time.Duration, what string) {
	b.ReportMetric(float64(b.N)/(processorTime()-from).Seconds(), what+"/cpu-s")
}

type discard struct{ rows int }

func (d *discard) Queue(*schemas.QueueInterval) error           { d.rows++; return nil }
func (d *discard) AgentQueue(*schemas.AgentQueueInterval) error { d.rows++; return nil }
func (d *discard) Agent(*schemas.AgentInterval) error           { d.rows++; return nil }
func (d *discard) Mark(*schemas.ShardMark) error                { d.rows++; return nil }

// benchDay is contact n of a centre of 200 agents and 20 queues that takes 15,000 contacts a day.
func benchDay(c *schemas.Contact, ids []byte, n int) {
	at := epoch + int64(n)*5760 // 15,000 a day
	talk := int64(60_000 + n%7*45_000)
	*c = schemas.Contact{
		Tenant: "acme", Source: "five9", InteractionID: string(fmt.Appendf(ids[:0], "call-%012d", n)), Revision: 1, Channel: "voice",
		QueueID: benchQueues[n%20], QueueName: benchQueues[n%20], AgentID: benchAgents[n*7%200], AgentName: benchAgents[n*7%200],
		OfferedAt: at, AnsweredAt: at + int64(n%90)*1000, EndedAt: at + int64(n%90)*1000 + talk, WrapEndedAt: at + int64(n%90)*1000 + talk + 25_000,
		TalkMs: schemas.Null, HoldMs: int64(n % 5 * 4000), WrapMs: schemas.Null, Outcome: schemas.OutcomeHandled,
	}
}

var benchQueues, benchAgents = labels("queue", 20), labels("agent", 200)

func labels(word string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%s-%03d", word, i))
	}
	return all
}

var benchOptions = transform.Options{Tenant: "acme", Zone: berlin, StageOptions: transform.StageOptions{ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second}}

func benchContacts(n int) []schemas.Contact {
	all := make([]schemas.Contact, n)
	ids := make([]byte, 0, 64)
	for i := range all {
		benchDay(&all[i], ids, i)
	}
	return all
}

// New contacts, with an emit every 10,000: what a shard does when it reads a log from its start.
func BenchmarkFoldAndEmitContacts(b *testing.B) {
	foldAndEmit(b, "contact/0", 10_000, benchContacts(300_000), (*transform.Shard).Contact)
}

// largeCentre are contacts of 2,000 agents who each serve all of 200 queues: nearly every contact has agent-queue rows of its own.
func largeCentre(n int) []schemas.Contact {
	all := make([]schemas.Contact, n)
	for i := range all {
		at := epoch + int64(i*86_400_000/500_000)
		queue, agent := "queue-"+strconv.Itoa(i*7919%200), "agent-"+strconv.Itoa(i*104729%2000)
		all[i] = schemas.Contact{
			Tenant: "acme", Source: "five9", InteractionID: fmt.Sprint(1_000_000_000 + i), Segment: "1", Channel: "voice", Revision: 1,
			QueueID: queue, QueueName: queue, AgentID: agent, AgentName: agent, Outcome: schemas.OutcomeHandled,
			OfferedAt: at, AnsweredAt: at + int64(i%40)*1000, EndedAt: at + 200_000 + int64(i%200)*1000, WrapEndedAt: at + 430_000,
			TalkMs: schemas.Null, HoldMs: int64(i%7) * 1000, WrapMs: schemas.Null,
		}
	}
	return all
}

func BenchmarkFoldAndEmitLargeCentre(b *testing.B) {
	foldAndEmit(b, "contact/0", 20_000, largeCentre(500_000), (*transform.Shard).Contact)
}

// The same with one contact in twenty up to two hours late, and one in twenty corrected: to be within 25 % of the above.
func BenchmarkFoldAndEmitLargeCentreWithFaults(b *testing.B) {
	var facts []schemas.Contact
	for i, c := range largeCentre(475_000) {
		if i%20 == 7 {
			by := int64(i%120) * minuteMs
			c.OfferedAt, c.AnsweredAt, c.EndedAt, c.WrapEndedAt = c.OfferedAt-by, c.AnsweredAt-by, c.EndedAt-by, c.WrapEndedAt-by
		}
		if facts = append(facts, c); i%20 == 3 {
			c.Revision, c.EndedAt = 2, c.EndedAt+1000
			facts = append(facts, c)
		}
	}
	foldAndEmit(b, "contact/0", 20_000, facts, (*transform.Shard).Contact)
}

// foldAndEmit feeds a shard over and over, anew each time it has had all, with an emit every so many facts.
func foldAndEmit[T any](b *testing.B, shard string, every int, facts []T, fold func(*transform.Shard, *T, int64) transform.Result) {
	b.ReportAllocs()
	var s *transform.Shard
	var out discard
	b.ResetTimer()
	from := processorTime()
	for n := 0; n < b.N; n++ {
		if n%len(facts) == 0 {
			s, _ = transform.NewShard(shard, benchOptions)
		}
		fold(s, &facts[n%len(facts)], int64(n))
		if n%every == every-1 {
			s.Emit(&out)
		}
	}
	perSecond(b, from, "facts")
}

// Corrections of what is there already: the steady state allocates nothing.
func BenchmarkCorrectContacts(b *testing.B) {
	facts := benchContacts(100_000)
	s, _ := transform.NewShard("contact/0", benchOptions)
	for n := range facts {
		s.Contact(&facts[n], int64(n))
	}
	var out discard
	s.Emit(&out)
	b.ReportAllocs()
	b.ResetTimer()
	from := processorTime()
	for n := 0; n < b.N; n++ {
		c := &facts[n%len(facts)]
		c.Revision++
		c.EndedAt += int64(n%3) * 1000
		c.WrapEndedAt = c.EndedAt + 25_000
		s.Contact(c, int64(n))
		if n%10_000 == 0 {
			s.Emit(&out)
		}
	}
	perSecond(b, from, "facts")
}

func benchStates(n int) []schemas.AgentState {
	all := make([]schemas.AgentState, n)
	for i := range all {
		agent := i % 200
		all[i] = schemas.AgentState{
			Tenant: "acme", Source: "five9", AgentID: benchAgents[agent], AgentName: benchAgents[agent], Revision: 1,
			StartedAt: epoch + int64(i)*2880, EndedAt: schemas.Null, State: schemas.State(1 + i/200%4), Reason: []string{"", "lunch", "break"}[i/200%3],
		}
	}
	return all
}

func BenchmarkFoldAndEmitStates(b *testing.B) {
	foldAndEmit(b, "agent_state/0", 10_000, benchStates(300_000), (*transform.Shard).State)
}

// BenchmarkMergePartials merges the partials of four shards.
func BenchmarkMergePartials(b *testing.B) {
	var records []record
	for shard := range 4 {
		name := fmt.Sprintf("contact/%d", shard)
		s, _ := transform.NewShard(name, benchOptions)
		facts := benchContacts(60_000)
		for n := shard; n < len(facts); n += 4 {
			s.Contact(&facts[n], int64(n))
		}
		s.Emit(partials{name, &records})
	}
	b.ReportAllocs()
	b.ResetTimer()
	from := processorTime()
	var m *transform.Merge
	sink := nothing{}
	for n := 0; n < b.N; n++ {
		if n%len(records) == 0 {
			m = transform.NewMerge(benchOptions, nil)
		}
		take(m, records[n%len(records)])
		if n%10_000 == 0 {
			m.Emit(sink)
		}
	}
	perSecond(b, from, "partials")
}

type nothing struct{}

func (nothing) Queue(*schemas.QueueInterval) error           { return nil }
func (nothing) AgentQueue(*schemas.AgentQueueInterval) error { return nil }
func (nothing) Agent(*schemas.AgentInterval) error           { return nil }
func (nothing) Completeness(*schemas.Completeness) error     { return nil }

// A retained contact costs at most 200 bytes, its index and its share of the rows included.
func TestResidentBytesPerContact(t *testing.T) {
	const n = 200_000
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	s, err := transform.NewShard("contact/0", benchOptions)
	if err != nil {
		t.Fatal(err)
	}
	var c schemas.Contact
	var out discard
	ids := make([]byte, 0, 64)
	for i := range n {
		benchDay(&c, ids, i)
		s.Contact(&c, int64(i))
		if i%10_000 == 9999 {
			s.Emit(&out)
		}
	}
	s.Emit(&out)
	each := float64(heap()-before) / n
	counts := s.Counts()
	t.Logf("%.1f bytes per contact, %d contacts, %d rows", each, counts.Retained, counts.Rows)
	if each > 200 {
		t.Errorf("%.1f bytes per retained contact, above 200", each)
	}
	runtime.KeepAlive(s)
}
