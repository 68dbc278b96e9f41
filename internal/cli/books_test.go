package cli

import (
	"context"
	"errors"

	"github.com/quarterhour/quarterhour/internal/books"
	"github.com/quarterhour/quarterhour/pipelines"
)

func (echo) Rebuild(_ context.Context, _ *Session, list []*pipelines.Pipeline, ranges []books.Range, try bool) ([]*books.Rebuilt, error) {
	if ranges[0] == books.Always {
		return nil, errors.New("the range was lost")
	}
	return []*books.Rebuilt{{Pipeline: list[0].Name, Facts: 1234, TooLate: 2, Rows: 5, Written: !try, Changed: []books.RowChange{
		{Key: "queue/acme/2026-03-02T08:00:00Z/q1/voice", Revision: 99, Cells: []books.Change{{Column: "offered", Before: "3", After: "4"}, {Column: "queue_name", After: "Queue 1"}}},
	}}}, nil
}

func (echo) Audit(_ context.Context, _ *Session, list []*pipelines.Pipeline, _ []books.Range) ([]*books.Report, error) {
	r := &books.Report{
		Pipeline: list[0].Name, Tenant: "acme", Notes: []string{"a note"},
		Facts:    []books.FactBalance{{Topic: "p.contact", Tenant: "acme", Read: 3, Outcomes: books.Outcomes{Applied: 2, Rejected: 1}, DeadLetters: 1}},
		Sinks:    []books.SinkBalance{{Sink: "warehouse", Rows: 4, Delivered: 4}},
		Tables:   []books.TableBalance{{Sink: "warehouse", Table: "queue_intervals", Rows: 4, Cells: 76, Equal: 4}},
		Complete: []books.CompleteThrough{{Book: "facts", Through: "2026-03-03T00:00:00Z"}},
	}
	if r.Pipeline == "crooked" {
		r.Imbalances = []string{"a row is missing"}
	}
	return []*books.Report{r}, nil
}

func (echo) Explain(_ context.Context, _ *Session, list []*pipelines.Pipeline, key string) (*books.Explanation, error) {
	e := &books.Explanation{
		Key: key, Pipeline: list[0].Name, Table: "queue_intervals", Local: "Mon 2026-03-02 09:00–09:15 CET (Europe/Berlin)", Final: true, Revision: 9,
		Row: []books.Cell{{Column: "offered", Value: "1"}}, Sum: []books.Cell{{Column: "offered", Value: "1"}},
		Facts: []books.Fact{{Kind: "contact", ID: "i1/1", Source: "calls", Revision: 2, Says: "inbound voice", Arrived: "2026-03-02T08:10:00.000Z",
			Position: "p.contact/0@7", Outcome: "counted", Adds: []books.Cell{{Column: "offered", Value: "1"}}}},
		Revisions: []books.Revision{{Revision: 9, Final: true, Why: "1 fact came", Facts: []string{"p.contact/0@7"}, Changes: []books.Change{{Column: "offered", After: "1"}}}},
	}
	if e.Pipeline == "crooked" {
		e.Problems = []string{"offered: the contributions make 1, the row says 2"}
	}
	return e, nil
}
