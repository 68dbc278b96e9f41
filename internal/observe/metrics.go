package observe

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// NewRegistry is a registry with the process's own figures: memory, processor time, open files, garbage collection.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Metrics counts what every pipeline does. Its methods, and those of what it gives out, are safe for concurrent use.
type Metrics struct {
	records, bytes, written, writtenBytes, errors, facts, rejected, snapshots *prometheus.CounterVec
	lag                                                                       *prometheus.GaugeVec
	batchRecords, batchSeconds                                                *prometheus.HistogramVec
	sources                                                                   sourceVectors
	deliveries                                                                deliveryVectors
}

// NewMetrics registers the metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	stage := []string{"pipeline", "stage", "name"}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "quarterhour", Name: name, Help: help}, labels)
		reg.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "quarterhour", Name: name, Help: help, Buckets: buckets}, stage)
		reg.MustRegister(h)
		return h
	}
	m := &Metrics{
		records:      counter("records_total", "Records a stage has worked through.", stage...),
		bytes:        counter("bytes_total", "Encoded size of the records a stage has worked through, in bytes.", stage...),
		written:      counter("written_records_total", "Records a stage has written and had acknowledged.", stage...),
		writtenBytes: counter("written_bytes_total", "Encoded size of the records a stage has written and had acknowledged, in bytes.", stage...),
		errors:       counter("errors_total", "Failures of a stage, retried ones included, by reason.", append(stage, "reason")...),
		facts: counter("facts_total", "Facts read, by what became of them: applied, duplicate, superseded, too_late or rejected.",
			"pipeline", "fact", "outcome"),
		rejected: counter("rejected_total", "Inputs put on the dead-letter topic, by stage and reason.", "pipeline", "stage", "reason"),
		snapshots: counter("snapshots_total", "Snapshots of shards, by what became of them: written, failed, restored, or refused by a shard that started.",
			"pipeline", "outcome"),
		lag: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "quarterhour", Name: "lag_records",
			Help: "Records of a partition that a stage has yet to read."}, append(stage, "topic", "partition")),
		batchRecords: histogram("batch_records", "Records in a batch.", prometheus.ExponentialBuckets(1, 4, 10)),
		batchSeconds: histogram("batch_seconds", "Time a stage took for a batch, in seconds.", prometheus.ExponentialBuckets(0.0005, 4, 9)),
	}
	reg.MustRegister(m.lag)
	m.sources = newSourceVectors(reg)
	m.deliveries = newDeliveryVectors(reg)
	return m
}

// Pipeline gives the counters of one pipeline.
func (m *Metrics) Pipeline(name string) *Pipeline {
	return &Pipeline{m: m, name: name, outcomes: map[[2]string]prometheus.Counter{}}
}

// Pipeline counts the work of one pipeline.
type Pipeline struct {
	m    *Metrics
	name string

	mu       sync.RWMutex
	outcomes map[[2]string]prometheus.Counter
}

// Stage gives the counters of one stage: kind is "ingest", "intervals", "merge" or "sink", name the source's, the sink's, or empty.
func (p *Pipeline) Stage(kind, name string) *Stage {
	l := prometheus.Labels{"pipeline": p.name, "stage": kind, "name": name}
	return &Stage{
		records: p.m.records.With(l), bytes: p.m.bytes.With(l),
		written: p.m.written.With(l), writtenBytes: p.m.writtenBytes.With(l),
		batchRecords: p.m.batchRecords.With(l), batchSeconds: p.m.batchSeconds.With(l),
		errors: p.m.errors.MustCurryWith(l), lag: p.m.lag.MustCurryWith(l), lags: map[part]prometheus.Gauge{},
	}
}

// Outcome counts one fact.
func (p *Pipeline) Outcome(fact, outcome string) { p.Outcomes(fact, outcome, 1) }

// Outcomes counts n facts of one kind that had the same outcome.
func (p *Pipeline) Outcomes(fact, outcome string, n int) {
	if n == 0 {
		return
	}
	key := [2]string{fact, outcome}
	p.mu.RLock()
	c, ok := p.outcomes[key]
	p.mu.RUnlock()
	if !ok {
		c = p.m.facts.WithLabelValues(p.name, fact, outcome)
		p.mu.Lock()
		p.outcomes[key] = c
		p.mu.Unlock()
	}
	c.Add(float64(n))
}

// Rejected counts an input put on the dead-letter topic. The reason is one of a fixed set, never text from the input.
func (p *Pipeline) Rejected(stage, reason string) {
	p.m.rejected.WithLabelValues(p.name, stage, reason).Inc()
}

// Snapshot counts a snapshot of a shard: written, failed, restored or refused.
func (p *Pipeline) Snapshot(outcome string) {
	p.m.snapshots.WithLabelValues(p.name, outcome).Inc()
}

type part struct {
	topic string
	n     int
}

// Stage counts the work of one stage.
type Stage struct {
	records, bytes, written, writtenBytes prometheus.Counter
	batchRecords, batchSeconds            prometheus.Observer
	errors                                *prometheus.CounterVec
	lag                                   *prometheus.GaugeVec

	mu   sync.RWMutex
	lags map[part]prometheus.Gauge
}

// Batch counts a batch worked through: how many records, their encoded size, and the time taken. Empty batches are not counted.
func (s *Stage) Batch(records, bytes int, took time.Duration) {
	if records == 0 {
		return
	}
	s.records.Add(float64(records))
	s.bytes.Add(float64(bytes))
	s.batchRecords.Observe(float64(records))
	s.batchSeconds.Observe(took.Seconds())
}

// Written counts records written and acknowledged.
func (s *Stage) Written(records, bytes int) {
	s.written.Add(float64(records))
	s.writtenBytes.Add(float64(bytes))
}

// Error counts a failure. The reason is one of a fixed set, never the error's text.
func (s *Stage) Error(reason string) { s.errors.WithLabelValues(reason).Inc() }

// Lag sets how many records of the partition are yet to be read.
func (s *Stage) Lag(topic string, partition int, n int64) {
	key := part{topic, partition}
	s.mu.RLock()
	g, ok := s.lags[key]
	s.mu.RUnlock()
	if !ok {
		g = s.lag.WithLabelValues(topic, strconv.Itoa(partition))
		s.mu.Lock()
		s.lags[key] = g
		s.mu.Unlock()
	}
	g.Set(float64(max(n, 0)))
}

// Lost ends the lag of a partition that another process works on from here on.
func (s *Stage) Lost(topic string, partition int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lags, part{topic, partition})
	s.lag.DeleteLabelValues(topic, strconv.Itoa(partition))
}
