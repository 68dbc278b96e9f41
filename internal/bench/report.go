package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/embedded"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/internal/registry"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/pipelines"
)

// reportRows is the most that Five9 gives in one report.
const reportRows = 50_000

const reportPipeline = `
pipeline: bench
tenant: acme
timezone: America/Los_Angeles
ingest:
  five9:
    type: five9
    url: ${FIVE9_URL}
    username: u
    password: p
    max_rows: 1000000
    back: 24h
    streams: {calls: {longest: 30h}}
transform:
  - intervals: {late: revise}
sinks:
  warehouse: {type: clickhouse}
`

// Report measures a page of a vendor's report on its way into Kafka: from the request for it until every fact is acknowledged and the
// position stored.
func Report(ctx context.Context) (figures []Figure, err error) {
	dir, err := os.MkdirTemp("", "quarterhour-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	vendor := &reporting{csv: callReport(reportRows, reportDay)}
	url, stop, err := vendor.listen(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	engines, err := embedded.Start(ctx, embedded.Options{Dir: filepath.Join(dir, "data"), Holder: "quarterhour bench", Kafka: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, engines.Close()) }()
	if err := readReport(ctx, url, engines.Brokers, engines.Registry); err != nil {
		return nil, err
	}
	took := clock.Since(vendor.began())
	return []Figure{atLeast("report, Five9 to Kafka", reportRows/took.Seconds(), 100_000, "rows/s",
		fmt.Sprintf("%d calls of one report, parsed, mapped, acknowledged, in %s", reportRows, took.Round(time.Millisecond)))}, nil
}

// reportDay is the beginning of the day of which reports are, in Los Angeles.
var reportDay = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// readReport is the ingest stage, once through the vendor's report.
func readReport(ctx context.Context, vendor string, brokers []string, schemas string) error {
	pipeline, err := pipelines.Parse("bench.yaml", []byte(reportPipeline), spec.Environment{"FIVE9_URL": vendor})
	if err != nil {
		return err
	}
	cluster, err := broker.Open(broker.Config{Brokers: brokers})
	if err != nil {
		return err
	}
	defer cluster.Close()
	reg, err := registry.Open(schemas)
	if err != nil {
		return err
	}
	return runtime.Run(ctx, []*pipelines.Pipeline{pipeline}, runtime.Options{
		Cluster: cluster, Registry: reg, Stages: []string{runtime.StageIngest}, Drain: true, Log: slog.New(slog.DiscardHandler), Progress: quiet{},
		Metrics: observe.NewMetrics(prometheus.NewRegistry()), Now: clock.Now, Watch: clock.Fast(reportDay.Add(26*time.Hour), clock.Now(), 1),
	})
}

// reporting answers every report with the same rows.
type reporting struct {
	csv   string
	mu    sync.Mutex
	asked time.Time
}

func (r *reporting) began() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func (r *reporting) listen(ctx context.Context) (url string, stop func() error, err error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }() // until it is closed
	return "http://" + l.Addr().String(), server.Close, nil
}

// ServeHTTP implements http.Handler.
func (r *reporting) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	operation, inside := "getCallCountersState", ""
	for name, text := range map[string]string{"runReport": "<return>1</return>", "isReportRunning": "<return>false</return>"} {
		if bytes.Contains(body, []byte(name)) {
			operation, inside = name, text
		}
	}
	if bytes.Contains(body, []byte("getReportResultCsv")) {
		operation, inside = "getReportResultCsv", "<return>"+r.csv+"</return>"
		r.mu.Lock()
		r.asked = clock.Now()
		r.mu.Unlock()
	}
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	_, _ = fmt.Fprintf(w, `<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body><ns2:%[1]sResponse xmlns:ns2="http://service.admin.ws.five9.com/">%[2]s</ns2:%[1]sResponse></env:Body></env:Envelope>`,
		operation, inside)
}

// callReport is a day of calls in the columns that a call log has.
func callReport(rows int, day time.Time) string {
	var b strings.Builder
	b.WriteString("CALL ID,TIMESTAMP,CAMPAIGN,CALL TYPE,AGENT,AGENT NAME,DISPOSITION,ANI,CUSTOMER NAME,DNIS,CALL TIME,BILL TIME (ROUNDED),COST,IVR TIME,QUEUE WAIT TIME," +
		"RING TIME,TALK TIME,HOLD TIME,PARK TIME,AFTER CALL WORK TIME,TRANSFERS,CONFERENCES,HOLDS,ABANDONED,RECORDINGS,SKILL\n")
	for i := range rows {
		at := day.Add(time.Duration(i)*24*time.Hour/time.Duration(rows+1) - 8*time.Hour) // on the clock of Los Angeles
		fmt.Fprintf(&b, "30000000%07d,\"%s\",Main Line,Inbound,agent%03d,Agent %d,Resolved,+12025550143,Jo Doe,+18005550199,00:04:%02d,00:04:30,0.0840,00:00:%02d,"+
			"00:00:%02d,00:00:04,00:03:12,00:00:20,00:00:00,00:00:31,0,0,1,0,,Sales %d\n", i, at.Format("Mon, 2 Jan 2006 15:04:05"), i%300, i%300, i%60, i%40, i%50, i%8)
	}
	return b.String()
}
