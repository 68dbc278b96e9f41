package runtime

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/identity"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// flushRecords and flushBytes bound what a source has in flight: enough to fill batches, little enough to stay in cache.
const (
	flushRecords = 2_000
	flushBytes   = 512 << 10
)

// out is the ingest.Out of one source: it encodes facts into per-partition batches and writes them while the source goes on
// reading. At most one write is under way, so the order of facts within a partition is the order they were handed over in.
type out struct {
	p      *pipeline
	source string
	cursor *cursors
	grid   *transform.Grid // of reported rows; nil until there is one

	filling, writing *facts
	written          chan error // the write under way; nil where none is
	stage            *observe.Stage
}

// facts is one run of encoded records by topic and partition, all in one arena.
type facts struct {
	arena    []byte
	messages map[string][][]message
	dead     []broker.Record
	records  int
}

// message is where a record's key and value stand in the arena, which may still move while it grows.
type message struct{ from, keyEnd, to int }

func (p *pipeline) newOut(source string, c *cursors) *out {
	return &out{p: p, source: source, stage: p.metrics.Stage(StageIngest, source), cursor: c, filling: p.newFacts(), writing: p.newFacts()}
}

func (p *pipeline) newFacts() *facts {
	f := &facts{messages: map[string][][]message{}}
	for _, k := range append([]string{workerTopic, transform.FactInterval}, factKinds...) {
		f.messages[k] = make([][]message, p.file.Partitions)
	}
	return f
}

func (f *facts) add(kind string, partition, keyEnd, from int) {
	f.messages[kind][partition] = append(f.messages[kind][partition], message{from, keyEnd, len(f.arena)})
	f.records++
}

func (f *facts) full() bool { return f.records >= flushRecords || len(f.arena) >= flushBytes }

func (f *facts) reset() {
	f.arena, f.dead, f.records = f.arena[:0], f.dead[:0], 0
	for _, partitions := range f.messages {
		for i := range partitions {
			partitions[i] = partitions[i][:0]
		}
	}
}

// Contact buffers a copy of the fact.
func (o *out) Contact(ctx context.Context, c *schemas.Contact) error {
	c.Tenant, c.Source = o.p.file.Tenant, o.source
	return addFact(ctx, o, contactTopic, c.InteractionID, o.p.write.contact, c)
}

// AgentState buffers a copy of the fact.
func (o *out) AgentState(ctx context.Context, a *schemas.AgentState) error {
	a.Tenant, a.Source = o.p.file.Tenant, o.source
	return addFact(ctx, o, agentStateTopic, a.AgentID, o.p.write.agentState, a)
}

// Shift buffers a copy of the fact. It goes where the states of its agent go, so that one shard has both.
func (o *out) Shift(ctx context.Context, s *schemas.Shift) error {
	s.Tenant, s.Source = o.p.file.Tenant, o.source
	return addFact(ctx, o, agentStateTopic, s.AgentID, o.p.write.shift, s)
}

// Worker buffers a copy of a person's ids. The address and the tag are part of the message's key, so that compaction keeps the last
// record of each that an id has had: they tell that it belonged to somebody else before.
func (o *out) Worker(ctx context.Context, w *schemas.Worker) error {
	w.Tenant, w.Source, w.Email, w.Tag = o.p.file.Tenant, o.source, identity.Normal(w.Email), identity.Normal(w.Tag)
	return addFact(ctx, o, workerTopic, w.Source+"\x00"+w.WorkerID+"\x00"+w.Email+"\x00"+w.Tag, o.p.write.worker, w)
}

// addFact encodes a fact into the batch of its partition, which follows from the tenant and the id.
func addFact[T schemas.Record](ctx context.Context, o *out, topic, id string, w writer[T], fact *T) error {
	f := o.filling
	from := len(f.arena)
	f.arena = appendKey(f.arena, o.p.file.Tenant, id)
	keyEnd := len(f.arena)
	partition := broker.Partition(f.arena[from:keyEnd], o.p.file.Partitions)
	f.arena = w.append(f.arena, fact)
	f.add(topic, partition, keyEnd, from)
	return o.flushIfFull(ctx)
}

