package transform_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// partials is the topic of partials: it keeps copies of what shards emit.
type partials struct {
	shard   string
	records *[]record
}

type record struct {
	shard string
	row   any
}

func (p partials) put(row any) error {
	*p.records = append(*p.records, record{p.shard, row})
	return nil
}

func (p partials) Queue(r *schemas.QueueInterval) error           { c := *r; return p.put(&c) }
func (p partials) AgentQueue(r *schemas.AgentQueueInterval) error { c := *r; return p.put(&c) }
func (p partials) Mark(r *schemas.ShardMark) error                { c := *r; return p.put(&c) }
func (p partials) Agent(r *schemas.AgentInterval) error {
	c := *r
	c.NotReadyByReason = slices.Clone(r.NotReadyByReason)
	return p.put(&c)
}

func feed(s *transform.Shard, r any, offset int64) transform.Result {
	switch r := r.(type) {
	case *schemas.Contact:
		return s.Contact(r, offset)
	case *schemas.AgentState:
		return s.State(r, offset)
	case *schemas.Shift:
		return s.Shift(r, offset)
	}
	return s.Mark(r.(*schemas.Mark), offset)
}

// runShard folds a log, emitting and committing at random, and crashing: then a new shard folds the log from its start,
// discards what was committed, and goes on.
func runShard(t *rapid.T, name string, o transform.Options, log []any) (out []record) {
	shard, err := transform.NewShard(name, o)
	if err != nil {
		t.Fatal(err)
	}
	to, committed, crashes := partials{name, &out}, 0, 2
	for at := 0; at < len(log); at++ {
		feed(shard, log[at], int64(at))
		switch rapid.IntRange(0, 9).Draw(t, "then") {
		case 0, 1, 2:
			shard.Emit(to)
			committed = at + 1
		case 3: // emitted, but not committed
			shard.Emit(to)
		case 4:
			if crashes == 0 {
				continue
			}
			crashes--
			shard, _ = transform.NewShard(name, o)
			for at = 0; at < committed; at++ {
				feed(shard, log[at], int64(at))
			}
			if committed > 0 {
				shard.Discard()
			}
			at--
		}
	}
	shard.Emit(to)
	if c := shard.Counts(); c.Read != c.Applied+c.Duplicate+c.Superseded+c.TooLate+c.Rejected {
		t.Fatalf("counts of %s do not balance: %+v", name, c)
	}
	return out
}

// rows is the topic of rows, and a sink that keeps the greatest revision of each.
type rows struct {
	cells     tables
	revisions map[string]int64
}

func newRows() *rows { return &rows{tables{}, map[string]int64{}} }

func (o *rows) put(key string, revision int64, final bool, cells map[string]int64, names map[string]string) error {
	if was, ok := o.revisions[key]; ok && was >= revision {
		return nil
	}
	o.revisions[key] = revision
	row, zero := map[string]any{}, true
	for name, v := range cells {
		if v != 0 {
			row[name], zero = v, false
		}
	}
	for name, text := range names {
		if text != "" {
			row[name] = text
		}
	}
	if final {
		row["final"] = int64(1)
	}
	if delete(o.cells, key); !zero {
		o.cells[key] = row
	}
	return nil
}

func (o *rows) Queue(r *schemas.QueueInterval) error {
	return o.put(fmt.Sprintf("queue %d %s %s", r.IntervalStart, r.QueueID, r.Channel), r.Revision, r.Final, map[string]int64{
		"offered": r.Offered, "answered": r.Answered, "abandoned": r.Abandoned, "short_abandoned": r.ShortAbandoned, "answered_in_sl": r.AnsweredInSl,
		"abandoned_in_sl": r.AbandonedInSl, "transferred_out": r.TransferredOut, "overflowed": r.Overflowed, "wait_ms": r.WaitMs,
		"abandon_wait_ms": r.AbandonWaitMs, "max_wait_ms": r.MaxWaitMs, "talk_ms": r.TalkMs, "hold_ms": r.HoldMs, "wrap_ms": r.WrapMs,
		"contact_ms": r.ContactMs, "handle_ms": r.HandleMs, "backlog": r.Backlog, "facts": r.Facts,
	}, map[string]string{"queue_name": r.QueueName})
}

func (o *rows) AgentQueue(r *schemas.AgentQueueInterval) error {
	cells := map[string]int64{
		"answered": r.Answered, "talk_ms": r.TalkMs, "hold_ms": r.HoldMs, "wrap_ms": r.WrapMs, "contact_ms": r.ContactMs, "handle_ms": r.HandleMs,
		"direct_out": r.DirectOut, "facts": r.Facts,
	}
	if r.Completed != schemas.Null {
		cells["completed"], cells["wrap known"] = r.Completed, 1
	}
	return o.put(fmt.Sprintf("agent_queue %d %s %s %s", r.IntervalStart, r.AgentID, r.QueueID, r.Channel), r.Revision, r.Final, cells,
		map[string]string{"queue_name": r.QueueName, "agent_name": r.AgentName})
}

