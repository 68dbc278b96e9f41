package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/transform"
)

var (
	never  = SnapshotPace{Records: math.MaxInt64, Least: math.MaxInt64}
	always = SnapshotPace{Records: 1, Every: 1, Least: 1}
)

// parts is a source that has more to tell in each run: its cursor is how many parts it has told.
type parts struct {
	all   []*factSource
	until int
}

func (s *parts) Run(ctx context.Context, cursor []byte, out ingest.Out) error {
	for n := len(cursor); n < s.until; n++ {
		for i := range s.all[n].contacts {
			c := s.all[n].contacts[i]
			if err := out.Contact(ctx, &c); err != nil {
				return err
			}
			if i%s.all[n].batch == 0 {
				if err := out.Commit(ctx, nil); err != nil {
					return err
				}
			}
		}
		for i := range s.all[n].states {
			a := s.all[n].states[i]
			if err := out.AgentState(ctx, &a); err != nil {
				return err
			}
		}
		if err := out.Commit(ctx, nil); err != nil {
			return err
		}
		for _, fact := range []string{"contact", "agent_state"} {
			if err := out.Mark(ctx, fact, s.all[n].mark); err != nil {
				return err
			}
		}
		if err := out.Commit(ctx, bytes.Repeat([]byte{'x'}, n+1)); err != nil {
			return err
		}
	}
	return nil
}

// inParts cuts a history: corrections are often in a later part than what they correct. Marks grow from part to part.
func inParts(facts *factSource, n int) *parts {
	s := &parts{}
	for i := range n {
		s.all = append(s.all, &factSource{
			contacts: facts.contacts[len(facts.contacts)*i/n : len(facts.contacts)*(i+1)/n],
			states:   facts.states[len(facts.states)*i/n : len(facts.states)*(i+1)/n],
			batch:    facts.batch, mark: facts.mark - int64(n-1-i)*3_600_000,
		})
	}
	return s
}

// snapshotting is a pipeline that is run again and again, with what its snapshots came to.
type snapshotting struct {
	*world
	t      *testing.T
	source *parts
	file   *pipelines.Pipeline
	tables *tableSink
	log    *slog.Logger
}

func newSnapshotting(t *testing.T, facts *factSource, n int) *snapshotting {
	s := &snapshotting{world: newWorld(t), t: t, log: slog.New(slog.DiscardHandler), source: inParts(facts, n), tables: newTableSink()}
	s.file = pipelineOf(t, facts, s.tables)
	s.file.Sources[0].Registration.Open = func(any, ingest.Deps) (ingest.Source, error) { return s.source, nil }
	return s
}

func (s *snapshotting) options(pace SnapshotPace, reg *prometheus.Registry) Options {
	return Options{
		Cluster: s.cluster, Registry: s.registry, Drain: true, Log: s.log, Progress: noProgress{},
		Metrics: observe.NewMetrics(reg), Snapshots: pace, Now: clock.Now,
	}
}

// drain tells the parts up to a number, and returns how many snapshots there were of each outcome.
func (s *snapshotting) drain(ctx context.Context, until int, pace SnapshotPace) map[string]int {
	s.t.Helper()
	reg := prometheus.NewRegistry()
	s.source.until = until
	err := Run(ctx, []*pipelines.Pipeline{s.file}, s.options(pace, reg))
	if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		s.t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	counts := map[string]int{}
	for _, f := range families {
		if f.GetName() == "quarterhour_snapshots_total" {
			for _, m := range f.GetMetric() {
				for _, l := range m.GetLabel() {
					if l.GetName() == "outcome" {
						counts[l.GetValue()] += int(m.GetCounter().GetValue())
					}
				}
			}
		}
	}
	return counts
}

// open is the pipeline without its stages running.
func (s *snapshotting) open() *pipeline {
	s.t.Helper()
	p, err := open(s.t.Context(), s.file, s.options(never, prometheus.NewRegistry()))
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

const shards = 6 // three partitions of two kinds of fact

func TestARestartGoesOnFromTheSnapshot(t *testing.T) {
	t.Parallel()
	facts := history(11)
	straight := newSnapshotting(t, facts, 3)
	straight.drain(t.Context(), 3, never)
	want := straight.tables.table()

	s := newSnapshotting(t, facts, 3)
	if got := s.drain(t.Context(), 1, always); got["written"] < shards || got["failed"] > 0 {
		t.Errorf("the first run: %v, want at least %d written", got, shards)
	}
	for n := 2; n <= 3; n++ {
		if got := s.drain(t.Context(), n, always); got["restored"] != shards || got["refused"] > 0 || got["written"] < shards {
			t.Errorf("run %d: %v, want %d restored and as many written", n, got, shards)
		}
	}
	if diff := cmp.Diff(want, s.tables.table()); diff != "" {
		t.Errorf("the tables differ (-one run +three runs):\n%s", diff)
	}
	if s.tables.complete != facts.mark {
		t.Errorf("complete through %d, want %d", s.tables.complete, facts.mark)
	}
	if got := s.drain(t.Context(), 3, always); got["written"] > 0 {
		t.Errorf("a run with nothing new writes snapshots: %v", got)
	}
}

// breakOff is a log that ends a run some time after a number of snapshots.
type breakOff struct {
	slog.Handler
	left  *atomic.Int64
	after time.Duration
	end   func()
}

func (b breakOff) Enabled(context.Context, slog.Level) bool { return true }
func (b breakOff) WithAttrs([]slog.Attr) slog.Handler       { return b }
func (b breakOff) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "snapshot written" && b.left.Add(-1) == 0 {
		time.AfterFunc(b.after, b.end)
	}
	return nil
}

