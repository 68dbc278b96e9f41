package observe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/quarterhour/quarterhour/internal/observe"
)

// filled is a registry in which every metric has a value.
func filled(t *testing.T) *prometheus.Registry {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	p := observe.NewMetrics(reg).Pipeline("acme")
	s := p.Stage("sink", "warehouse")
	s.Batch(3, 600, 20*time.Millisecond)
	s.Batch(2, 400, 20*time.Millisecond)
	s.Batch(0, 0, time.Second) // nothing came: not a batch
	s.Written(4, 800)
	s.Error("timeout")
	s.Lag("acme.rows", 1, 7)
	s.Lag("acme.rows", 1, 5)
	s.Lag("acme.rows", 2, 9)
	s.Lost("acme.rows", 2)
	p.Outcome("contact", "applied")
	p.Outcomes("contact", "applied", 4)
	p.Outcomes("contact", "duplicate", 0)
	p.Rejected("intervals", "future")
	p.Snapshot("written")
	return reg
}

func TestMetrics(t *testing.T) {
	want := `
# HELP quarterhour_errors_total Failures of a stage, retried ones included, by reason.
# TYPE quarterhour_errors_total counter
quarterhour_errors_total{name="warehouse",pipeline="acme",reason="timeout",stage="sink"} 1
# HELP quarterhour_facts_total Facts read, by what became of them: applied, duplicate, superseded, too_late or rejected.
# TYPE quarterhour_facts_total counter
quarterhour_facts_total{fact="contact",outcome="applied",pipeline="acme"} 5
# HELP quarterhour_lag_records Records of a partition that a stage has yet to read.
# TYPE quarterhour_lag_records gauge
quarterhour_lag_records{name="warehouse",partition="1",pipeline="acme",stage="sink",topic="acme.rows"} 5
# HELP quarterhour_records_total Records a stage has worked through.
# TYPE quarterhour_records_total counter
quarterhour_records_total{name="warehouse",pipeline="acme",stage="sink"} 5
# HELP quarterhour_rejected_total Inputs put on the dead-letter topic, by stage and reason.
# TYPE quarterhour_rejected_total counter
quarterhour_rejected_total{pipeline="acme",reason="future",stage="intervals"} 1
# HELP quarterhour_snapshots_total Snapshots of shards, by what became of them: written, failed, restored, or refused by a shard that started.
# TYPE quarterhour_snapshots_total counter
quarterhour_snapshots_total{outcome="written",pipeline="acme"} 1
# HELP quarterhour_written_bytes_total Encoded size of the records a stage has written and had acknowledged, in bytes.
# TYPE quarterhour_written_bytes_total counter
quarterhour_written_bytes_total{name="warehouse",pipeline="acme",stage="sink"} 800
`
	err := testutil.GatherAndCompare(filled(t), strings.NewReader(want), "quarterhour_errors_total", "quarterhour_facts_total",
		"quarterhour_lag_records", "quarterhour_records_total", "quarterhour_rejected_total", "quarterhour_snapshots_total", "quarterhour_written_bytes_total")
	if err != nil {
		t.Error(err)
	}
}

func TestMetricsAreNamedAndExplained(t *testing.T) {
	families, err := filled(t).Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	if len(families) != 11 {
		t.Errorf("%d metrics, want all 11", len(families))
	}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "quarterhour_") {
			t.Errorf("%s is not named quarterhour_*", f.GetName())
		}
	}
}

func BenchmarkBatch(b *testing.B) {
	s := observe.NewMetrics(prometheus.NewRegistry()).Pipeline("acme").Stage("sink", "warehouse")
	b.ReportAllocs()
	for b.Loop() {
		s.Batch(1000, 200_000, time.Millisecond)
		s.Lag("acme.rows", 1, 7)
	}
}

