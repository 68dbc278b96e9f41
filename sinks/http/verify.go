package http

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	nethttp "net/http"
	"strconv"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/objects"
)

// reader reads a record back.
type reader struct {
	path   *template
	record string
	fields *table
	names  []string // paths in the record
}

// reader compiles what a feed says about reading back; nil where it says nothing.
func (c *compiler) reader(at string, f *Feed, out *feed) *reader {
	if f.Verify.Path == "" {
		return nil
	}
	r := &reader{path: c.template(at+".path", f.Verify.Path), record: f.Verify.Record, fields: out.fields}
	if len(f.Verify.Fields) > 0 {
		r.fields, _ = c.table(at+".fields", f.Verify.Fields, nil)
	}
	if r.fields == nil || r.fields.Table == nil {
		if f.Body != "" && len(f.Verify.Fields) == 0 {
			c.problem(at+".fields", "is needed where the record is made by body")
		}
		return nil
	}
	r.names = r.fields.Names
	return r
}

// Verify implements delivery.Verifier: it asks for each item of a kind that can be read back, and compares what stands there with what it must be.
func (s *sink) Verify(ctx context.Context, items []delivery.Item, found func(delivery.Item, string)) error {
	for n := range items {
		i := &items[n]
		f := s.feeds[kindOf(i)]
		if f == nil || f.verify == nil {
			continue
		}
		how, err := s.compare(ctx, f.verify, i)
		if err != nil {
			return err
		}
		found(*i, how)
	}
	return nil
}

// compare says how the destination's record differs from the item; "" where it does not.
func (s *sink) compare(ctx context.Context, r *reader, i *delivery.Item) (how string, err error) {
	path, err := r.path.url(i)
	if err != nil {
		return err.Error(), nil //nolint:nilerr // it was never sent
	}
	body, _, err := s.client.Bytes(ctx, &httpcall.Request{Method: nethttp.MethodGet, Path: path, Header: nethttp.Header{"Accept": {"application/json, application/xml"}}})
	var fault *httpcall.Error
	if errors.As(err, &fault) && fault.Status == nethttp.StatusNotFound {
		return "it is not there", nil
	}
	if err != nil {
		return "", err
	}
	answer, err := read(body)
	if err != nil {
		return "", fmt.Errorf("the answer of %q cannot be read: %w", path, err)
	}
	record := objects.At(answer, r.record)
	if !objects.Says(record) {
		return "it is not there", nil
	}
	values, err := r.fields.values(i)
	if err != nil {
		return err.Error(), nil //nolint:nilerr // it was never sent
	}
	for n, name := range r.names {
		if there := objects.At(record, name); !r.same(there, values[n]) {
			return fmt.Sprintf("%s is %s, not %s", name, objects.Text(there), r.fields.Text(values[n])), nil
		}
	}
	return "", nil
}

// same compares what a destination says with what it was sent: numbers as numbers, instants as instants, all else as text.
func (r *reader) same(there any, v expression.Value) bool {
	if v.IsNil() {
		return !objects.Says(there)
	}
	text := r.fields.Text(v)
	said := objects.Text(there)
	if said == text {
		return true
	}
	a, errA := strconv.ParseFloat(said, 64)
	b, errB := strconv.ParseFloat(text, 64)
	if errA == nil && errB == nil {
		return a == b
	}
	if v.Kind == expression.JSON {
		var want any
		return json.Unmarshal([]byte(text), &want) == nil && objects.Text(want) == said
	}
	return v.Kind == expression.Instant && sameInstant(said, v.Milliseconds())
}
