package gladly

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/schemas"
)

// reader reads the work sessions. It is used by one read at a time.
type reader struct {
	*source
	book  *book
	reads int64
}

func (w *reader) flow() flow.Flow {
	o := w.options.Streams.WorkSessions
	return flow.Flow{
		Name: "work_sessions", Facts: []string{contactFact}, Schedule: schedule(o.Every),
		Window: flow.Window{Start: begin(o.Start, w.deps.Zone), Overlap: o.Window - o.Lag, Lag: o.Lag},
		// A report lists all contacts of its window. It selects them by when they ended, or were created: a contact that was created before
		// the window and routed in it may be missing in its first half.
		Replaces: true, Margin: o.Window / 2,
		Read: w.read,
	}
}

// pending are segments without an end that were handed over: the contact may still get another agent, after the window has moved on, and
// then its old segments are taken back. By contact and segment, when they were offered.
type pending map[string]map[string]int64

// longestPending is how long a contact may wait.
const longestPending = 90 * 24 * time.Hour

// mostPending is how many contacts wait at most: they are stored with every read, in one message of the log.
const mostPending = 5000

// forget drops contacts that have waited too long by an instant, and the newest of too many, which the window still covers. It says how many
// those are.
func (p pending) forget(now time.Time) int {
	type contact struct {
		id      string
		offered int64
	}
	oldest := now.Add(-longestPending).UnixMilli()
	var left []contact
	for id, segments := range p {
		first := int64(math.MaxInt64)
		for _, offered := range segments {
			first = min(first, offered)
		}
		if first < oldest {
			delete(p, id)
			continue
		}
		left = append(left, contact{id, first})
	}
	if len(left) <= mostPending {
		return 0
	}
	slices.SortFunc(left, func(a, b contact) int { return cmp.Or(cmp.Compare(a.offered, b.offered), cmp.Compare(a.id, b.id)) })
	for _, c := range left[mostPending:] {
		delete(p, c.id)
	}
	return len(left) - mostPending
}

// read hands over the contacts of a window that ends now: rows move forward in time when their contact ends.
func (w *reader) read(ctx context.Context, r *flow.Read) error {
	if err := w.directory.load(ctx); err != nil {
		return err
	}
	waiting := pending{}
	if len(r.State) > 0 {
		if err := json.Unmarshal(r.State, &waiting); err != nil {
			return fmt.Errorf("%w: %w", errState, err)
		}
	}
	rows, err := w.rows(ctx, r)
	if err != nil {
		return err
	}
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	w.reads++
	// What follows is judged by what this report is complete through; before that, by the last one.
	w.book.from, w.book.reported = r.From.Add(w.options.Streams.WorkSessions.Window/2).UnixMilli(), r.Through.UnixMilli()
	var of []session
	for from := 0; from < rows.len(); from += len(of) {
		of = rows.contact(from, of[:0])
		if err := w.contact(ctx, r, of, waiting); err != nil {
			return err
		}
		if from%10_000 < len(of) {
			r.Progress(int64(from), int64(rows.len()), "rows")
		}
	}
	for _, k := range w.book.contacts {
		if k.read != w.reads {
			k.rows = nil // withdrawn, or out of the window
		}
	}
	if n := waiting.forget(r.To); n > 0 {
		w.deps.Log.Warn("too many contacts wait for an end: of the newest it may not be noticed that they got another agent after the window has moved on",
			"waiting", mostPending+n, "forgotten", n)
	}
	r.State, err = json.Marshal(waiting)
	return err
}

// contact hands over what follows from the rows of one contact.
func (w *reader) contact(ctx context.Context, r *flow.Read, rows []session, waiting pending) error {
	id := rows[0].contact
	k := w.book.contacts[id]
	if k == nil {
		k = &talk{closed: schemas.Null} // of this read only
	}
	k.rows, k.read = slices.Clone(rows), w.reads
	segments := waiting[id]
	delete(waiting, id)
	for segment, offered := range segments {
		if !slices.Contains(k.given, segment) {
			k.given = append(k.given, segment)
		}
		if startOf(k.tales) == schemas.Null {
			k.tales, _ = add(k.tales, tale{at: offered, recorded: offered, step: stepStarted})
		}
	}
	parts := w.book.parts(k)
	if err := w.book.hand(ctx, r, id, k); err != nil {
		return err
	}
	for i := range parts {
		if parts[i].ended == schemas.Null {
			if waiting[id] == nil {
				waiting[id] = map[string]int64{}
			}
			waiting[id][parts[i].segment] = parts[i].offered
		}
	}
	return nil
}

// rows reads the report, sorted by contact.
func (w *reader) rows(ctx context.Context, r *flow.Read) (rows *sessionRows, err error) {
	body := map[string]any{"startAtTime": toMinute(r.From), "endAtTime": toMinute(r.To)}
	err = w.client.report(ctx, "reports/"+workSessions, body, func(resp *httpcall.Response) error {
		keeper := r.Keep(ctx, "text/csv")
		rows, err = w.table(ctx, r, keeper.Reader(resp.Body))
		return keeper.End(err)
	})
	if err == nil {
		rows.sort()
	}
	return rows, err
}

// table reads the rows of the report.
func (w *reader) table(ctx context.Context, r *flow.Read, from io.Reader) (*sessionRows, error) {
	rows := new(sessionRows)
	t, err := openTable(workSessions, from, sessionColumns...)
	if t == nil {
		r.Partial = true // nothing says that it is this report, without rows
		return rows, err
	}
	for {
		problem, err := t.next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		var row session
		if problem == "" {
			row, problem = w.options.session(t)
		}
		if problem == "" {
			rows.add(&row)
		} else if err := w.reject(ctx, r, contactFact, t.location(), problem, t.text()); err != nil {
			return nil, err
		}
	}
}

// toMinute is a time as the report takes it: by the minute, of which the last is read whole.
func toMinute(t time.Time) string { return t.UTC().Format("2006-01-02T15:04Z") }
