package gladly

import (
	"bytes"
	"context"
	"time"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/schemas"
)

// statuses reads how the agents stand. It is used by one read at a time.
type statuses struct {
	*source
	tracker *tracker
	state   []byte // that the tracker corresponds to; else it is made anew
}

var statusEntities = []string{"AGENT_STATUS", "AGENT_AVAILABILITY"}

func (s *statuses) flow() flow.Flow {
	o := s.options.Streams.Statuses
	return flow.Flow{
		Name: "statuses", Facts: []string{stateFact}, Schedule: schedule(o.Every),
		Window: flow.Window{Start: begin(o.Start, s.deps.Zone), Overlap: o.Overlap, Lag: o.Lag},
		Read:   s.read,
	}
}

// read hands over the states that follow from the events of a window. Where the window begins more than a day ago, reports tell what
// the event stream no longer does.
func (s *statuses) read(ctx context.Context, r *flow.Read) error {
	if err := s.directory.load(ctx); err != nil {
		return err
	}
	from, err := s.take(r)
	if err != nil {
		return err
	}
	defer func() { s.state = r.State }() // of a read that fails, what the tracker took in is not in the log: see ready
	s.tracker.give = func(agent string, d derived) error { return r.AgentState(ctx, s.fact(agent, d)) }
	late := s.tracker.late
	for s.gone(from) {
		to := s.edge()
		s.deps.Log.Info("the event stream goes back one day: what lies before is read from reports", "from", from, "to", to)
		if err := s.outage(ctx, r, from, to); err != nil {
			return s.broken(err)
		}
		from = to
	}
	through, err := s.events(ctx, r, from)
	if err != nil {
		return s.broken(err)
	}
	if r.Through.After(through) {
		r.Through = through
	}
	if n := s.tracker.late - late; n > 0 {
		s.deps.Log.Warn("events came later than streams.statuses.lateness: the states after them stand as they were", "events", n)
	}
	state, err := s.tracker.save()
	if err != nil {
		return s.broken(err)
	}
	r.State = state
	return nil
}

// take makes the tracker ready, and says from when on events are needed. In a new process that is earlier than the window: for
// what may still change, and, on the very first read, for how the agents stood before it.
func (s *statuses) take(r *flow.Read) (from time.Time, err error) {
	if s.tracker != nil && bytes.Equal(s.state, r.State) {
		return r.From, nil
	}
	s.tracker = newTracker(&s.options.States, s.options.Streams.Statuses.Lateness.Milliseconds())
	if err := s.tracker.restore(r.State, s.options.Streams.Statuses.Overlap.Milliseconds()); err != nil {
		return from, err
	}
	from = r.From
	if day := r.To.Add(-lookBack); len(r.State) == 0 && from.After(day) {
		from = day
	}
	if floor := time.UnixMilli(s.tracker.floor).Add(-s.options.Streams.Statuses.Overlap); s.tracker.floor != schemas.Null && from.After(floor) {
		from = floor
	}
	return from, nil
}

// broken forgets a tracker that took in what may not reach the log.
func (s *statuses) broken(err error) error {
	s.tracker = nil
	return err
}

func (s *statuses) events(ctx context.Context, r *flow.Read, from time.Time) (through time.Time, err error) {
	keeper := r.Keep(ctx, "application/x-jsonlines")
	stream := eventStream{
		client: s.client, entities: statusEntities, progress: r.Progress, raw: keeper,
		bad: func(line []byte, location, problem string) error {
			return s.reject(ctx, r, stateFact, location, problem, line)
		},
	}
	stream.each = func(e *event) error {
		problem, err := s.tracker.take(e)
		if problem != "" {
			return stream.bad(e.line, stream.location(), problem)
		}
		return err
	}
	if err := keeper.End(stream.run(ctx, from, r.To)); err != nil {
		return through, err
	}
	through = stream.through(r.To, s.options.Streams.Statuses.Lag)
	// Where nothing happened for long, a restart need not read back to what did.
	if err := s.tracker.advance(through.UnixMilli()); err != nil {
		return through, err
	}
	return through, nil
}

func (s *statuses) fact(agent string, d derived) *schemas.AgentState {
	return &schemas.AgentState{
		AgentID: agent, AgentName: s.directory.agent(agent), StateID: stateID(d.at), StartedAt: d.at, EndedAt: schemas.Null,
		State: d.state, Reason: d.reason,
	}
}
