package five9

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/schemas"
)

// mapper turns the rows of one result into facts.
type mapper interface {
	// header finds the columns.
	header(cells []string) error
	// row hands over what a row says, or keeps it until finish. An error of type *rowError is about the row.
	row(ctx context.Context, r *flow.Read, cells []string) error
	// finish comes after the last row of a result that is whole.
	finish(ctx context.Context, r *flow.Read) error
}

// window is a stretch of event time in milliseconds UTC, half-open.
type window struct{ from, to int64 }

// stream is one report that is read again and again.
type stream struct {
	name, fact     string
	folder, report string
	every, lag     time.Duration
	reading        *Reading
	mapper         func(w window, p *page) mapper // makes a mapper for one result
	margin         time.Duration
	owns           func(fact any) bool
	goesOn         bool // rows are about what goes on, perhaps over the end of the window, and may be missing then
}

// memo is what a stream keeps between two reads.
type memo struct {
	Through    time.Time `json:"through"`             // complete so far
	Revisited  time.Time `json:"revisited,omitzero"`  // when what lies further back was last read again
	Revisiting time.Time `json:"revisiting,omitzero"` // since when that is being done, in several windows
}

// revisits says whether what lies further back than the overlap is to be read, too.
func (m *memo) revisits(now time.Time, every time.Duration) bool {
	if every <= 0 || now.Sub(m.Revisited) < every {
		return false
	}
	if m.Revisiting.IsZero() {
		m.Revisiting = now.UTC()
	}
	return true
}

// done notes that a window up to an instant was read, which may be the last of a revisit.
func (m *memo) done(to, through time.Time) {
	if !m.Revisiting.IsZero() && to.After(m.Revisiting.Add(-time.Minute)) {
		m.Revisited, m.Revisiting = m.Revisiting, time.Time{}
	}
	if through.After(m.Through) {
		m.Through = through.UTC()
	}
}

// fresh is how long ago a window may have ended for its end to be the present.
const fresh = 30 * time.Minute

// read reads one window of a stream. Windows reach back far enough to read again what comes late; but that is only done now and then
// (revisit_every), and else only what lies within the overlap is asked for.
func (s *source) read(ctx context.Context, r *flow.Read, t *stream) error {
	if err := s.admin.credential.Usable(ctx); err != nil { // a window that nothing is asked for would pass for a read
		return err
	}
	var m memo
	if err := json.Unmarshal(r.State, &m); err != nil && len(r.State) > 0 {
		return fmt.Errorf("what the stream kept cannot be read: %w: say `quarterhour sources reset`", err)
	}
	now := s.admin.watch.Now()
	due := m.revisits(now, t.reading.RevisitEvery)
	if near := m.Through.Add(-t.reading.Overlap); !due && !m.Through.IsZero() && r.From.Before(near) {
		if r.From = near; !near.Before(r.To) {
			r.From = r.To // nothing is asked for, and nothing has vanished
		}
	}
	if r.From.Before(r.To) {
		to := r.To
		if t.goesOn && now.Sub(to) < fresh {
			to = now // so that only what goes on now may be missing
		} else if t.goesOn {
			r.Through = earlier(r.Through, to.Add(-min(tail, to.Sub(r.From)/2)))
		}
		if err := s.window(ctx, r, t, to); err != nil {
			return err
		}
	}
	m.done(r.To, r.Through)
	r.State, _ = json.Marshal(m) // plain data: it cannot fail
	return nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// window reads what a read asks for, in pieces that lie on one side of a change of the clocks.
func (s *source) window(ctx context.Context, r *flow.Read, t *stream, to time.Time) error {
	if err := s.admin.refresh(ctx); err != nil {
		return err
	}
	list := pieces(r.From.Truncate(time.Second), wholeSecond(to), s.o.ReportZone)
	p := &page{source: s, read: r, stream: t, last: map[string]int64{}}
	for i := len(list) - 1; i >= 0; i-- {
		w := window{list[i].from.UnixMilli(), list[i].to.UnixMilli()}
		if t.goesOn {
			// Up to the change alone, the result might lack what goes on over it. Up to the end of the whole window it has that, and
			// also what has been read already, which is left out.
			list[i].to = list[len(list)-1].to
			if p.later = p.seen; len(list) > 1 {
				p.seen = sightings{}
			}
		}
		if err := s.result(ctx, p, request{t.folder, t.report, list[i]}, w); err != nil {
			return err
		}
	}
	if t.goesOn {
		return s.ledger.confirm(ctx, r, p.last, s.admin.watch.Now())
	}
	return nil
}

// sighting is what a row of the report of agent states says of a change, less what may differ between two results.
type sighting struct {
	agent, state, reason string
	civil                int64
}

// sightings count rows.
type sightings map[sighting]int

// holds takes one of the sightings out; false where there is none.
func (s sightings) holds(x sighting) bool {
	if s[x] == 0 {
		return false
	}
	s[x]--
	return true
}

// wholeSecond is the next whole second, as reports know no parts of one.
func wholeSecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); whole.Before(t) {
		return whole.Add(time.Second)
	}
	return t
}