func (o *rows) Agent(r *schemas.AgentInterval) error {
	cells := map[string]int64{
		"login_ms": r.LoginMs, "available_ms": r.AvailableMs, "on_contact_ms": r.OnContactMs, "wrap_ms": r.WrapMs, "not_ready_ms": r.NotReadyMs,
		"concurrency_ms": r.ConcurrencyMs, "direct_out": r.DirectOut, "facts": r.Facts,
	}
	if r.ScheduledMs != schemas.Null {
		cells["scheduled_ms"], cells["adherent_ms"], cells["schedule known"] = r.ScheduledMs, r.AdherentMs, 1
	}
	sum := int64(0)
	for _, v := range r.NotReadyByReason {
		cells["not ready: "+v.Name] += v.Value
		sum += v.Value
	}
	if sum != r.NotReadyMs {
		return fmt.Errorf("reasons sum to %d, not to %d", sum, r.NotReadyMs)
	}
	return o.put(fmt.Sprintf("agent %d %s", r.IntervalStart, r.AgentID), r.Revision, r.Final, cells, map[string]string{"agent_name": r.AgentName})
}

func (o *rows) Completeness(*schemas.Completeness) error { return nil }

func take(m *transform.Merge, r record) {
	switch row := r.row.(type) {
	case *schemas.QueueInterval:
		m.Queue(r.shard, row)
	case *schemas.AgentQueueInterval:
		m.AgentQueue(r.shard, row)
	case *schemas.AgentInterval:
		m.Agent(r.shard, row)
	case *schemas.ShardMark:
		m.Mark(row)
	}
}

// runMerge interleaves what the shards wrote, each in its own order, and emits, crashes and replays at random.
func runMerge(t *rapid.T, h *history, outs map[string][]record, to *rows) {
	var log []record
	names := slices.Sorted(maps.Keys(outs))
	for len(names) > 0 {
		i := rapid.IntRange(0, len(names)-1).Draw(t, "shard")
		n := rapid.IntRange(1, len(outs[names[i]])).Draw(t, "records")
		log = append(log, outs[names[i]][:n]...)
		if outs[names[i]] = outs[names[i]][n:]; len(outs[names[i]]) == 0 {
			names = slices.Delete(names, i, i+1)
		}
	}
	emit := func(m *transform.Merge) {
		if err := m.Emit(to); err != nil {
			t.Fatal(err)
		}
	}
	m, committed, crashes := transform.NewMerge(h.o, h.feeds()), 0, 2
	for at := 0; at < len(log); at++ {
		take(m, log[at])
		switch rapid.IntRange(0, 19).Draw(t, "then") {
		case 0, 1, 2:
			emit(m)
			committed = at + 1
		case 3:
			emit(m)
		case 4:
			if crashes == 0 {
				continue
			}
			crashes--
			m = transform.NewMerge(h.o, h.feeds())
			for at = 0; at < committed; at++ {
				take(m, log[at])
			}
			if committed > 0 {
				m.Discard()
			}
			at--
		}
	}
	emit(m)
}

// The property that every change must keep: for any permutation, duplication, re-batching, crash and replay of the same facts
// and marks, the final tables are equal, cell by cell, to what the naive model computes from the set.
func TestTablesDependOnTheSetOfFactsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { tablesDependOnTheSetAlone(t, 25) })
}

func tablesDependOnTheSetAlone(t *rapid.T, size int) {
	h := drawHistoryOf(t, size)
	h.drawSettings(t)
	outs, logs := map[string][]record{}, h.logs(t)
	want := h.naive(logs)
	for _, name := range slices.Sorted(maps.Keys(logs)) {
		if out := runShard(t, name, h.o, logs[name]); len(out) > 0 {
			outs[name] = out
		}
	}
	got := newRows()
	runMerge(t, &h, outs, got)
	if !reflect.DeepEqual(want, got.cells) {
		t.Fatalf("tables differ (-naive +engine):\n%s", gocmp.Diff(want, got.cells))
	}
}

// Ten thousand histories, small ones, since most of what can go wrong goes wrong among few facts. QUARTERHOUR_HISTORIES is another
// number of them, QUARTERHOUR_SEED the seed of a run to repeat.
func TestTenThousandHistories(t *testing.T) { manyHistories(t, tablesDependOnTheSetAlone) }

func manyHistories(t *testing.T, property func(t *rapid.T, size int)) {
	t.Helper()
	count, seed := 10_000, uint64(rand.Uint32())+1
	if testing.Short() || underRace {
		count = 1000
	}
	for name, n := range map[string]func(uint64){
		"QUARTERHOUR_HISTORIES": func(n uint64) { count = int(n) }, "QUARTERHOUR_SEED": func(n uint64) { seed = n },
	} {
		if text := os.Getenv(name); text != "" {
			v, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				t.Fatalf("%s is %q, not a number", name, text)
			}
			n(v)
		}
	}
	t.Logf("%d histories, QUARTERHOUR_SEED=%d", count, seed)
	for name, value := range map[string]string{"rapid.checks": strconv.Itoa(count), "rapid.seed": strconv.FormatUint(seed, 10)} {
		was := flag.Lookup(name).Value.String()
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = flag.Set(name, was) }()
	}
	rapid.Check(t, func(t *rapid.T) { property(t, rapid.IntRange(2, 6).Draw(t, "size")) })
}