// What is broken off between two snapshots, or within one, goes on from snapshots as from the log.
func TestInterruptionsBetweenSnapshotsLeaveNoTrace(t *testing.T) {
	t.Parallel()
	facts := history(12)
	straight := newSnapshotting(t, facts, 4)
	straight.drain(t.Context(), 4, never)

	s := newSnapshotting(t, facts, 4)
	r := rand.New(rand.NewPCG(12, 12))
	total := map[string]int{}
	for until := 1; until <= 4; until++ {
		ctx, cancel := context.WithCancel(t.Context())
		left := &atomic.Int64{}
		left.Store(1 + r.Int64N(8))
		s.log = slog.New(breakOff{slog.DiscardHandler, left, rand.N(20 * time.Millisecond), cancel})
		for outcome, k := range s.drain(ctx, until, always) {
			total[outcome] += k
		}
		cancel()
	}
	for outcome, k := range s.drain(t.Context(), 4, always) {
		total[outcome] += k
	}
	if total["restored"] == 0 || total["refused"] > 0 {
		t.Errorf("snapshots: %v", total)
	}
	if diff := cmp.Diff(straight.tables.table(), s.tables.table()); diff != "" {
		t.Errorf("-undisturbed +interrupted:\n%s", diff)
	}
}

// tamper writes a snapshot again as change leaves its sections.
func (s *snapshotting) tamper(p *pipeline, m manifest, change func(sections [][]byte) [][]byte) {
	s.t.Helper()
	ctx := s.t.Context()
	partition, err := partitionOfSections(m.Shard)
	if err != nil {
		s.t.Fatal(err)
	}
	var sections [][]byte
	err = p.cluster.ReadAll(ctx, p.topics.snapshots(), partition, m.From, m.To, func(b *broker.Batch) error {
		for _, r := range b.Records {
			if bytes.HasPrefix(r.Key, append(m.key(), '/')) {
				sections = append(sections, slices.Clone(r.Value))
			}
		}
		return nil
	})
	if err != nil || len(sections) != m.Sections {
		s.t.Fatalf("%d sections of %d, %v", len(sections), m.Sections, err)
	}
	queue := make(chan []byte, 100)
	for _, section := range change(sections) {
		queue <- section
	}
	close(queue)
	m.Sections, m.Bytes = 0, 0
	if err := p.writeSnapshot(ctx, &m, queue); err != nil {
		s.t.Fatal(err)
	}
}

func TestDamagedSnapshotsArePassedOver(t *testing.T) {
	t.Parallel()
	facts := history(13)
	straight := newSnapshotting(t, facts, 3)
	straight.drain(t.Context(), 3, never)
	want := straight.tables.table()
	flip := func(sections [][]byte) [][]byte {
		last := sections[len(sections)-1]
		last[len(last)/2] ^= 4
		return sections
	}
	cut := func(sections [][]byte) [][]byte { return sections[:len(sections)-1] }
	f := func(name string, changes []func([][]byte) [][]byte, restored, refused int) {
		t.Helper()
		s := newSnapshotting(t, facts, 3)
		s.drain(t.Context(), 1, SnapshotPace{Records: math.MaxInt64, Least: 1}) // one snapshot at each end
		s.drain(t.Context(), 2, SnapshotPace{Records: math.MaxInt64, Least: 1})
		p := s.open()
		all, err := p.manifests(t.Context(), "contact/1")
		if err != nil || len(all) != 2 || all[0].Next <= all[1].Next {
			t.Fatalf("%s: %+v, %v", name, all, err)
		}
		for i, change := range changes {
			s.tamper(p, all[i], change)
		}
		if got := s.drain(t.Context(), 3, never); got["restored"] != restored || got["refused"] != refused {
			t.Errorf("%s: %v, want %d restored and %d refused", name, got, restored, refused)
		}
		if diff := cmp.Diff(want, s.tables.table()); diff != "" {
			t.Errorf("%s: the tables differ:\n%s", name, diff)
		}
	}
	f("the newest, flipped", []func([][]byte) [][]byte{flip}, shards, 1)   // from the one before
	f("both, cut short", []func([][]byte) [][]byte{cut, cut}, shards-1, 2) // from the log alone
}

