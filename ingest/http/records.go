package http

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/ingest/rows"
	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/schemas"
)

const (
	// pulse is the number of records between two looks whether to go on.
	pulse = 4096
	// shownError is how much of what an answer says about an error is repeated.
	shownError = 300
)

// records reads an answer and hands over what is in it.
func (s *stream) records(ctx context.Context, to taker, resp *httpcall.Response, a *answer, place string) error {
	contentType := resp.Header.Get("Content-Type")
	keeper := to.Keep(ctx, contentType)
	body := keeper.Reader(resp.Body)
	err := s.body(ctx, to, body, contentType, a, place)
	if keeper == nil || ctx.Err() != nil {
		return err
	}
	// What nobody needed, or could not read, is part of the answer, too.
	_, rest := io.Copy(io.Discard, body)
	return cmp.Or(err, keeper.End(rest))
}

// body does so once what comes is kept.
func (s *stream) body(ctx context.Context, to taker, body io.Reader, contentType string, a *answer, place string) error {
	if s.window == nil {
		s.window = rows.NewWindow(body)
	} else {
		s.window.Reset(body)
	}
	start, err := s.window.Peek(64)
	if err != nil {
		return err
	}
	if len(start) == 0 && !s.o.Optional {
		return &httpcall.Error{Kind: httpcall.Transient, Err: errors.New("the answer is empty: say records_optional: true where that means that there are no records")}
	}
	if bom := []byte("\xef\xbb\xbf"); bytes.HasPrefix(start, bom) {
		s.window.Skip(len(bom))
		start = start[len(bom):]
	}
	reader, mapping, err := s.reader(s.formatOf(contentType, start))
	if err != nil {
		return err
	}
	if mapping != nil {
		if err := s.each(ctx, to, reader, mapping, a, place); err != nil {
			return err
		}
	}
	return s.ended(reader, a)
}

// formatOf is the format of an answer by the options, its type, or its beginning.
func (s *stream) formatOf(contentType string, start []byte) string {
	if s.o.Format != "auto" {
		return s.o.Format
	}
	contentType = strings.ToLower(contentType)
	for _, f := range [...]struct{ word, format string }{{"json", "json"}, {"csv", "csv"}, {"tab-separated", "tsv"}, {"xml", "xml"}} {
		if strings.Contains(contentType, f.word) {
			return f.format
		}
	}
	switch start = bytes.TrimSpace(start); {
	case len(start) == 0 || start[0] == '{' || start[0] == '[':
		return "json"
	case start[0] == '<':
		return "xml"
	}
	return "csv"
}

// reader reads the records of the answer in the window; the mapping is nil where there is nothing at all.
func (s *stream) reader(format string) (rows.Reader, *rows.Mapping, error) {
	if format == "csv" || format == "tsv" {
		return s.delimited(format)
	}
	if s.open == nil {
		columns := &expression.Open{}
		s.open = rows.NewMapping(&s.o.Rows, columns, s.zone)
		if err := s.open.Err(); err != nil {
			return nil, nil, err
		}
		s.paths = columns.Paths
	}
	wanted := make([][]string, captures)
	for i, path := range [captures]string{s.o.Paging.Cursor, s.o.Paging.Next, s.o.Paging.More, s.o.ErrorPath} {
		if wanted[i] = rows.Path(path); path == "" {
			wanted[i] = []string{fmt.Sprintf("\x00%d", i)} // no name is like that
		}
	}
	if format == "xml" {
		return rows.NewXML(s.window.Rest(), rows.Path(s.o.Records), wanted, s.paths, s.o.NullValues), s.open, nil
	}
	if s.items == nil {
		s.items = rows.NewItems(s.window, rows.Path(s.o.Records), wanted, rows.NewScanner(s.paths, s.o.NullValues))
	}
	s.items.Reset()
	return s.items, s.open, nil
}

func (s *stream) delimited(format string) (rows.Reader, *rows.Mapping, error) {
	delimiter := byte(',')
	if format == "tsv" {
		delimiter = '\t'
	}
	if s.o.Delimiter != "" {
		delimiter = s.o.Delimiter[0]
	}
	d := rows.NewDelimited(s.window, delimiter, s.o.Quotes, s.o.NullValues)
	names := s.o.Columns
	if s.o.Header {
		header, err := d.Header()
		if err != nil {
			return nil, nil, fmt.Errorf("header: %w", err)
		}
		if header == nil {
			return nil, nil, nil // not even that
		}
		if len(names) == 0 {
			names = header
		}
	}
	if s.named == nil || !slices.Equal(names, s.names) {
		m := rows.NewMapping(&s.o.Rows, expression.Named{List: names, Kind: expression.Text}, s.zone)
		if err := m.Err(); err != nil {
			return nil, nil, err
		}
		s.named, s.names = m, names
	}
	d.Columns(names, s.named.Used())
	return d, s.named, nil
}

// each maps the records one after the other.
func (s *stream) each(ctx context.Context, to taker, reader rows.Reader, m *rows.Mapping, a *answer, place string) error {
	for {
		m.Env.Reset()
		err := reader.Read(&m.Env)
		if err != nil && errors.Is(err, io.EOF) {
			return nil
		}
		if a.records++; a.records%pulse == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if err == nil && s.o.ErrorPath != "" && s.o.Records == "" { // the error stands in place of the records
			if err := s.refused(reader, a); err != nil {
				return err
			}
		}
		if err == nil {
			keep, bad := m.Run()
			if bad == nil {
				if keep {
					err = m.Hand(ctx, to)
				}
				if err != nil {
					return err
				}
				continue
			}
			err = bad
		}
		var bad *rows.Error
		if !errors.As(err, &bad) {
			return err
		}
		raw := reader.Raw()
		err = to.Reject(ctx, &schemas.DeadLetter{
			Fact: s.o.As, Reason: bad.Reason, Detail: bad.Error(), Location: place + ", " + position(reader), Payload: raw[:min(len(raw), rows.MaxPayload)],
		})
		if err != nil {
			return err
		}
	}
}

// position is where the last record stands in its page.
func position(r rows.Reader) string {
	if _, ok := r.(*rows.Delimited); ok {
		return "line " + r.Position()
	}
	return r.Position()
}

// refused keeps what the answer says besides its records, as far as it has been read, and is the error that it says it is.
func (s *stream) refused(reader rows.Reader, a *answer) error {
	switch r := reader.(type) {
	case *rows.Items:
		for i := range a.captured {
			a.captured[i] = captured(r.Captured(i))
		}
	case *rows.XML:
		for i := range a.captured {
			a.captured[i] = strings.TrimSpace(r.Captured(i))
		}
	}
	if text := a.captured[captureError]; text != "" {
		return fmt.Errorf("the answer says that it is an error: %s", httpcall.Redact(text[:min(len(text), shownError)]))
	}
	return nil
}

// ended looks at an answer that has been read to its end.
func (s *stream) ended(reader rows.Reader, a *answer) error {
	if err := s.refused(reader, a); err != nil {
		return err
	}
	if r, ok := reader.(interface{ Seen() bool }); ok && s.o.Records != "" && !r.Seen() && !s.o.Optional {
		return fmt.Errorf("the answer has nothing at %q: check records, or say records_optional: true where that means that there are none", s.o.Records)
	}
	return nil
}
