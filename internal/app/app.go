// Package app does the work behind the command line: it brings up the engines a command needs, and runs pipelines, queries,
// migrations, the demo and the benchmarks on them.
package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/cli"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/embedded"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/internal/registry"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/pipelines"
)

// App implements cli.App. The zero value is right.
type App struct {
	Snapshots runtime.SnapshotPace // of the runs it starts
}

var _ cli.App = App{}

// engines are what a command works on: embedded ones of its own or of a process that runs beside it, or those that the
// configuration names.
type engines struct {
	embedded.Endpoints
	own   bool // embedded, and started by this command
	close func() error
}

// needs says which engines a command uses.
type needs struct{ kafka, clickhouse bool }

// metBy says whether the engines of another process are enough.
func (n needs) metBy(e embedded.Endpoints) bool {
	return (!n.kafka || len(e.Brokers) > 0 && e.Registry != "") && (!n.clickhouse || e.ClickHouse != "")
}

// open brings up what is needed. share allows the engines of another process that has the data folder.
func open(ctx context.Context, s *cli.Session, n needs, share bool) (*engines, error) {
	system := s.System
	wanted := needs{kafka: n.kafka && system.EmbeddedKafka(), clickhouse: n.clickhouse && system.EmbeddedClickHouse()}
	e := &engines{close: func() error { return nil }}
	if wanted.kafka || wanted.clickhouse {
		var live embedded.Endpoints
		if share {
			live, share = embedded.Attach(system.Data)
		}
		if share && wanted.metBy(live) {
			e.Endpoints = live
		} else { // a holder that lacks an engine is named by the error
			started, err := embedded.Start(ctx, embedded.Options{
				Dir: system.Data, Holder: s.Command, Kafka: wanted.kafka, ClickHouse: wanted.clickhouse, Log: s.Log,
			})
			if err != nil {
				return nil, err
			}
			e.Endpoints, e.own, e.close = started.Endpoints, true, started.Close
		}
	}
	if !system.EmbeddedKafka() {
		e.Brokers, e.Registry = system.Kafka.Brokers, system.Registry.URL
	}
	if !system.EmbeddedClickHouse() {
		e.ClickHouse = system.ClickHouse.URL
	}
	return e, nil
}

// connect reaches Kafka and the schema registry.
func connect(s *cli.Session, e *engines) (*broker.Cluster, *registry.Client, error) {
	k, r := s.System.Kafka, s.System.Registry
	encrypted, err := k.TLS.Config()
	if err != nil {
		return nil, nil, fmt.Errorf("kafka.tls: %w", err)
	}
	c := broker.Config{
		Brokers: e.Brokers, TLS: encrypted, Log: s.Log,
		SASL: broker.SASL{Mechanism: k.SASL.Mechanism, User: k.SASL.Username, Password: k.SASL.Password},
	}
	var options []registry.Option
	if r.Username != "" {
		options = append(options, registry.BasicAuth(r.Username, r.Password))
	}
	if encrypted, err = r.TLS.Config(); err != nil {
		return nil, nil, fmt.Errorf("registry.tls: %w", err)
	} else if encrypted != nil {
		options = append(options, registry.TLS(encrypted))
	}
	reg, err := registry.Open(e.Registry, options...)
	if err != nil {
		return nil, nil, err
	}
	cluster, err := broker.Open(c)
	return cluster, reg, err
}

// Run runs the pipelines until ctx ends, or, draining, until all that the sources had has reached every sink.
func (a App) Run(ctx context.Context, s *cli.Session, list []*pipelines.Pipeline, o cli.RunOptions) (err error) {
	e, err := open(ctx, s, needs{kafka: true, clickhouse: true}, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	watch, err := clock.ParseFast(os.Getenv(clock.FastVariable))
	if err != nil {
		return err
	}
	return run(ctx, s, e, list, runOptions{RunOptions: o, pace: a.Snapshots, watch: watch})
}

// stopWithin is how long the HTTP server may take to finish what it answers.
const stopWithin = 2 * time.Second

// runOptions are a run's, besides what the command line says.
type runOptions struct {
	cli.RunOptions
	pace  runtime.SnapshotPace
	watch clock.Watch
}

func run(ctx context.Context, s *cli.Session, e *engines, list []*pipelines.Pipeline, o runOptions) error {
	cluster, reg, err := connect(s, e)
	if err != nil {
		return err
	}
	defer cluster.Close()
	metrics := observe.NewRegistry()
	close, err := answer(ctx, s, metrics, map[string]observe.Check{"kafka": cluster.Ping, "registry": reg.Ping})
	if err != nil && !o.Drain { // a short run needs no probes
		return err
	}
	defer close()
	return runtime.Run(ctx, list, runtime.Options{
		Cluster: cluster, Registry: reg, Warehouse: e.ClickHouse, Stages: o.Stages, Drain: o.Drain,
		Log: s.Log, Progress: s.Progress, Snapshots: o.pace, Metrics: observe.NewMetrics(metrics), Now: clock.Now, Watch: o.watch,
	})
}

// answer serves metrics and probes; close stops it.
func answer(ctx context.Context, s *cli.Session, metrics prometheus.Gatherer, checks map[string]observe.Check) (close func(), err error) {
	addr := s.System.HTTP.Addr
	if addr == "off" || addr == "" {
		return func() {}, nil
	}
	server, err := observe.Listen(ctx, observe.ServerOptions{Addr: addr, Metrics: metrics, Log: s.Log})
	if err != nil {
		return func() {}, err
	}
	for name, check := range checks {
		server.Ready(name, check)
	}
	s.Log.Info("metrics and probes", "url", "http://"+server.Addr())
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		_ = server.Close(ctx) // it only answers questions: nothing is lost
	}, nil
}
