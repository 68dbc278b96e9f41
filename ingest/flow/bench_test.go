package flow

import (
	"context"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/schemas"
)

// sunk takes what it is given and keeps nothing.
type sunk struct{ log }

func (s *sunk) Contact(context.Context, *schemas.Contact) error { return nil }
func (s *sunk) Commit(context.Context, []byte) error            { return nil }
func (s *sunk) Mark(context.Context, string, int64) error       { return nil }

// benchmark hands over a report of 50,000 rows, again and again.
func benchmark(b *testing.B, repeat, replaces bool) {
	const rows = 50_000
	ids := make([]string, rows)
	for i := range ids {
		ids[i] = "300000000" + strconv.Itoa(i)
	}
	at := clock.Now().UnixMilli()
	c := contactAt("", clock.Now(), "300000000012345")
	c.QueueName, c.AgentID, c.AgentName, c.Channel = "Customer service", "dortiz", "Dana Ortiz", "voice"
	n, err := newRun([]Flow{{
		Name: "calls", Facts: []string{"contact"}, Schedule: Schedule{Every: time.Hour}, Window: Window{Overlap: time.Hour}, Replaces: replaces,
	}}, nil, &sunk{}, Options{Deps: ingest.Deps{Log: slog.New(slog.DiscardHandler)}})
	if err != nil {
		b.Fatal(err)
	}
	n.ctx, n.stop = b.Context(), func() {}
	r := n.workers[0].newRead(clock.Now().Add(-time.Hour), clock.Now(), clock.Now())
	round := int64(0)
	hand := func() {
		for i := range ids {
			c.InteractionID, c.OfferedAt = ids[i], at+int64(i)
			c.TalkMs = round
			if err := r.Contact(b.Context(), c); err != nil {
				b.Fatal(err)
			}
		}
	}
	hand()
	b.ReportAllocs()
	for b.Loop() {
		if !repeat {
			round++
		}
		hand()
	}
	b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "facts/s")
}

func BenchmarkRepeatedFacts(b *testing.B)          { benchmark(b, true, false) }
func BenchmarkCorrectedFacts(b *testing.B)         { benchmark(b, false, false) }
func BenchmarkCorrectedFactsReplaced(b *testing.B) { benchmark(b, false, true) }
