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
