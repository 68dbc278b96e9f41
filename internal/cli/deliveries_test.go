package cli

import (
	"context"
	"strings"

	"github.com/quarterhour/quarterhour/internal/books"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
)

func (echo) Deliveries(_ context.Context, _ *Session, list []*pipelines.Pipeline, sink, day string, each func(string, *books.DeliveryDay) error) error {
	for _, d := range []*books.DeliveryDay{
		{Sink: "wfm", Day: "2026-03-01", Records: 96, Delivered: 96, Discarded: 4, LatencyMs: 52},
		{Sink: "wfm", Day: "2026-03-02", Records: 40, Delivered: 30, Pending: 7, Dead: 3, LatencyMs: 1050, LastError: "status 503"},
	} {
		if sink != "" && sink != d.Sink || day != "" && day != d.Day {
			continue
		}
		if err := each(list[0].Name, d); err != nil {
			return err
		}
	}
	return nil
}

func (echo) Verify(_ context.Context, _ *Session, p *pipelines.Pipeline, _ string, _ books.Range) ([]*books.Verified, error) {
	v := &books.Verified{Sink: "wfm", Verifiable: true, Records: 96, Same: 90, Unread: 6}
	files := &books.Verified{Sink: "files", Records: 12, Unread: 12}
	switch p.Name {
	case "idle":
		v.Same, v.Unread, v.Error = 40, 56, "dial tcp: connection refused"
	case "crooked":
		v.Same--
		v.Differences = []books.DeliveryDifference{{Key: "queue/acme/2026-03-02T08:00:00Z/sales/voice", Revision: 4, How: "offered is 3, not 4"}}
	}
	return []*books.Verified{v, files, {Sink: "empty", Verifiable: true}}, nil
}

func (echo) UnlockSink(_ context.Context, _ *Session, p *pipelines.Pipeline, sink string) ([]string, error) {
	if p.Name == "crooked" {
		return []string{"http/wfm@" + sink + ".example.com"}, nil
	}
	return nil, nil
}

func (echo) Redrive(_ context.Context, s *Session, letters []*schemas.DeadLetter, each func(*schemas.DeadLetter, books.Redriven)) error {
	for _, d := range letters {
		s.Screen.Line("redrive %s", d.Location)
		if strings.HasSuffix(d.Location, "@1") {
			each(d, books.RedriveSuperseded)
			continue
		}
		each(d, books.RedriveSent)
	}
	return nil
}

func (echo) Discard(_ context.Context, s *Session, letters []*schemas.DeadLetter) error {
	for _, d := range letters {
		s.Screen.Line("discard %s", d.Location)
	}
	return nil
}
