package observe

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// sourceVectors are the metrics of sources that have flows, and of the credentials they use.
type sourceVectors struct {
	reads, facts         *prometheus.CounterVec
	behind, left, locked *prometheus.GaugeVec
}

func newSourceVectors(reg prometheus.Registerer) sourceVectors {
	flow := []string{"pipeline", "source", "flow"}
	counter := func(name, help string, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "quarterhour", Name: name, Help: help}, append(flow[:3:3], label))
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "quarterhour", Name: name, Help: help}, labels)
	}
	v := sourceVectors{
		reads: counter("source_reads_total", "Reads of a source's flow, by outcome: ok, failed, exhausted or locked.", "outcome"),
		facts: counter("source_facts_total",
			"Facts of a source's flow, by what became of them: handed on, repeated and dropped, retracted, or rejected.", "outcome"),
		behind: gauge("source_behind_seconds", "How far a source's flow was from complete up to the present at its last read, in seconds.", flow...),
		left: gauge("credential_left", "Operations that a credential may still make in the present stretch of time.",
			"credential", "operation", "per"),
		locked: gauge("credential_locked", "1 where the vendor refused the credential and no call is made with it.", "credential"),
	}
	reg.MustRegister(v.reads, v.facts, v.behind, v.left, v.locked)
	return v
}

// Source counts the work of one source's flows.
type Source struct {
	v              sourceVectors
	pipeline, name string
}

// Source gives the counters of one source.
func (p *Pipeline) Source(name string) *Source { return &Source{p.m.sources, p.name, name} }

// Read counts one read of a flow. The outcome is one of a fixed set.
func (s *Source) Read(flow, outcome string) {
	s.v.reads.WithLabelValues(s.pipeline, s.name, flow, outcome).Inc()
}

// Facts counts facts of a flow that had the same outcome, one of a fixed set.
func (s *Source) Facts(flow, outcome string, n int64) {
	if n > 0 {
		s.v.facts.WithLabelValues(s.pipeline, s.name, flow, outcome).Add(float64(n))
	}
}

// Behind sets how far a flow is from complete.
func (s *Source) Behind(flow string, by time.Duration) {
	s.v.behind.WithLabelValues(s.pipeline, s.name, flow).Set(max(by, 0).Seconds())
}

// CredentialLeft sets what is left of a budget.
func (m *Metrics) CredentialLeft(credential, operation string, per time.Duration, n int64) {
	m.sources.left.WithLabelValues(credential, operation, per.String()).Set(float64(max(n, 0)))
}

// CredentialLocked sets whether the vendor refused the credential.
func (m *Metrics) CredentialLocked(credential string, locked bool) {
	value := 0.0
	if locked {
		value = 1
	}
	m.sources.locked.WithLabelValues(credential).Set(value)
}
