package flow

import (
	"context"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
)

// Contact hands over a contact. Where its Revision is 0 the flow gives it one that grows; a contact that says what the flow handed
// over before is not written again.
func (r *Read) Contact(ctx context.Context, c *schemas.Contact) error { return r.hand(ctx, c) }

// AgentState hands over a state, with revisions as contacts have them.
func (r *Read) AgentState(ctx context.Context, a *schemas.AgentState) error { return r.hand(ctx, a) }

// Shift hands over a shift, with revisions as contacts have them.
func (r *Read) Shift(ctx context.Context, s *schemas.Shift) error { return r.hand(ctx, s) }

// Worker hands over a person's ids, with revisions as contacts have them.
func (r *Read) Worker(ctx context.Context, w *schemas.Worker) error { return r.hand(ctx, w) }

// QueueInterval hands over a row that the vendor has computed, with revisions as contacts have them.
func (r *Read) QueueInterval(ctx context.Context, i *schemas.QueueInterval) error {
	return r.hand(ctx, i)
}

// AgentQueueInterval hands over a row that the vendor has computed, with revisions as contacts have them.
func (r *Read) AgentQueueInterval(ctx context.Context, i *schemas.AgentQueueInterval) error {
	return r.hand(ctx, i)
}

// AgentInterval hands over a row that the vendor has computed, with revisions as contacts have them.
func (r *Read) AgentInterval(ctx context.Context, i *schemas.AgentInterval) error {
	return r.hand(ctx, i)
}

// hand hands over a fact that is new, or says something new.
func (r *Read) hand(ctx context.Context, fact any) error {
	w := r.worker
	n := w.run
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.usable(ctx); err != nil {
		return err
	}
	s, err := n.describe(fact)
	if err != nil {
		return err
	}
	m := n.memory(s.kind)
	key := hashOf(s)
	it, known := m.items[key]
	repeated := known && it.content == s.content
	if !repeated {
		given := *s.revision
		if given == 0 {
			*s.revision = n.revise()
		}
		n.cursor.Revision = max(n.cursor.Revision, *s.revision)
		it.content, it.second = s.content, second(s.at)
		err := n.write(n.ctx, fact)
		*s.revision = given
		if err != nil {
			return n.fail(err)
		}
		w.counts.Handed++
	} else {
		w.counts.Repeated++
	}
	if !known {
		it.owner = n.ownerOf(s)
	}
	it.flow, it.touched = w.number, w.reads
	if it.owner == w.number {
		it.seen = r.number
	}
	m.items[key] = it
	m.shed(s.at)
	return nil
}

// Reject dead-letters an input.
func (r *Read) Reject(ctx context.Context, d *schemas.DeadLetter) error {
	n := r.worker.run
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.usable(ctx); err != nil {
		return err
	}
	if d.Fact == "" && len(r.worker.flow.Facts) > 0 {
		d.Fact = r.worker.flow.Facts[0]
	}
	r.worker.counts.Rejected++
	r.Partial = true
	if err := n.out.Reject(n.ctx, d); err != nil {
		return n.fail(err)
	}
	return nil
}

// Progress shows how far the read is. Total is 0 where unknown.
func (r *Read) Progress(done, total int64, unit string) { r.worker.progress(done, total, unit) }

// Commit returns when the log has what was handed over so far, with State as it is now, and with Through where the read has set it: for
// reads that listen, and for long ones that should not start anew after a crash.
func (r *Read) Commit(ctx context.Context) error {
	w := r.worker
	n := w.run
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.usable(ctx); err != nil {
		return err
	}
	p := w.position
	p.setState(r.State)
	if !r.Through.Equal(r.preset) {
		w.complete(r.Through)
	}
	if w.flow.Schedule.listens() {
		p.Read, p.Error, p.FailedAt = n.watch.Now().UTC(), "", time.Time{}
		w.reads++ // each commit of one that listens is as a read of the others
		w.report("ok")
		n.forget()
	}
	return n.commit()
}
