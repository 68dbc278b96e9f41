package runtime

import (
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/transform"
)

// pipelineMetrics are the counters of one pipeline and of its stages that have one of each.
type pipelineMetrics struct {
	*observe.Pipeline
	intervals, merge *observe.Stage
}

func newPipelineMetrics(m *observe.Metrics, pipeline string) *pipelineMetrics {
	p := m.Pipeline(pipeline)
	return &pipelineMetrics{Pipeline: p, intervals: p.Stage(StageIntervals, ""), merge: p.Stage(StageMerge, "")}
}

// folded counts what became of the facts folded between two states of a shard's books. Undecodable records never reach the shard.
func (m *pipelineMetrics) folded(fact string, before, after transform.Counts, undecodable int) {
	for _, o := range []struct {
		outcome transform.Outcome
		n       int64
	}{
		{transform.Applied, after.Applied - before.Applied},
		{transform.Duplicate, after.Duplicate - before.Duplicate},
		{transform.Superseded, after.Superseded - before.Superseded},
		{transform.TooLate, after.TooLate - before.TooLate},
		{transform.Rejected, after.Rejected - before.Rejected + int64(undecodable)},
	} {
		m.Outcomes(fact, o.outcome.String(), int(o.n))
	}
}
