package gladly

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/schemas"
)

// reach is how far back events can be asked for: the vendor says 24 hours, and the request takes a while.
const reach = 24*time.Hour - 10*time.Minute

// lookBack is how far back a first read asks: so that the stream still reaches back there when the request is made.
const lookBack = reach - 10*time.Minute

// eventStream asks for the events recorded in a window. The vendor filters by when events were recorded; whether both ends belong to the
// window is not documented, which is why windows overlap.
type eventStream struct {
	client   *client
	entities []string
	each     func(e *event) error
	bad      func(line []byte, location, problem string) error
	progress func(done, total int64, unit string)
	raw      *flow.Keeper // of the lines; nil: nobody keeps them

	event event
	lines int64
	last  int64 // when the last good event was recorded; Null before the first
	clock time.Time
}

// maxCuts is how often a stream may end early without having got any further.
const maxCuts = 4

// run reads the whole window. A stream that is cut is asked for again from the last good event on.
func (s *eventStream) run(ctx context.Context, from, to time.Time) error {
	s.last = schemas.Null
	start := from
	for cuts := 0; ; {
		before := s.last
		cut, err := s.once(ctx, start, to, from)
		if err != nil || !cut {
			return err
		}
		if cuts++; s.last > before {
			start, cuts = time.UnixMilli(s.last), 0
		}
		if cuts >= maxCuts {
			return fmt.Errorf("the event stream from %s on was cut %d times without getting any further: it is asked for again later", query(start), cuts)
		}
		s.client.log.Info("the event stream was cut and is asked for again", "from", query(start))
		if err := s.client.watch.Sleep(ctx, time.Duration(cuts)*time.Second); err != nil {
			return err
		}
	}
}

// once makes one request and reports whether the answer was cut.
func (s *eventStream) once(ctx context.Context, start, to, from time.Time) (cut bool, err error) {
	if !start.Before(to) {
		return false, nil // the vendor refuses an empty window
	}
	q := url.Values{"startAt": {query(start)}, "endAt": {query(to)}, "entities": s.entities}
	resp, err := s.client.do(ctx, &httpcall.Request{
		Method: http.MethodGet, Path: "events?" + q.Encode(), Operation: getBudget, Header: http.Header{"Accept": {"application/x-jsonlines"}},
	})
	if err != nil {
		return false, err
	}
	defer func() { _ = resp.Body.Close() }()
	s.clock, _ = http.ParseTime(resp.Header.Get("Date"))
	lines := newLines(resp.Body)
	for {
		line, whole, tooLong, err := lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			if ctx.Err() != nil {
				return false, ctx.Err()
			}
			return true, nil // a connection that broke is a stream that was cut
		case len(line) == 0:
			continue
		}
		if cut, err = s.line(line, whole, tooLong); cut || err != nil {
			return cut, err
		}
		if s.lines%50_000 == 0 && s.last != schemas.Null {
			s.progress(int64(time.UnixMilli(s.last).Sub(from)/time.Minute), int64(to.Sub(from)/time.Minute), "minutes")
		}
	}
}

func (s *eventStream) line(line []byte, whole, tooLong bool) (cut bool, err error) {
	s.lines++
	if tooLong {
		return false, s.bad(line, s.location(), "is longer than 1 MiB")
	}
	problem := s.event.parse(line)
	if problem != "" && !whole {
		return true, nil
	}
	if err := s.keep(line); err != nil {
		return false, err
	}
	if problem != "" {
		return false, s.bad(line, s.location(), problem)
	}
	if err := s.each(&s.event); err != nil {
		return false, err
	}
	s.last = max(s.last, s.event.timestamp)
	return false, nil
}

// keep keeps a line as it came.
func (s *eventStream) keep(line []byte) error {
	_, err := s.raw.Write(line)
	if err == nil {
		_, err = s.raw.Write([]byte{'\n'})
	}
	return err
}

func (s *eventStream) location() string {
	after := "the start"
	if s.last != schemas.Null {
		after = stamp(s.last)
	}
	return "events, line " + strconv.FormatInt(s.lines, 10) + ", after " + after
}

// maxSkew is how far behind ours the vendor's clock is believed to be.
const maxSkew = 10 * time.Minute

// through is how far the stream was complete: what the vendor's clock had not reached yet, it did not tell.
func (s *eventStream) through(to time.Time, lag time.Duration) time.Time {
	if behind := to.Sub(s.clock); !s.clock.IsZero() && behind > 0 && behind < maxSkew {
		to = s.clock
	}
	return to.Add(-lag)
}