// A snapshot that covers more than is committed would hide what was never handed on.
func TestASnapshotAheadOfTheCommitIsPassedOver(t *testing.T) {
	t.Parallel()
	s := newSnapshotting(t, history(14), 1)
	s.drain(t.Context(), 1, SnapshotPace{Records: math.MaxInt64, Least: 1})
	p := s.open()
	all, err := p.manifests(t.Context(), "contact/0")
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	f := func(committed int64, used bool) {
		t.Helper()
		shard, m, err := p.restore(t.Context(), "contact/0", committed)
		if err != nil || (m != nil) != used || (shard.Counts().Read > 0) != used {
			t.Errorf("committed %d, snapshot %d: %+v, %v", committed, all[0].Next, m, err)
		}
	}
	f(all[0].Next, true)
	f(all[0].Next+5, true)
	f(all[0].Next-1, false)
}

// Records that are lost would be waited for without end.
func TestASnapshotBeyondTheEndOfItsTopicIsPassedOver(t *testing.T) {
	t.Parallel()
	s := newSnapshotting(t, history(17), 1)
	s.drain(t.Context(), 1, SnapshotPace{Records: math.MaxInt64, Least: 1})
	p := s.open()
	all, err := p.manifests(t.Context(), "contact/0")
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	f := func(name string, change func(*manifest)) {
		t.Helper()
		m := all[0]
		change(&m)
		if shard, err := p.restoreFrom(t.Context(), &m, m.Next); err == nil || shard != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	f("its end", func(m *manifest) { m.To += 1000 })
	f("its beginning", func(m *manifest) { m.From = -1 })
	f("its middle", func(m *manifest) { m.From = m.To })
	f("its partition", func(m *manifest) { m.Shard = "contact/17" })
	f("its shard", func(m *manifest) { m.Shard = "contact" })
	f("its offset", func(m *manifest) { m.Next-- })
}

// Other stages, or other settings of the intervals, make other facts of the same log.
func TestASnapshotOfOtherStagesIsPassedOver(t *testing.T) {
	t.Parallel()
	s := newSnapshotting(t, history(15), 1)
	s.drain(t.Context(), 1, SnapshotPace{Records: math.MaxInt64, Least: 1})
	f := func(name string, change func(*pipelines.Pipeline), used bool) {
		t.Helper()
		other := *s.file
		other.Stages = slices.Clone(s.file.Stages)
		change(&other)
		p, err := open(t.Context(), &other, s.options(never, prometheus.NewRegistry()))
		if err != nil {
			t.Fatal(err)
		}
		if _, m, err := p.restore(t.Context(), "contact/0", math.MaxInt64); err != nil || (m != nil) != used {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	f("the same", func(*pipelines.Pipeline) {}, true)
	f("a filter", func(p *pipelines.Pipeline) {
		p.Stages = append([]pipelines.Stage{{Options: &spec.Expr{Source: `queue_id != "q1"`}}}, p.Stages...)
	}, false)
	f("a retention", func(p *pipelines.Pipeline) { p.Retention = time.Hour }, false)
	f("a late policy", func(p *pipelines.Pipeline) {
		p.Stages[0].Options = &transform.StageOptions{Profile: transform.ProfileACD, Late: transform.LateDrop}
	}, false)
}

// Sections without a manifest are of a snapshot that was never completed.
func TestASnapshotWithoutItsManifestDoesNotExist(t *testing.T) {
	t.Parallel()
	s := newSnapshotting(t, history(16), 1)
	s.drain(t.Context(), 1, never)
	p := s.open()
	shard, err := transform.NewShard("contact/0", p.options)
	if err != nil {
		t.Fatal(err)
	}
	saver := p.newSaver(shard, nil)
	saver.begin()
	saver.advance(false)
	saver.abandon()
	if saver.under != nil {
		t.Error("the snapshot is still under way")
	}
	if all, err := p.manifests(t.Context(), "contact/0"); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	saver.begin()
	for saver.under != nil {
		saver.advance(true)
	}
	all, err := p.manifests(t.Context(), "contact/0")
	if err != nil || len(all) != 1 || all[0].Slot != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	if text, err := json.Marshal(all[0]); err != nil || !bytes.Contains(text, []byte(`"shard":"contact/0"`)) {
		t.Errorf("%s, %v", text, err)
	}
}
