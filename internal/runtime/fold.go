package runtime

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// fold is one shard at work: it reads a partition of facts, and writes what changed to the partials topic.
type fold struct {
	p           *pipeline
	assigned    *broker.Assigned
	shard       *transform.Shard
	facts       *factDecoding
	out         *partials
	dead        []broker.Record
	fact        string
	undecodable int // facts that never reached the shard

	next      int64 // the next offset to fold
	replayTo  int64 // what lies before was handed on by an earlier run
	replaying bool
	emitted   time.Time
	saver     *saver
}

func (p *pipeline) runFold(ctx context.Context, a *broker.Assigned) error {
	fact := a.Topic()[len(p.file.Name)+1:]
	name := fact + "/" + strconv.Itoa(a.Partition())
	f := &fold{p: p, assigned: a, fact: fact, facts: &factDecoding{p: p, reader: newReader(ctx, p.registry)}, out: p.newPartials(name), replayTo: a.Committed(), emitted: p.now()}
	if err := f.open(ctx, name); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("shard %q: %w", name, err)
	}
	defer p.metrics.intervals.Lost(a.Topic(), a.Partition())
	defer f.saver.abandon()
	for ctx.Err() == nil {
		if err := f.step(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("shard %q at offset %d: %w", name, f.next, err)
		}
	}
	select {
	case <-p.ended:
		f.saver.finish(f.settled())
	default: // the partition goes to another process, which should not wait
	}
	return nil
}

// open makes the shard as it was when the last run committed: of a snapshot and the log behind it, or of the log alone.
func (f *fold) open(ctx context.Context, name string) (err error) {
	if f.next, err = f.p.firstOffset(ctx, f.assigned.Topic(), f.assigned.Partition()); err != nil {
		return err
	}
	if f.replayTo <= f.next {
		f.shard, err = transform.NewShard(name, f.p.options)
		f.saver = f.p.newSaver(f.shard, nil)
		return err
	}
	shard, from, err := f.p.restore(ctx, name, f.replayTo)
	if err != nil {
		return err
	}
	f.shard, f.saver = shard, f.p.newSaver(shard, from)
	if from != nil {
		f.next = max(f.next, from.Next)
	}
	if f.replaying = f.replayTo > f.next; f.replaying {
		f.p.log.Info("shard restores from the log", "shard", name, "from", f.next, "to", f.replayTo)
	}
	return nil
}

// settled says whether everything folded is handed on and committed.
func (f *fold) settled() bool {
	return !f.replaying && f.assigned.Committed() >= f.shard.Next()
}

// step folds one batch and, when it is time, hands on what changed and commits.
func (f *fold) step(ctx context.Context) error {
	b, err := f.assigned.Fetch(ctx, f.next)
	if err != nil {
		return err
	}
	started := f.p.now()
	before, undecodable, bytes := f.shard.Counts(), f.undecodable, 0
	for i := range b.Records {
		r := &b.Records[i]
		if r.Offset < f.next {
			continue // a broker may send a batch from its start
		}
		f.endReplay(r.Offset)
		if err := f.fold(r); err != nil {
			return err
		}
		f.next = r.Offset + 1
		bytes += len(r.Value)
	}
	f.next = max(f.next, b.Next)
	f.endReplay(f.next)
	caughtUp := f.next >= b.HighWatermark
	f.p.metrics.folded(f.fact, before, f.shard.Counts(), f.undecodable-undecodable)
	f.p.metrics.intervals.Batch(len(b.Records), bytes, f.p.now().Sub(started))
	f.p.metrics.intervals.Lag(f.assigned.Topic(), f.assigned.Partition(), b.HighWatermark-f.next)
	if f.replaying {
		return nil
	}
	if len(b.Records) > 0 {
		crash.Point(crash.FoldTaken)
	}
	if f.next > f.assigned.Committed() && f.p.due(StageIntervals, caughtUp, f.emitted) {
		if err := f.emit(ctx); err != nil {
			return err
		}
	}
	f.saver.step(f.settled())
	return nil
}

// endReplay forgets what changed while the shard was restoring: an earlier run has handed it on.
func (f *fold) endReplay(offset int64) {
	if f.replaying && offset >= f.replayTo {
		f.shard.Discard()
		f.replaying = false
		crash.Point(crash.FoldReplayed)
	}
}

// fold takes one record. Its error is about the registry; what is wrong with the record itself becomes a dead letter.
func (f *fold) fold(r *broker.Record) error {
	m, err := f.facts.decode(r)
	if err != nil {
		return err
	}
	f.shard.Arrived(m.Arrived)
	switch {
	case m.Contact != nil:
		f.settle(f.shard.Contact(m.Contact, r.Offset), r, "contact", m.Contact.Source)
	case m.State != nil:
		f.settle(f.shard.State(m.State, r.Offset), r, "agent_state", m.State.Source)
	case m.Shift != nil:
		f.settle(f.shard.Shift(m.Shift, r.Offset), r, "shift", m.Shift.Source)
	case m.Mark != nil:
		f.settle(f.shard.Mark(m.Mark, r.Offset), r, "mark", m.Mark.Source)
	default:
		f.undecodable++
		f.reject(r, m.Fact, m.Reason, m.Detail)
	}
	return nil
}

// settle puts aside what the shard refused. A mark that goes backwards is refused too, and an alert: its source broke its word,
// or lost its cursor.
func (f *fold) settle(res transform.Result, r *broker.Record, fact, source string) {
	switch {
	case res.Outcome == transform.TooLate, res.Outcome == transform.Rejected:
		f.reject(r, fact, res.Reason, res.Detail())
	case res.Reason == transform.ReasonMarkBackwards && !f.replaying:
		f.p.metrics.intervals.Error(res.Reason)
		f.p.log.Warn("a mark goes backwards", "source", source, "shard", f.shard.Name(), "detail", res.Detail())
	}
}

// reject queues a dead letter, unless an earlier run has written it.
func (f *fold) reject(r *broker.Record, fact, reason, detail string) {
	if f.replaying {
		return
	}
	f.dead = append(f.dead, f.p.deadLetterRecord(&schemas.DeadLetter{
		Stage: "transform", Fact: fact, Reason: reason, Detail: detail,
		Location: fmt.Sprintf("%s/%d@%d", f.assigned.Topic(), f.assigned.Partition(), r.Offset),
		Payload:  r.Value,
	}))
}

// emit writes what changed, and commits once that is acknowledged.
func (f *fold) emit(ctx context.Context) error {
	f.emitted = f.p.now()
	if err := f.p.produceDeadLetters(ctx, f.dead); err != nil {
		return err
	}
	if len(f.dead) > 0 {
		crash.Point(crash.LettersWritten)
	}
	f.dead = f.dead[:0]
	if err := f.shard.Emit(f.out); err != nil {
		return err
	}
	crash.Point(crash.PartialsMade)
	if err := f.out.flush(ctx); err != nil {
		return err
	}
	crash.Point(crash.PartialsWritten)
	if err := f.assigned.Commit(ctx, f.next); err != nil {
		return err
	}
	crash.Point(crash.FoldCommitted)
	return nil
}
