package runtime

import (
	"context"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/internal/quota"
)

// sourceMetrics counts what the flows of a source do.
type sourceMetrics struct{ to *observe.Source }

// Source gives the counters of a source that has flows.
func (m *pipelineMetrics) Source(name string) ingest.Metrics {
	return sourceMetrics{m.Pipeline.Source(name)}
}

func (m sourceMetrics) Flow(flow, outcome string, behind time.Duration, n ingest.FlowCounts) {
	m.to.Read(flow, outcome)
	m.to.Facts(flow, "handed", n.Handed)
	m.to.Facts(flow, "repeated", n.Repeated)
	m.to.Facts(flow, "retracted", n.Retracted)
	m.to.Facts(flow, "rejected", n.Rejected)
	if behind >= 0 {
		m.to.Behind(flow, behind)
	}
}

// credentialPulse is how often the budgets are shown to the metrics.
const credentialPulse = 10 * time.Second

// watchCredentials shows what is left of budgets, until stop is called.
func watchCredentials(ctx context.Context, k *quota.Keyring, m *observe.Metrics) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for clock.Sleep(ctx, credentialPulse) == nil {
			showCredentials(k, m)
		}
	}()
	return func() {
		cancel()
		<-done
		showCredentials(k, m)
	}
}

func showCredentials(k *quota.Keyring, m *observe.Metrics) {
	for name, c := range k.All() {
		_, why := c.Locked()
		m.CredentialLocked(name, why != "")
		for _, u := range c.Usage() {
			if u.Per > time.Second {
				m.CredentialLeft(name, u.Operation, u.Per, u.Count-u.Spent)
			}
		}
	}
}
