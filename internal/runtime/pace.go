package runtime

import "time"

// The pace of handing on. Each wait lets more facts of the same rows come together: rows are written once instead of often,
// and destinations get few large batches.
const (
	emitPace  = 500 * time.Millisecond // of a stage that has caught up
	emitEvery = 2 * time.Second        // of one that is catching up
	sinkPace  = time.Second            // of a sink
	sinkLarge = 50_000                 // records that a sink does not wait with
)

// fed says, while draining, that a stage has been handed all there will be: nothing is gained by waiting for more.
type fed map[string]chan struct{}

func newFed() fed {
	f := fed{}
	for _, stage := range Stages {
		f[stage] = make(chan struct{})
	}
	return f
}

func (f fed) fully(stage string) bool {
	select {
	case <-f[stage]:
		return true
	default:
		return false
	}
}

// due says whether a stage should hand on what it has.
func (p *pipeline) due(stage string, caughtUp bool, last time.Time) bool {
	waited := p.now().Sub(last)
	return waited >= emitEvery || caughtUp && (waited >= emitPace || p.fed.fully(stage))
}
