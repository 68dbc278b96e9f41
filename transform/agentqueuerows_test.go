package transform

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The rows of agents are found by key, and those of one agent and interval together, whatever came and went.
func TestRowsOfAnAgentAreFoundTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := newRowTables(newNames(func(string) (int64, int64) { return 0, 0 }))
		want := map[agentQueueKey]uint32{}
		for range rapid.IntRange(0, 150).Draw(t, "steps") {
			k := agentQueueKey{
				rapid.Int64Range(0, 1).Draw(t, "start") * 15 * minuteMs, rapid.Uint32Range(1, 3).Draw(t, "agent"),
				rapid.Uint32Range(1, 6).Draw(t, "queue"), uint16(rapid.IntRange(0, 1).Draw(t, "channel")),
			}
			n := rows.agentQueues.find(k)
			if n != want[k] {
				t.Fatalf("%v is row %d, want %d", k, n, want[k])
			}
			if n == 0 {
				pair := rows.names.use("", "")
				want[k] = rows.agentQueue(k, pair, pair)
			} else if rapid.Bool().Draw(t, "free") {
				rows.freeAgentQueue(n)
				delete(want, k)
			}
		}
		for k, n := range want {
			var got []agentQueueKey
			rows.agentQueues.ofAgent(n, func(_ uint32, r *agentQueueRow) bool { got = append(got, r.key()); return true })
			others := maps.Clone(want)
			maps.DeleteFunc(others, func(o agentQueueKey, _ uint32) bool { return o.agent != k.agent || o.start != k.start })
			if len(got) != len(others) || slices.ContainsFunc(got, func(o agentQueueKey) bool { return others[o] == 0 }) {
				t.Fatalf("with %v are %v, want %v", k, got, others)
			}
		}
		if rows.agentQueues.len() != len(want) || rows.agentQueues.used != len(want) {
			t.Fatalf("%d rows and %d slots, want %d", rows.agentQueues.len(), rows.agentQueues.used, len(want))
		}
	})
}

// An agent who serves thousands of queues within one interval, as a bot does, is found as fast as any other.
func TestAnAgentInManyQueuesMakesNoCluster(t *testing.T) {
	rows := newRowTables(newNames(func(string) (int64, int64) { return 0, 0 }))
	pair := rows.names.use("", "")
	for queue := range uint32(20_000) {
		rows.agentQueue(agentQueueKey{0, 1, queue + 2, 0}, pair, pair)
	}
	x, longest, run := &rows.agentQueues.index, 0, 0
	for _, s := range x.slots {
		if run++; s.n == 0 {
			run = 0
		}
		longest = max(longest, run)
	}
	if longest > 1000 {
		t.Errorf("a probe may meet %d slots", longest)
	}
}

// What does not fit a row's narrow counts and spans is counted beside it.
func TestRowsGrowBeyondTheirFields(t *testing.T) {
	rows := newRowTables(newNames(func(string) (int64, int64) { return 0, 0 }))
	pair := rows.names.use("", "")
	n := rows.agentQueue(agentQueueKey{0, 1, 2, 0}, pair, pair)
	r := rows.agentQueues.at(n)
	add := agentQueueCells{spans: [numSpans]int64{spanTalk: 1 << 30, spanClock: 5}, counts: [numCounts]int64{countAnswered: 1}}
	for i := range int64(300) {
		rows.addCells(n, r, &add, 1)
		if c := rows.cells(n, r); c.counts[countAnswered] != i+1 || c.spans[spanTalk] != (i+1)<<30 || c.spans[spanClock] != 5*(i+1) {
			t.Fatalf("after %d: %+v", i+1, c)
		}
	}
	for range 300 {
		rows.addCells(n, r, &add, -1)
	}
	if c := rows.cells(n, r); c != (agentQueueCells{}) {
		t.Errorf("after all was taken back: %+v", c)
	}
}
