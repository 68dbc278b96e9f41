package gladly

import (
	"context"
	"log/slog"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/schemas"
)

// source is one organisation.
type source struct {
	options   *Options
	deps      ingest.Deps
	client    *client
	directory *directory
	listening func(address string) // told where the webhook listens; nil: nobody
}

func open(o *Options, d ingest.Deps) (ingest.Source, error) { return newSource(o, d) }

func newSource(o *Options, d ingest.Deps) (*source, error) {
	if d.Watch == nil {
		d.Watch = clock.Wall
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	c, err := newClient(o, d)
	if err != nil {
		return nil, err
	}
	return &source{options: o, deps: d, client: c, directory: &directory{client: c}}, nil
}

// Run reads the streams until ctx ends.
func (g *source) Run(ctx context.Context, cursor []byte, out ingest.Out) error {
	defer g.client.close()
	s := &g.options.Streams
	var flows []flow.Flow
	if s.Agents.Every > 0 {
		flows = append(flows, g.agentsFlow())
	}
	if s.Statuses.Every > 0 {
		flows = append(flows, (&statuses{source: g}).flow())
	}
	if g.options.contactsWanted() {
		b := newBook(g.options, g.directory)
		if s.Contacts.Every > 0 {
			flows = append(flows, (&contacts{teller: teller{source: g, book: b}}).flow())
		}
		if s.WorkSessions.Every > 0 {
			flows = append(flows, (&reader{source: g, book: b}).flow())
		}
		if g.options.Webhook.on() {
			flows = append(flows, (&hook{teller: teller{source: g, book: b}, deliveries: make(chan *delivery)}).flow())
		}
	}
	return flow.Run(ctx, flows, cursor, out, flow.Options{Deps: g.deps, KeepRaw: g.options.KeepRaw})
}

// gone says that the event stream no longer goes back to an instant.
func (g *source) gone(from time.Time) bool { return from.Before(g.deps.Watch.Now().Add(-reach)) }

// edge is where reports leave off and events go on: an hour later than must be, since reports take a while, in which the stream moves on.
func (g *source) edge() time.Time { return g.deps.Watch.Now().Add(time.Hour - reach) }

// schedule spreads sources over the time between two reads, so that they do not all ask at the full minute.
func schedule(every time.Duration) flow.Schedule {
	return flow.Schedule{Every: every, Jitter: min(every/10, time.Minute)}
}

// reject dead-letters an input: where it stood, what is wrong, and the input.
func (g *source) reject(ctx context.Context, r *flow.Read, fact, location, problem string, payload []byte) error {
	return r.Reject(ctx, &schemas.DeadLetter{
		Fact: fact, Reason: "unreadable", Detail: "the input " + problem, Location: g.deps.Name + ", " + location, Payload: append([]byte(nil), payload...),
	})
}
