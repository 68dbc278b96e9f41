package transform

import (
	"math"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
)

// Feed is one promise that rows wait for: a source, in one shard of a kind of fact that it writes.
type Feed struct{ Shard, Source, Fact string }

// RowEmitter takes merged rows. A record is only valid during the call.
type RowEmitter interface {
	Queue(*schemas.QueueInterval) error
	AgentQueue(*schemas.AgentQueueInterval) error
	Agent(*schemas.AgentInterval) error
	// Completeness comes after every row that it covers.
	Completeness(*schemas.Completeness) error
}

// FactInterval is the kind of what a source has computed itself: rows that it reports, each a partial whose shard is the source.
const FactInterval = "interval"

// ReportedShard is the shard of the rows that a source reports, as "source/mail".
func ReportedShard(source string) string { return reportedShards + source }

// ReportedBy is the source whose reported rows a shard stands for; false for the shards of facts.
func ReportedBy(shard string) (source string, ok bool) {
	return strings.CutPrefix(shard, reportedShards)
}

const reportedShards = "source/"

// Merge adds up partials: of every row it holds the newest partial of each shard. A row's revision is twice the sum of their
// revisions, plus one once it is final. Queue and agent-queue rows are final by the feeds of contacts and of reported rows, agent
// rows by all.
// Not safe for concurrent use.
type Merge struct {
	set      *settings
	err      error // of the options; Emit returns it
	feeds    []Feed
	marks    []int64 // of feeds
	shards   words
	texts    map[string]string
	horizon  int64
	complete struct{ contacts, all, told int64 }

	queues      *merged[mergedQueueKey, queueValues]
	agentQueues *merged[mergedAgentQueueKey, agentQueueValues]
	agents      *merged[mergedAgentKey, agentValues]
	out         scratch
}

// NewMerge makes an empty merge whose rows wait for the feeds.
func NewMerge(o Options, feeds []Feed) *Merge {
	m := &Merge{feeds: slices.Clone(feeds), texts: map[string]string{}, horizon: math.MinInt64}
	if m.set, m.err = o.settings(); m.err != nil {
		m.set = &settings{grid: &Grid{}}
	}
	for range feeds {
		m.marks = append(m.marks, schemas.Null)
	}
	m.complete.contacts, m.complete.all, m.complete.told = schemas.Null, schemas.Null, schemas.Null
	m.queues = newMerged(m.set.grid, func(k mergedQueueKey) int64 { return k.start }, func(k mergedQueueKey) mergedQueueKey {
		return mergedQueueKey{k.start, m.own(k.queue), m.own(k.channel)}
	}, addQueue)
	m.agentQueues = newMerged(m.set.grid, func(k mergedAgentQueueKey) int64 { return k.start }, func(k mergedAgentQueueKey) mergedAgentQueueKey {
		return mergedAgentQueueKey{k.start, m.own(k.agent), m.own(k.queue), m.own(k.channel)}
	}, addAgentQueue)
	m.agents = newMerged(m.set.grid, func(k mergedAgentKey) int64 { return k.start }, func(k mergedAgentKey) mergedAgentKey {
		return mergedAgentKey{k.start, m.own(k.agent)}
	}, addAgent)
	return m
}

// own copies a text, once for all rows that have it.
func (m *Merge) own(s string) string {
	if t, ok := m.texts[s]; ok {
		return t
	}
	s = strings.Clone(s)
	m.texts[s] = s
	return s
}

// Mark takes a shard's word that it has folded what a source promised. Sources that feed nothing any more are ignored.
func (m *Merge) Mark(s *schemas.ShardMark) {
	for i, f := range m.feeds {
		if f.Shard == s.Shard && f.Source == s.Source {
			m.marks[i] = max(m.marks[i], s.CompleteThrough)
		}
	}
}

// least is the least mark of the feeds of these kinds of fact, of all where none is given; Null where one has none, or where there
// is no feed.
func (m *Merge) least(facts ...string) int64 {
	least, found := int64(math.MaxInt64), false
	for i, f := range m.feeds {
		if len(facts) == 0 || slices.Contains(facts, f.Fact) {
			least, found = min(least, m.marks[i]), true
		}
	}
	if !found {
		return schemas.Null
	}
	return least
}

// Emit hands on every row that changed or became final since the last Emit or Discard, then how far the pipeline is complete.
// After an error everything is still to be emitted.
func (m *Merge) Emit(to RowEmitter) error {
	if m.err != nil {
		return m.err
	}
	m.advance()
	if err := m.emitRows(to); err != nil {
		return err
	}
	if m.complete.all != m.complete.told {
		err := to.Completeness(&schemas.Completeness{
			Tenant: m.set.Tenant, Pipeline: m.set.Pipeline, Timezone: m.set.grid.Zone(), IntervalSeconds: int32(m.set.grid.Size() / 1000),
			CompleteThrough: m.complete.all, Revision: m.complete.all,
		})
		if err != nil {
			return err
		}
	}
	m.settle()
	return nil
}

// Discard forgets what changed: an earlier run has written it.
func (m *Merge) Discard() {
	if m.err == nil {
		m.advance()
		m.settle()
	}
}

// advance closes the intervals that the marks complete.
func (m *Merge) advance() {
	if contacts := m.least(factContact, FactInterval); contacts != m.complete.contacts {
		m.complete.contacts = contacts
		m.queues.close(contacts - m.set.grace)
		m.agentQueues.close(contacts - m.set.grace)
	}
	if all := m.least(); all != m.complete.all {
		m.complete.all = all
		m.agents.close(all - m.set.grace)
	}
}

// slack is how much longer than shards a merge keeps rows, so that a shard that repeats itself after a restart finds them.
const slack = 2 * dayMs

func (m *Merge) settle() {
	m.complete.told = m.complete.all
	horizon := m.horizon
	if m.complete.all != schemas.Null {
		horizon = max(horizon, m.set.grid.Start(m.complete.all-m.set.retention-slack))
	}
	m.queues.settle(horizon)
	m.agentQueues.settle(horizon)
	m.agents.settle(horizon)
	m.horizon = horizon
}
