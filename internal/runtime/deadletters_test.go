package runtime

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
)

// A run says at its end how many inputs could not be used, and says nothing where all could.
func TestARunSaysWhatItSetAside(t *testing.T) {
	w := newWorld(t)
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).UnixMilli()
	contact := func(id string, ended int64) schemas.Contact {
		return schemas.Contact{InteractionID: id, QueueID: "q", Channel: "voice", OfferedAt: at, AnsweredAt: schemas.Null, EndedAt: ended,
			WrapEndedAt: schemas.Null, TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null}
	}
	f := func(want string, contacts ...schemas.Contact) {
		t.Helper()
		var log bytes.Buffer
		p := pipelineOf(t, &factSource{contacts: contacts, batch: 1, mark: at + 3_600_000}, newTableSink())
		err := Run(t.Context(), []*pipelines.Pipeline{p}, Options{
			Cluster: w.cluster, Registry: w.registry, Drain: true, Progress: noProgress{}, Now: clock.Now,
			Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})), Metrics: observe.NewMetrics(prometheus.NewRegistry()),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := log.String(); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f("", contact("a", at+1000))
	f("inputs=2", contact("a", at+1000), contact("b", at-60_000), contact("c", at-60_000)) // they end before they begin
}