// appendKey is the message key of a fact: what it is partitioned by.
func appendKey(dst []byte, tenant, id string) []byte {
	dst = append(dst, tenant...)
	dst = append(dst, 0)
	return append(dst, id...)
}

// Reject dead-letters an input of the source.
func (o *out) Reject(ctx context.Context, d *schemas.DeadLetter) error {
	d.Stage, d.Source = "ingest", o.source
	o.filling.dead = append(o.filling.dead, o.p.deadLetterRecord(d))
	o.filling.records++
	return o.flushIfFull(ctx)
}

func (o *out) flushIfFull(ctx context.Context) error {
	if !o.filling.full() {
		return nil
	}
	return o.flush(ctx)
}

// flush waits for the write under way and starts the next.
func (o *out) flush(ctx context.Context) error {
	if err := o.wait(); err != nil {
		return err
	}
	if o.filling.records == 0 {
		return nil
	}
	o.filling, o.writing = o.writing, o.filling
	o.filling.reset()
	done := make(chan error, 1)
	o.written = done
	go func(f *facts) { done <- o.produce(ctx, f) }(o.writing)
	return nil
}

func (o *out) wait() error {
	if o.written == nil {
		return nil
	}
	err := <-o.written
	o.written = nil
	return err
}

func (o *out) produce(ctx context.Context, f *facts) error {
	p := o.p
	started := p.now()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		err := p.produceDeadLetters(ctx, f.dead)
		if len(f.dead) > 0 {
			crash.Point(crash.RejectsWritten)
		}
		return err
	})
	for kind, partitions := range f.messages {
		for n, messages := range partitions {
			if len(messages) == 0 {
				continue
			}
			group.Go(func() error {
				records := make([]broker.Record, len(messages))
				for i, m := range messages {
					records[i] = broker.Record{Key: f.arena[m.from:m.keyEnd], Value: f.arena[m.keyEnd:m.to], Time: started}
				}
				_, err := p.producer.Produce(ctx, p.topics.fact(kind), n, records)
				crash.Point(crash.FactsAppended)
				return err
			})
		}
	}
	err := group.Wait()
	if err == nil {
		crash.Point(crash.FactsFlushed)
		o.stage.Batch(f.records, len(f.arena), p.now().Sub(started))
		o.stage.Written(f.records, len(f.arena))
	}
	return err
}

// Commit returns once everything handed over is in the log, and stores the cursor after it.
func (o *out) Commit(ctx context.Context, cursor []byte) error {
	if err := o.flush(ctx); err != nil {
		return err
	}
	if err := o.wait(); err != nil {
		return err
	}
	return o.cursor.store(ctx, o.source, cursor)
}

// Mark writes the promise to every partition of the kind's topic.
func (o *out) Mark(ctx context.Context, fact string, completeThrough int64) error {
	if err := o.flush(ctx); err != nil {
		return err
	}
	if err := o.wait(); err != nil {
		return err
	}
	crash.Point(crash.MarkDue)
	if fact == transform.FactInterval {
		return o.markReported(ctx, completeThrough)
	}
	m := schemas.Mark{Tenant: o.p.file.Tenant, Source: o.source, Fact: fact, CompleteThrough: completeThrough}
	record := broker.Record{Key: appendKey(nil, o.p.file.Tenant, "\x00mark\x00"+o.source), Value: o.p.write.mark.append(nil, &m), Time: o.p.now()}
	return o.promise(ctx, o.p.topics.fact(fact), record)
}

// promise writes a mark to every partition of a topic.
func (o *out) promise(ctx context.Context, topic string, mark broker.Record) error {
	for n := range o.p.file.Partitions {
		if _, err := o.p.producer.Produce(ctx, topic, n, []broker.Record{mark}); err != nil {
			return err
		}
		crash.Point(crash.MarkAppended)
	}
	crash.Point(crash.MarkWritten)
	return nil
}
