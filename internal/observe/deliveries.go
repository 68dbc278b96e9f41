package observe

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// deliveryVectors are the metrics of sinks that deliver by requests.
type deliveryVectors struct {
	records, pauses           *prometheus.CounterVec
	seconds                   *prometheus.HistogramVec
	pending, sending, allowed *prometheus.GaugeVec
}

func newDeliveryVectors(reg prometheus.Registerer) deliveryVectors {
	sink := []string{"pipeline", "sink"}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "quarterhour", Name: name, Help: help}, append(sink[:2:2], labels...))
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "quarterhour", Name: name, Help: help}, sink)
	}
	v := deliveryVectors{
		records: counter("deliveries_total", "Records that a sink tried to deliver, by outcome: delivered, retry or dead.", "outcome"),
		pauses:  counter("delivery_pauses_total", "Times that a destination was left alone after a failure."),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "quarterhour", Name: "delivery_request_seconds",
			Help:    "Time until a destination answered a request, in seconds, by outcome: ok, transient, throttled, refused or permanent.",
			Buckets: prometheus.ExponentialBuckets(0.005, 3, 9)}, append(sink[:2:2], "outcome")),
		pending: gauge("delivery_pending_records", "Records that a sink holds and has not settled; more may wait in the log."),
		sending: gauge("delivery_requests_in_flight", "Requests that wait for a destination's answer."),
		allowed: gauge("delivery_concurrency_limit", "Requests that may wait for a destination's answer at once; it falls when the destination fails, to 0 while it is left alone."),
	}
	reg.MustRegister(v.records, v.pauses, v.seconds, v.pending, v.sending, v.allowed)
	return v
}

// Delivery counts the work of one sink that delivers by requests.
type Delivery struct {
	v              deliveryVectors
	pipeline, name string
}

// Delivery gives the counters of one sink.
func (p *Pipeline) Delivery(sink string) *Delivery { return &Delivery{p.m.deliveries, p.name, sink} }

// Records counts records that had the same outcome, one of a fixed set.
func (d *Delivery) Records(outcome string, n int) {
	d.v.records.WithLabelValues(d.pipeline, d.name, outcome).Add(float64(n))
}

// Request counts a request. The outcome is one of a fixed set.
func (d *Delivery) Request(outcome string, took time.Duration) {
	d.v.seconds.WithLabelValues(d.pipeline, d.name, outcome).Observe(took.Seconds())
}

// Pause counts a pause.
func (d *Delivery) Pause() { d.v.pauses.WithLabelValues(d.pipeline, d.name).Inc() }

// State sets what the sink is doing.
func (d *Delivery) State(pending, sending, allowed int) {
	d.v.pending.WithLabelValues(d.pipeline, d.name).Set(float64(pending))
	d.v.sending.WithLabelValues(d.pipeline, d.name).Set(float64(sending))
	d.v.allowed.WithLabelValues(d.pipeline, d.name).Set(float64(allowed))
}
