package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/transform"
)

// SnapshotPace is how often shards write snapshots. A snapshot is written when enough is new for it to be worth its bytes: in the
// long run the snapshots of a shard are not larger than a few times its log. What is zero is as in defaultPace.
type SnapshotPace struct {
	Records int64         // at the latest after so many records of the log, or half of what the shard retains if that is more
	Every   time.Duration // and after so long, once Least records are new, or a tenth of what it retains if that is more
	Least   int64         // an orderly end is as good as Every
}

// A second reads a million records of the log: with fewer new ones than Least, a snapshot would not pay.
var defaultPace = SnapshotPace{Records: 1_000_000, Every: 10 * time.Minute, Least: 300_000}

func (o SnapshotPace) complete() SnapshotPace {
	if o.Records == 0 {
		o.Records = defaultPace.Records
	}
	if o.Every == 0 {
		o.Every = defaultPace.Every
	}
	if o.Least == 0 {
		o.Least = defaultPace.Least
	}
	return o
}

const (
	snapshotStep     = 20_000           // facts written between two batches: a few milliseconds
	snapshotPatience = 10 * time.Second // how long an orderly end waits for a snapshot
)

// saver writes the snapshots of one shard beside its folding. Whatever fails here costs a longer replay at the next start, and
// is never a reason to stop.
type saver struct {
	p      *pipeline
	shard  *transform.Shard
	last   int64 // the log's offset behind the last snapshot that was begun
	lastAt time.Time
	slot   int // the next one to write
	under  *writing
}

func (p *pipeline) newSaver(shard *transform.Shard, from *manifest) *saver {
	s := &saver{p: p, shard: shard, lastAt: p.now()}
	if from != nil {
		s.last, s.slot = from.Next, (from.Slot+1)%slots
	}
	return s
}

// step goes on with the snapshot under way, or begins one if it is time; settled says whether one can begin.
func (s *saver) step(settled bool) {
	if s.under == nil && settled && s.due(false) {
		s.begin()
	}
	if s.under != nil {
		s.advance(false)
	}
}

func (s *saver) due(end bool) bool {
	fresh, retained := s.shard.Next()-s.last, int64(s.shard.Counts().Retained)
	pace := s.p.snapshots
	if fresh >= max(pace.Records, retained/2) {
		return true
	}
	return fresh >= max(pace.Least, retained/10) && (end || s.p.now().Sub(s.lastAt) >= pace.Every)
}

// finish completes the snapshot under way, or writes one if much is new, for a bounded time.
func (s *saver) finish(settled bool) {
	if s.under == nil && settled && s.due(true) {
		s.begin()
	}
	if s.under == nil {
		return
	}
	stop := time.AfterFunc(snapshotPatience, s.under.cancel)
	defer stop.Stop()
	for s.under != nil {
		s.advance(true)
	}
}

// abandon ends the snapshot under way, if any, without a manifest: it will not have existed.
func (s *saver) abandon() {
	if w := s.under; w != nil {
		w.cancel()
		s.ended(<-w.result)
	}
}

// writing is one snapshot: the fold's goroutine encodes it step by step, another one writes it.
type writing struct {
	snapshot *transform.Snapshot
	manifest manifest
	encoded  bool
	waiting  [][]byte // sections for which the queue had no room
	queue    chan []byte
	result   chan error
	cancel   context.CancelFunc

	begun   time.Time
	longest time.Duration // that the folding stood still
}

func (s *saver) begin() {
	started := s.p.now()
	s.last, s.lastAt = s.shard.Next(), started
	snapshot, err := s.shard.Snapshot()
	if err != nil {
		s.p.log.Error("snapshot not begun", "shard", s.shard.Name(), "error", err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background()) // an orderly end finishes what is under way
	s.under = &writing{
		snapshot: snapshot, queue: make(chan []byte, 4), result: make(chan error, 1), cancel: cancel, begun: started,
		manifest: manifest{Shard: s.shard.Name(), Slot: s.slot, Next: snapshot.Next(), Facts: s.shard.Counts().Retained, Stages: s.p.stagesPrint()},
	}
	go func(w *writing) { w.result <- s.p.writeSnapshot(ctx, &w.manifest, w.queue) }(s.under)
	s.under.longest = s.p.now().Sub(started)
}

// advance encodes what the writer can take, and hears of its end. wait says to wait for the writer.
func (s *saver) advance(wait bool) {
	w := s.under
	for len(w.waiting) > 0 || w.encoded {
		var queue chan []byte
		var next []byte
		if len(w.waiting) > 0 {
			queue, next = w.queue, w.waiting[0]
		}
		if !wait {
			select {
			case err := <-w.result:
				s.ended(err)
				return
			case queue <- next:
			default:
				return
			}
		} else {
			select {
			case err := <-w.result:
				s.ended(err)
				return
			case queue <- next:
			}
		}
		if w.waiting = w.waiting[1:]; len(w.waiting) == 0 && w.encoded {
			close(w.queue)
		}
	}
	started := s.p.now()
	var err error
	w.encoded, err = w.snapshot.Step(snapshotStep, func(section []byte) error { w.waiting = append(w.waiting, section); return nil })
	if err != nil {
		w.cancel() // what follows is the writer's end, without a manifest
		w.encoded, w.waiting = true, nil
	}
	w.longest = max(w.longest, s.p.now().Sub(started))
}

func (s *saver) ended(err error) {
	w := s.under
	s.under = nil
	w.snapshot.Abandon()
	w.cancel()
	log := s.p.log.With("shard", w.manifest.Shard, "offset", w.manifest.Next)
	switch {
	case errors.Is(err, context.Canceled):
		log.Info("snapshot abandoned")
	case err != nil:
		s.p.metrics.Snapshot("failed")
		log.Warn("snapshot not written", "error", err)
	default:
		s.slot = (s.slot + 1) % slots
		s.p.metrics.Snapshot("written")
		log.Info("snapshot written", "facts", w.manifest.Facts, "bytes", w.manifest.Bytes, "took", s.p.now().Sub(w.begun), "longest_stop", w.longest)
	}
}

// writeSnapshot writes the sections from the queue, and when that is closed the manifest.
func (p *pipeline) writeSnapshot(ctx context.Context, m *manifest, queue <-chan []byte) error {
	partition, err := partitionOfSections(m.Shard)
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case section, more := <-queue:
			if !more {
				crash.Point(crash.SectionsWritten)
				return p.writeManifest(ctx, m)
			}
			record := broker.Record{Key: m.sectionKey(m.Sections), Value: section, Time: p.now()}
			at, err := p.producer.Produce(ctx, p.topics.snapshots(), partition, []broker.Record{record})
			switch {
			case err != nil:
				return err
			case at < 0:
				return fmt.Errorf("the broker does not know where section %d is", m.Sections)
			case m.Sections == 0:
				m.From = at
			}
			m.Sections, m.To, m.Bytes = m.Sections+1, at+1, m.Bytes+int64(len(section))
			crash.Point(crash.SectionWritten)
		}
	}
}

func (p *pipeline) writeManifest(ctx context.Context, m *manifest) error {
	m.Written = p.now().UnixMilli()
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = p.producer.Produce(ctx, p.topics.snapshots(), 0, []broker.Record{{Key: m.key(), Value: text, Time: p.now()}})
	crash.Point(crash.ManifestWritten)
	return err
}
