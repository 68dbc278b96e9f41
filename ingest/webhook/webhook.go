package webhook

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/ingest/rows"
	"github.com/quarterhour/quarterhour/ingest/webhook/receive"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/expression"
)

const (
	// posts is the name of the one flow of a webhook in its cursor and its metrics.
	posts = "posts"
	// groupRecords is how many records are handed over before the log is asked to acknowledge them.
	groupRecords = 50_000
	// patience is how long requests that were taken before the end may take.
	patience = 5 * time.Second
	// rest is how long senders are sent away unheard after the log has failed.
	rest = 2 * time.Second
)

// source listens at one path.
type source struct {
	options *Options
	deps    ingest.Deps
	mapping *rows.Mapping
	paths   [][]string
	scanner *rows.Scanner
	taken   chan *post // from requests to the loop that writes

	out     ingest.Out
	cursor  *flow.Cursor
	healthy time.Time // since when the log has taken everything
	failed  time.Time // when it last failed; zero: it has not
	opened  func(address string)
}

func open(o *Options, d ingest.Deps) (*source, error) {
	s := &source{options: o, deps: d, taken: make(chan *post), opened: func(string) {}}
	if s.deps.Watch == nil {
		s.deps.Watch = clock.Wall
	}
	zone := o.Zone
	if zone == nil {
		zone = d.Zone
	}
	columns := &expression.Open{}
	s.mapping = rows.NewMapping(&o.Rows, columns, zone)
	s.paths = columns.Paths
	s.scanner = rows.NewScanner(columns.Paths, o.NullValues)
	return s, s.mapping.Err()
}

// Run listens until ctx ends, and then answers the requests that it has. Draining, there is nothing to read.
func (s *source) Run(ctx context.Context, stored []byte, out ingest.Out) error {
	if s.deps.Drain {
		return nil
	}
	var err error
	if s.cursor, err = flow.ParseCursor(stored); err != nil {
		return err
	}
	if s.cursor.Flows[posts] == nil {
		s.cursor.Flows[posts] = &flow.Position{}
	}
	listener, err := receive.Open(&s.options.Listening, s.deps.Log)
	if err != nil {
		return err
	}
	s.opened(listener.Addr())
	s.out, s.healthy = out, s.deps.Watch.Now()
	served := make(chan error, 1)
	go func() { served <- listener.Serve(ctx, s.request) }()
	// What was taken is written to its end: the context of the writing outlives that of the run by patience.
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(patience, stop) })()
	err = s.loop(ctx, writing, served)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// loop writes what requests bring, and promises.
func (s *source) loop(ctx, writing context.Context, served <-chan error) error {
	ticks := make(chan time.Time)
	if kinds := s.options.Rows.Facts(); s.options.Complete == "lateness" && len(kinds) > 0 {
		go s.tick(ctx, ticks)
	}
	for {
		select {
		case err := <-served:
			return err
		case p := <-s.taken:
			if s.away() {
				p.done <- errAway
			} else {
				s.group(writing, p)
			}
		case now := <-ticks:
			s.promise(writing, now)
		}
	}
}

// tick says when to promise.
func (s *source) tick(ctx context.Context, ticks chan<- time.Time) {
	every := min(time.Minute, max(s.options.Lateness/4, time.Second))
	for s.deps.Watch.Sleep(ctx, every) == nil {
		select {
		case ticks <- s.deps.Watch.Now():
		case <-ctx.Done():
		}
	}
}

// group writes a request, and those that came while the one before was written, and answers all of them.
func (s *source) group(ctx context.Context, p *post) {
	var group []*post
	var counts ingest.FlowCounts
	var err error
	for records := 0; p != nil; {
		group = append(group, p)
		if err = s.take(ctx, p); err != nil {
			break
		}
		counts.Handed += int64(p.result.Accepted)
		counts.Rejected += int64(p.result.refusals)
		if records += p.result.Records; records >= groupRecords {
			break
		}
		select {
		case p = <-s.taken:
		default:
			p = nil
		}
	}
	if err == nil {
		err = s.commit(ctx)
	}
	s.note(err, counts)
	for _, p := range group {
		p.done <- err
	}
}

// commit makes what was handed over safe.
func (s *source) commit(ctx context.Context) error {
	s.cursor.Flows[posts].Read = s.deps.Watch.Now().UTC()
	return s.out.Commit(ctx, s.cursor.Encode())
}

// note keeps in mind whether the log takes what it is given.
func (s *source) note(err error, counts ingest.FlowCounts) {
	now := s.deps.Watch.Now()
	outcome := "ok"
	switch {
	case err != nil:
		s.deps.Log.Warn("the log did not take what was posted: senders are asked to come again", "err", err)
		s.failed, outcome = clock.Now(), "failed"
	case !s.failed.IsZero():
		s.failed, s.healthy = time.Time{}, now
	}
	if m := s.deps.Metrics; m != nil {
		behind := time.Duration(-1)
		if through := s.cursor.Flows[posts].Through; !through.IsZero() {
			behind = now.Sub(through)
		}
		m.Flow(posts, outcome, behind, counts)
	}
}

// away says that the log has failed just now.
func (s *source) away() bool { return !s.failed.IsZero() && clock.Since(s.failed) < rest }

// promise says how far senders have delivered: lateness before now. Not so soon after we or the log were away, since they have still
// to repeat what they could not post meanwhile.
func (s *source) promise(ctx context.Context, now time.Time) {
	through := now.Add(-s.options.Lateness).Truncate(time.Millisecond).UTC()
	position := s.cursor.Flows[posts]
	if through.Before(s.healthy) || !through.After(position.Through) || s.away() {
		return
	}
	before := position.Through
	position.Through = through
	err := s.commit(ctx)
	for _, kind := range s.options.Rows.Facts() {
		if err == nil {
			err = s.out.Mark(ctx, kind, through.UnixMilli())
		}
		if err == nil {
			s.cursor.Marks[kind] = through.UnixMilli()
		}
	}
	if err != nil {
		position.Through = before
	}
	s.note(err, ingest.FlowCounts{})
}

// revise is a revision greater than all before.
func (s *source) revise() int64 {
	s.cursor.Revision = max(s.cursor.Revision+1, s.deps.Watch.Now().UnixMilli())
	return s.cursor.Revision
}

var errAway = &receive.Refusal{Status: http.StatusServiceUnavailable, RetryAfter: 5 * time.Second, Detail: "the records could not be stored in time: send them again"}

// request takes the records apart, and waits until they are in the log. It runs once per request, many at a time.
func (s *source) request(ctx context.Context, r *receive.Request) error {
	p, err := s.read(r)
	if err != nil {
		return err
	}
	select {
	case s.taken <- p:
	case <-ctx.Done():
		return errAway
	}
	select {
	case err = <-p.done:
	case <-ctx.Done():
		r.Keep() // the loop may be reading it
		return errAway
	}
	var refusal *receive.Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case err != nil:
		return errAway
	case p.refusal != nil:
		return p.refusal
	}
	r.Answer.Body = p.result.encode()
	return nil
}
