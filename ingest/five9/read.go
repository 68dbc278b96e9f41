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
	every          time.Duration
	reading        *Reading
	mapper         func(w window, reject rejecter) mapper // makes a mapper for one result
	margin         time.Duration
	owns           func(fact any) bool
	after          func(ctx context.Context, r *flow.Read) error // a read that goes up to the present
}

// rejecter dead-letters a row.
type rejecter func(ctx context.Context, cells []string, wrong *rowError) error

// memo is what a stream keeps between two reads.
type memo struct {
	Through   time.Time `json:"through"`            // complete so far
	Revisited time.Time `json:"revisited,omitzero"` // when what lies further back was read again
}

// read reads one window of a stream. Windows reach back far enough to read again what comes late; but that is only done now and then
// (revisit_every), and else only what lies within the overlap is asked for.
func (s *source) read(ctx context.Context, r *flow.Read, t *stream) error {
	var m memo
	if err := json.Unmarshal(r.State, &m); err != nil && len(r.State) > 0 {
		return fmt.Errorf("what the stream kept cannot be read: %w: say `quarterhour sources reset`", err)
	}
	now := s.admin.watch.Now()
	due := t.reading.RevisitEvery > 0 && now.Sub(m.Revisited) >= t.reading.RevisitEvery
	if near := m.Through.Add(-t.reading.Overlap); !due && !m.Through.IsZero() && r.From.Before(near) {
		if r.From = near; !near.Before(r.To) {
			r.From = r.To // nothing is asked for, and nothing has vanished
		}
	}
	if r.From.Before(r.To) {
		if err := s.admin.refresh(ctx); err != nil {
			return err
		}
		for _, w := range pieces(r.From.Truncate(time.Second), wholeSecond(r.To), s.o.ReportZone) {
			if err := s.result(ctx, r, t, w); err != nil {
				return err
			}
		}
	}
	if present := now.Sub(r.To) < time.Minute; present {
		if due {
			m.Revisited = now.UTC()
		}
		if t.after != nil {
			if err := t.after(ctx, r); err != nil {
				return err
			}
		}
	}
	if r.Through.After(m.Through) {
		m.Through = r.Through.UTC()
	}
	r.State, _ = json.Marshal(m) // plain data: it cannot fail
	return nil
}

// wholeSecond is the next whole second, as reports know no parts of one.
func wholeSecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); whole.Before(t) {
		return whole.Add(time.Second)
	}
	return t
}

// result runs the report over a window on one side of a change of the clocks, and maps its rows.
func (s *source) result(ctx context.Context, r *flow.Read, t *stream, w span) error {
	q := request{t.folder, t.report, w}
	a, err := s.admin.run(ctx, q)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	p := &page{source: s, read: r, stream: t, request: q}
	var raw bytes.Buffer
	if s.o.KeepRaw > 0 {
		a.Reader = io.TeeReader(a.Reader, &raw)
	}
	p.sheet = a.sheet()
	p.mapper = t.mapper(window{w.from.UnixMilli(), w.to.UnixMilli()}, p.reject)
	if err := p.rows(ctx); err != nil {
		return err
	}
	if s.o.KeepRaw > 0 {
		return r.Raw(ctx, a.contentType, raw.Bytes())
	}
	return nil
}

// page is one result being read.
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
	if p.count == p.source.o.most() {
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