func serve(t *testing.T) *observe.Server {
	t.Helper()
	s, err := observe.Listen(t.Context(), observe.ServerOptions{Addr: "127.0.0.1:0", Metrics: filled(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

func get(t *testing.T, s *observe.Server, path string) (int, string) {
	t.Helper()
	answer, err := http.Get("http://" + s.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestServer(t *testing.T) {
	s := serve(t)
	s.Handle("GET /console", http.NotFoundHandler())
	f := func(path string, wantStatus int, want string) {
		t.Helper()
		if status, body := get(t, s, path); status != wantStatus || !strings.Contains(body, want) {
			t.Errorf("%s: %d %q, want %d and %q", path, status, body, wantStatus, want)
		}
	}
	f("/metrics", 200, `quarterhour_lag_records{name="warehouse",`)
	f("/healthz", 200, `"status":"ok"`)
	f("/", 200, "/readyz")
	f("/elsewhere", 404, "")
	f("/console", 404, "")

	f("/readyz", 200, `"status":"ok"`) // nothing is needed
	broken := errors.New("dial tcp: refused\nand more")
	s.Ready("kafka", func(context.Context) error { return broken })
	s.Ready("clickhouse", func(context.Context) error { return nil })
	f("/readyz", 503, `{"status":"failing","checks":{"clickhouse":"ok","kafka":"dial tcp: refused; and more"}}`)
	f("/healthz", 200, "ok") // to be started again would not help
	s.Ready("kafka", func(context.Context) error { return nil })
	f("/readyz", 200, `"kafka":"ok"`)
	// A check that never returns is given up.
	s.Ready("stuck", func(context.Context) error { select {} })
	f("/readyz", 503, `"stuck":"no answer within 2s"`)
}

// TestCloseFinishesWhatIsBeingAnswered.
func TestCloseFinishesWhatIsBeingAnswered(t *testing.T) {
	s := serve(t)
	asked, answer := make(chan struct{}), make(chan struct{})
	s.Ready("slow", func(context.Context) error { close(asked); <-answer; return nil })
	got := make(chan string, 1)
	go func() {
		_, body := get(t, s, "/readyz")
		got <- body
	}()
	<-asked
	closed := make(chan error, 1)
	go func() { closed <- s.Close(context.Background()) }()
	for { // until the listener is closed
		if _, err := http.Get("http://" + s.Addr() + "/healthz"); err != nil {
			break
		}
	}
	close(answer)
	if body := <-got; !strings.Contains(body, `"slow":"ok"`) || !strings.Contains(body, "stopping") {
		t.Errorf("%q, want the check's result, and that the process stops", body)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Errorf("the second Close: %v", err)
	}
}

func TestAnAddressInUse(t *testing.T) {
	s := serve(t)
	_, err := observe.Listen(t.Context(), observe.ServerOptions{Addr: s.Addr(), Metrics: prometheus.NewRegistry()})
	if err == nil || !strings.Contains(err.Error(), s.Addr()) || !strings.Contains(err.Error(), "http.addr") {
		t.Errorf("error %v, want the address and the option", err)
	}
}

func TestLogger(t *testing.T) {
	f := func(level, format, wantIn, wantOut string) {
		t.Helper()
		var out bytes.Buffer
		log, err := observe.NewLogger(&out, level, format)
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("fine")
		log.Info("coarse", "took", 1500*time.Millisecond)
		if !strings.Contains(out.String(), wantIn) || wantOut != "" && strings.Contains(out.String(), wantOut) {
			t.Errorf("%s %s: %q, want %q and not %q", level, format, &out, wantIn, wantOut)
		}
	}
	f("", "", `"msg":"coarse","took":"1.5s"`, "fine") // not a terminal
	f("info", "auto", `"msg":"coarse"`, "fine")
	f("debug", "text", "msg=fine", "{")
	f("warn", "json", "", "coarse")

	var out bytes.Buffer
	log, err := observe.NewLogger(&out, "info", "json")
	if err != nil {
		t.Fatal(err)
	}
	log.With("pipeline", "acme").Warn("late", slog.Group("fact", "tenant", "t"))
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["pipeline"] != "acme" || line["level"] != "WARN" {
		t.Errorf("%s is %v, %v", &out, line, err)
	}
	for _, c := range [][2]string{{"loud", "text"}, {"info", "xml"}} {
		if _, err := observe.NewLogger(io.Discard, c[0], c[1]); err == nil || !strings.Contains(err.Error(), "write ") {
			t.Errorf("%v: error %v, want what to write", c, err)
		}
	}
}

func TestNewRegistryHasTheProcess(t *testing.T) {
	n, err := testutil.GatherAndCount(observe.NewRegistry(), "go_goroutines", "process_resident_memory_bytes")
	if err != nil || n != 2 {
		t.Errorf("%d of the 2 figures, %v", n, err)
	}
}
