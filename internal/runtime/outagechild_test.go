package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	goruntime "runtime"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/internal/registry"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/sinks"
	httpsink "github.com/quarterhour/quarterhour/sinks/http"
	"github.com/quarterhour/quarterhour/transform"
)

// outageVariable makes this test binary a process that runs the sinks of a pipeline; it holds an outageRun. Neither the broker nor the
// destinations are in its memory, and it can be killed.
const outageVariable = "QUARTERHOUR_TEST_OUTAGE"

// outageRun is what such a process runs.
type outageRun struct {
	Broker, Registry, Pipeline, Clock string
	Sinks                             []outageSink
}

// outageSink is a sink of type http with the options; without any it is a writer that takes everything and keeps nothing.
type outageSink struct{ Name, YAML string }

// writerSink takes everything.
type writerSink struct{}

func (writerSink) Write(context.Context, *sinks.Batch) error { return nil }
func (writerSink) Close() error                              { return nil }

// file is the pipeline.
func (r *outageRun) file() (*pipelines.Pipeline, error) {
	p := &pipelines.Pipeline{
		Settings: pipelines.Settings{Name: r.Pipeline, Tenant: "acme", Zone: time.UTC, Interval: 15 * time.Minute, Retention: 840 * time.Hour,
			MaxSession: 16 * time.Hour, ClockSkew: 5 * time.Second, Partitions: 3},
		Stages: []pipelines.Stage{{Options: &transform.StageOptions{
			Profile: transform.ProfileACD, Late: transform.LateRevise, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second,
		}}},
	}
	for _, s := range r.Sinks {
		if s.YAML == "" {
			p.Sinks = append(p.Sinks, pipelines.Sink{Name: s.Name, Registration: sinks.Registration{
				Open: func(context.Context, any, sinks.Deps) (sinks.Sink, error) { return writerSink{}, nil },
			}})
			continue
		}
		node, problems := spec.Document(s.Name, []byte(s.YAML))
		if err := spec.Err(problems); err != nil {
			return nil, err
		}
		options := httpsink.Registration.New()
		if err := spec.Err(spec.Decode(node, options, spec.Source{File: s.Name})); err != nil {
			return nil, err
		}
		p.Sinks = append(p.Sinks, pipelines.Sink{Name: s.Name, Registration: httpsink.Registration, Options: options})
	}
	return p, nil
}

// outageProcess runs the sinks until it is killed. It writes the address of its answers to standard output.
func outageProcess(config string) error {
	var r outageRun
	if err := json.Unmarshal([]byte(config), &r); err != nil {
		return err
	}
	file, err := r.file()
	if err != nil {
		return err
	}
	watch := &gears{}
	if err := watch.shift(r.Clock); err != nil {
		return err
	}
	cluster, err := broker.Open(broker.Config{Brokers: []string{r.Broker}})
	if err != nil {
		return err
	}
	defer cluster.Close()
	client, err := registry.Open(r.Registry)
	if err != nil {
		return err
	}
	metrics := prometheus.NewRegistry()
	if err := outageAnswers(watch, metrics); err != nil {
		return err
	}
	return Run(context.Background(), []*pipelines.Pipeline{file}, Options{
		Cluster: cluster, Registry: client, Stages: []string{StageSinks}, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Progress: noProgress{},
		Metrics: observe.NewMetrics(metrics), Now: watch.Now, Watch: watch,
	})
}

// outageAnswers listens to the test: /heap is the live heap in bytes, /clock takes another time.
func outageAnswers(watch *gears, metrics *prometheus.Registry) error {
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("/heap", func(w http.ResponseWriter, _ *http.Request) {
		var m goruntime.MemStats
		goruntime.GC() // what finalizers and pools let go is free after the second
		goruntime.GC()
		goruntime.ReadMemStats(&m)
		_, _ = fmt.Fprint(w, m.HeapAlloc)
	})
	mux.HandleFunc("/clock", func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err == nil {
			err = watch.shift(string(text))
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { _ = (&http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}).Serve(l) }()
	_, err = os.Stdout.WriteString(l.Addr().String() + "\n")
	return err
}

// gears is a watch whose speed can be changed.
type gears struct {
	mu    sync.Mutex
	watch clock.Watch
}

func (g *gears) in() clock.Watch {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.watch
}

func (g *gears) Now() time.Time                                   { return g.in().Now() }
func (g *gears) Sleep(ctx context.Context, d time.Duration) error { return g.in().Sleep(ctx, d) }

func (g *gears) shift(text string) error {
	w, err := clock.ParseFast(strings.TrimSpace(text))
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.watch = w
	return nil
}
