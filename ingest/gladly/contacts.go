package gladly

import (
	"context"
	"time"

	"github.com/quarterhour/quarterhour/ingest/flow"
)

// contacts follows contacts by the event stream. It is used by one read at a time.
type contacts struct {
	teller
	started bool // a read has ended well
}

var contactEntities = []string{"CONTACT", "CONVERSATION"}

func (c *contacts) flow() flow.Flow {
	o := c.options.Streams.Contacts
	return flow.Flow{
		Name: "conversations", Facts: []string{contactFact}, Schedule: schedule(o.Every), Window: flow.Window{Overlap: o.Overlap, Lag: o.Lag},
		Read: c.read,
	}
}

// back is how far back a new process reads, to know the contacts that are under way: as far as the report may not know yet, or, without
// one, a day.
func (c *contacts) back() time.Duration {
	w := c.options.Streams.WorkSessions
	if w.Every == 0 {
		return lookBack
	}
	return min(2*w.Lag+w.Every+time.Hour, lookBack)
}

func (c *contacts) read(ctx context.Context, r *flow.Read) error {
	if err := c.directory.load(ctx); err != nil {
		return err
	}
	from := r.From
	if early := r.To.Add(-c.back()); !c.started && early.Before(from) {
		from = early
	}
	for c.gone(from) {
		to := c.edge()
		if err := c.outage(ctx, r, from, to); err != nil {
			return err
		}
		from = to
	}
	through, err := c.events(ctx, r, from)
	if err != nil {
		return err
	}
	if r.Through.After(through) {
		r.Through = through
	}
	c.started = true
	c.book.forget(r.To.Add(-c.back()).UnixMilli())
	return nil
}

func (c *contacts) events(ctx context.Context, r *flow.Read, from time.Time) (through time.Time, err error) {
	keeper := r.Keep(ctx, "application/x-jsonlines")
	stream := eventStream{client: c.client, entities: contactEntities, progress: r.Progress, raw: keeper}
	stream.bad = func(line []byte, location, problem string) error {
		return c.reject(ctx, r, contactFact, location, problem, line)
	}
	stream.each = func(e *event) error {
		problem, err := c.take(ctx, r, e)
		if problem != "" {
			return stream.bad(e.line, stream.location(), problem)
		}
		return err
	}
	if err := keeper.End(stream.run(ctx, from, r.To)); err != nil {
		return through, err
	}
	return stream.through(r.To, c.options.Streams.Contacts.Lag), nil
}

// outage is about [from, to), of which the event stream no longer tells. The report of work sessions does; without it, that of
// timestamps.
func (c *contacts) outage(ctx context.Context, r *flow.Read, from, to time.Time) error {
	if c.options.Streams.WorkSessions.Every > 0 {
		c.deps.Log.Info("the event stream goes back one day: contacts before come from the work sessions", "from", from, "to", to)
		return nil
	}
	c.deps.Log.Info("the event stream goes back one day: contacts before come from reports", "from", from, "to", to)
	return c.days(ctx, r, from, to)
}