// result runs the report, and maps its rows, which are about a stretch of time on one side of a change of the clocks.
func (s *source) result(ctx context.Context, p *page, q request, w window) error {
	a, err := s.admin.run(ctx, q)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	keeper := p.read.Keep(ctx, a.contentType)
	a.Reader = keeper.Reader(a.Reader)
	p.request, p.sheet, p.count, p.refused = q, a.sheet(), 0, 0
	p.mapper = p.stream.mapper(w, p)
	return keeper.End(p.rows(ctx))
}

// page is one result being read, and what is kept from one to the next within a read.
type page struct {
	source  *source
	read    *flow.Read
	stream  *stream
	request request
	sheet   sheet
	mapper  mapper
	count   int
	refused int
	width   int

	last        map[string]int64 // by agent: start of the last state
	seen, later sightings        // in this result, and in the one that was read before it
}

// pulse is the number of rows between two looks at progress.
const pulse = 4096

func (p *page) rows(ctx context.Context) error {
	header, err := p.sheet.next()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: the result is empty, without even a header: that is not believed, and asked for again", p.request)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.request, err)
	}
	p.width = len(header)
	if err := p.mapper.header(header); err != nil {
		return err
	}
	for {
		cells, err := p.sheet.next()
		if errors.Is(err, io.EOF) {
			return p.end(ctx)
		}
		p.count++
		if err == nil {
			err = p.row(ctx, cells)
		}
		if err != nil {
			var wrong *rowError
			if !errors.As(err, &wrong) {
				return fmt.Errorf("%s, row %d: %w", p.request, p.count, err)
			}
			if err := p.reject(ctx, cells, wrong); err != nil {
				return err
			}
		}
		if p.count%pulse == 0 {
			p.read.Progress(int64(p.count), 0, "rows")
		}
	}
}

func (p *page) row(ctx context.Context, cells []string) error {
	if len(cells) != p.width {
		return bad("columns", "the row has %d values and the header %d columns", len(cells), p.width)
	}
	return p.mapper.row(ctx, p.read, cells)
}

// end judges the result as a whole.
func (p *page) end(ctx context.Context) error {
	if p.count >= p.source.o.most() {
		p.source.log.Info("the result has as many rows as the vendor gives at most: it may be cut short, and is asked for in parts",
			"report", p.stream.report, "rows", p.count)
		return flow.ErrSplit
	}
	if p.refused == p.count && p.count > 0 {
		// The report is another than was expected. Were it taken for read, all that it told before would be withdrawn.
		return fmt.Errorf("%s: none of its %d rows can be used, see the dead letters: correct the report, or the stream's columns", p.request, p.count)
	}
	return p.mapper.finish(ctx, p.read)
}

// maxPayload is how much of a row goes into its dead letter.
const maxPayload = 64 << 10

// reject dead-letters a row.
func (p *page) reject(ctx context.Context, cells []string, wrong *rowError) error {
	p.refused++
	var payload bytes.Buffer
	w := csv.NewWriter(&payload)
	_ = w.Write(cells) // to memory: it cannot fail
	w.Flush()
	return p.read.Reject(ctx, &schemas.DeadLetter{
		Fact: p.stream.fact, Reason: wrong.reason, Detail: wrong.detail, Payload: payload.Bytes()[:min(payload.Len(), maxPayload)],
		Location: fmt.Sprintf("%s/%s from %s to %s, row %d", p.request.folder, p.request.report, p.request.from.UTC().Format(time.RFC3339),
			p.request.to.UTC().Format(time.RFC3339), p.count),
	})
}

// most is the number of rows at which a result is cut short.
func (o *Options) most() int {
	switch {
	case o.MaxRows > 0:
		return o.MaxRows
	case o.Result == "rows":
		return 5_000
	}
	return 50_000
}
