package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/quarterhour/quarterhour/ingest/rows"
	"github.com/quarterhour/quarterhour/ingest/webhook/receive"
	"github.com/quarterhour/quarterhour/schemas"
)

// shownRefusals is how many refused records an answer lists.
const shownRefusals = 100

// post is one request on its way to the log.
type post struct {
	body    []byte
	records [][]byte // of JSON, not checked inside; they alias the body
	avro    *rows.Avro
	remote  string
	result  result
	refusal *receive.Refusal // known only once the records are read
	done    chan error
}

// result is what became of the records.
type result struct {
	Records  int       `json:"records"`
	Accepted int       `json:"accepted"`
	LeftOut  int       `json:"left_out,omitempty"` // by where
	Refused  []refused `json:"refused,omitempty"`
	refusals int
}

type refused struct {
	Record int    `json:"record"` // from 1
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

func (r *result) encode() []byte {
	text, _ := json.Marshal(r) // texts and numbers: it cannot fail
	return append(text, '\n')
}

func broken(format string, args ...any) *receive.Refusal {
	return &receive.Refusal{Status: http.StatusBadRequest, Detail: fmt.Sprintf(format, args...)}
}

func (s *source) tooMany() *receive.Refusal {
	return &receive.Refusal{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("more than %d records: send fewer at a time", s.options.MaxRecords)}
}

// read finds the records of a request. One that is not well formed is refused before anything of it is taken.
func (s *source) read(r *receive.Request) (*post, error) {
	p := &post{body: r.Body, remote: r.Remote, done: make(chan error, 1)}
	avro := s.options.Format == "avro" || s.options.Format == "auto" && bytes.HasPrefix(r.Body, []byte("Obj\x01"))
	if avro {
		container, err := schemas.OpenContainer(bytes.NewReader(r.Body))
		if err != nil {
			return nil, broken("%v", err)
		}
		p.avro = rows.NewAvro(container, s.paths, s.options.NullValues)
		return p, nil
	}
	items := rows.NewItems(rows.NewWindowOn(bytes.TrimPrefix(r.Body, []byte("\xef\xbb\xbf"))), rows.Path(s.options.Records), nil, nil)
	for {
		record, err := items.Next()
		var long *rows.Error
		switch {
		case errors.Is(err, io.EOF) && !items.Seen() && s.options.Records != "":
			if !json.Valid(bytes.TrimPrefix(r.Body, []byte("\xef\xbb\xbf"))) {
				return nil, broken("the body is not valid JSON")
			}
			return nil, broken("there is nothing at %q", s.options.Records)
		case errors.Is(err, io.EOF):
			return p, nil
		case errors.As(err, &long):
			return nil, &receive.Refusal{Status: http.StatusRequestEntityTooLarge, Detail: long.Error()}
		case err != nil:
			return nil, broken("%v", err)
		}
		if len(p.records) == s.options.MaxRecords {
			return nil, s.tooMany()
		}
		p.records = append(p.records, record)
	}
}

// take hands over the records of a request. The error is the log's.
func (s *source) take(ctx context.Context, p *post) error {
	if p.avro != nil {
		return s.takeAvro(ctx, p)
	}
	for i, record := range p.records {
		s.mapping.Env.Reset()
		if err := s.row(ctx, p, i+1, s.scanner.Read(record, &s.mapping.Env), record); err != nil {
			return err
		}
	}
	return nil
}

func (s *source) takeAvro(ctx context.Context, p *post) error {
	for n := 1; ; n++ {
		s.mapping.Env.Reset()
		err := p.avro.Read(&s.mapping.Env)
		var bad *rows.Error
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.As(err, &bad):
			p.refusal = broken("%v, after %d records that were taken", err, p.result.Accepted)
			return nil
		case n > s.options.MaxRecords:
			p.refusal = s.tooMany()
			return nil
		}
		if err := s.row(ctx, p, n, err, nil); err != nil {
			return err
		}
	}
}

// row maps one record whose values have been read, or could not be.
func (s *source) row(ctx context.Context, p *post, n int, err error, raw []byte) error {
	p.result.Records++
	var bad *rows.Error
	if err == nil {
		var keep bool
		if keep, bad = s.mapping.Run(); bad == nil && !keep {
			p.result.LeftOut++
			return nil
		}
	} else if !errors.As(err, &bad) {
		bad = &rows.Error{Reason: "json", Err: err}
	}
	if bad == nil {
		p.result.Accepted++
		s.mapping.Revise(s.revise)
		return s.mapping.Hand(ctx, s.out)
	}
	if p.avro != nil {
		raw = p.avro.Raw()
	}
	if p.result.refusals++; p.result.refusals <= shownRefusals {
		p.result.Refused = append(p.result.Refused, refused{n, bad.Reason, bad.Error()})
	}
	return s.out.Reject(ctx, &schemas.DeadLetter{
		Fact: s.options.As, Reason: bad.Reason, Detail: bad.Error(), Location: fmt.Sprintf("post from %s, record %d", p.remote, n),
		Payload: bytes.Clone(raw[:min(len(raw), rows.MaxPayload)]),
	})
}
