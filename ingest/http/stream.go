package http

import (
	"context"
	"errors"
	"fmt"
	nethttp "net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/ingest/rows"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/schemas"
)

// pageTries is how often a page is asked for whose answer is cut off.
const pageTries = 3

// stream is one stream at work. Not safe for concurrent use.
type stream struct {
	*source
	name   string
	o      *Stream
	start  time.Time
	window *rows.Window
	items  *rows.Items   // of JSON
	open   *rows.Mapping // of JSON and XML
	paths  [][]string
	named  *rows.Mapping // of CSV
	names  []string      // its columns
}

// taker is who records are handed to.
type taker interface {
	rows.Taker
	Reject(ctx context.Context, d *schemas.DeadLetter) error
	Keep(ctx context.Context, contentType string) *flow.Keeper
}

func (s *source) newStream(name string) (*stream, error) {
	o := s.options.Streams[name]
	st := &stream{source: s, name: name, o: &o}
	var err error
	if st.start, err = o.start(s.zone); err != nil {
		return nil, fmt.Errorf("streams.%s.start %w", name, err)
	}
	return st, nil
}

// read reads the pages of a window.
func (s *stream) read(ctx context.Context, r *flow.Read) error {
	v := s.values(r.From, r.To)
	var total int64
	next := ""
	for n := 1; ; n++ {
		if n > s.o.Paging.MaxPages {
			return fmt.Errorf("more than %d pages: check paging, or raise paging.max_pages", s.o.Paging.MaxPages)
		}
		a, err := s.page(ctx, r, v, next, n)
		if err != nil {
			return err
		}
		if total += a.records; s.o.CutAt > 0 && total >= int64(s.o.CutAt) {
			return flow.ErrSplit
		}
		var more bool
		if next, more, err = s.o.Paging.turn(v, a); err != nil || !more {
			return err
		}
		r.Progress(total, 0, "records")
	}
}

func (s *stream) values(from, to time.Time) *values {
	p := &s.o.Paging
	return &values{from: from, to: to, now: s.deps.Watch.Now(), page: p.First, size: p.Size, format: s.o.TimeFormat, zone: s.o.TimeZone}
}

// page reads one page, again where its answer is cut off.
func (s *stream) page(ctx context.Context, to taker, v *values, next string, n int) (*answer, error) {
	for try := 1; ; try++ {
		a, began, err := s.once(ctx, to, v, next, n)
		var failed *httpcall.Error
		if err == nil || !began || try == pageTries || !errors.As(err, &failed) || failed.Kind != httpcall.Transient {
			return a, err
		}
		s.deps.Log.Info("the answer was cut off, the page is asked for again", "stream", s.name, "page", n, "err", err)
		if err := s.deps.Watch.Sleep(ctx, time.Duration(try)*time.Second); err != nil {
			return nil, err
		}
	}
}

// once asks for a page and reads it; began says whether an answer came.
func (s *stream) once(ctx context.Context, to taker, v *values, next string, n int) (a *answer, began bool, err error) {
	request, asked, err := s.request(v, next)
	if err != nil {
		return nil, false, err
	}
	resp, err := s.client.Do(ctx, request)
	var failed *httpcall.Error
	if errors.As(err, &failed) && slices.Contains(s.o.EmptyOn, strconv.Itoa(failed.Status)) {
		return &answer{url: asked}, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = resp.Body.Close() }()
	a = &answer{header: resp.Header, url: asked}
	if resp.Status == nethttp.StatusNoContent {
		return a, true, nil
	}
	return a, true, s.records(ctx, to, resp, a, s.place(v, n))
}

// place is where a page is, for dead letters.
func (s *stream) place(v *values, n int) string {
	place := "stream " + s.name
	if !v.from.IsZero() {
		place += fmt.Sprintf(" from %s to %s", v.from.UTC().Format(time.RFC3339), v.to.UTC().Format(time.RFC3339))
	}
	if s.o.Paging.By != "none" {
		place += fmt.Sprintf(", page %d", n)
	}
	return place
}

// request is the request for a page; next is its URL where the page before gave it.
func (s *stream) request(v *values, next string) (*httpcall.Request, *url.URL, error) {
	r := &httpcall.Request{Method: s.o.Method, Operation: operation, Header: nethttp.Header{}}
	for name, text := range s.options.Headers {
		r.Header.Set(name, text)
	}
	for name, text := range s.o.Headers {
		r.Header.Set(name, v.fill(text, plain))
	}
	if s.o.Body != "" {
		r.Body = []byte(v.fill(s.o.Body, escapeFor(s.o.ContentType)))
		r.Header.Set("Content-Type", s.o.ContentType)
	}
	r.Path = next
	if next == "" {
		r.Path = s.query(v)
	}
	whole := r.Path
	if !strings.HasPrefix(whole, "http://") && !strings.HasPrefix(whole, "https://") {
		whole = strings.TrimSuffix(s.options.URL, "/") + "/" + strings.TrimPrefix(whole, "/")
	}
	asked, err := url.Parse(whole)
	if err != nil {
		return nil, nil, fmt.Errorf("the path %q and url make no URL", r.Path)
	}
	return r, asked, nil
}

// query is the path with its parameters.
func (s *stream) query(v *values) string {
	path := v.path(s.o.Path)
	p := &s.o.Paging
	q := url.Values{}
	for name, text := range s.o.Query {
		if text = v.fill(text, plain); text != "" || !mentions(s.o.Query[name], "cursor") {
			q.Set(name, text)
		}
	}
	if p.Parameter != "" {
		switch p.By {
		case "page":
			q.Set(p.Parameter, strconv.Itoa(v.page))
		case "offset":
			q.Set(p.Parameter, strconv.Itoa(v.offset))
		case "cursor":
			if v.cursor != "" {
				q.Set(p.Parameter, v.cursor)
			}
		}
	}
	if p.SizePar != "" && p.Size > 0 {
		q.Set(p.SizePar, strconv.Itoa(p.Size))
	}
	switch {
	case len(q) == 0:
		return path
	case strings.Contains(path, "?"):
		return path + "&" + q.Encode()
	}
	return path + "?" + q.Encode()
}
