package runtime

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/internal/crash"
)

// drainPoll is how often a draining run looks whether a stage has committed everything.
const drainPoll = 10 * time.Millisecond

// await returns once the group has committed every topic through the end it has now.
func (p *pipeline) await(ctx context.Context, what, group string, topics ...string) error {
	for _, topic := range topics {
		ends, err := p.cluster.Offsets(ctx, topic)
		if err != nil {
			return fmt.Errorf("drain %s: %w", what, err)
		}
		var total int64
		for _, r := range ends {
			total += r.Next - r.First
		}
		for {
			committed, err := p.cluster.Committed(ctx, group, topic)
			if err != nil {
				return fmt.Errorf("drain %s: %w", what, err)
			}
			var behind int64
			for n, r := range ends {
				if at := max(committed[n], r.First); at < r.Next {
					behind += r.Next - at
				}
			}
			p.progress.Report(what+" "+topic, total-behind, total, "records")
			if behind == 0 {
				crash.Point(crash.StageDrained)
				break
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(drainPoll):
			}
		}
	}
	return nil
}

// awaitStages follows the data flow: what a stage has committed, it has handed on, so the next stage's end is known then.
func (p *pipeline) awaitStages(ctx context.Context, s stageSet) error {
	close(p.fed[StageIntervals])
	if s.has(StageIntervals) {
		if err := p.await(ctx, "intervals", p.topics.intervalsGroup(), p.factTopics()...); err != nil {
			return err
		}
	}
	close(p.fed[StageMerge])
	if s.has(StageMerge) {
		if err := p.await(ctx, "merge", p.topics.mergeGroup(), p.topics.partials()); err != nil {
			return err
		}
	}
	if s.has(StageSinks) {
		if err := p.zeros.fillOnce(ctx); err != nil {
			return err
		}
	}
	close(p.fed[StageSinks])
	if !s.has(StageSinks) {
		return nil
	}
	// What sinks write themselves is there once all have taken their rows and facts: who takes it too comes after.
	for _, own := range []bool{false, true} {
		for _, sink := range p.file.Sinks {
			topics := slices.DeleteFunc(p.sinkTopics(sink), func(topic string) bool { return p.writtenBySinks(topic) != own })
			if err := p.await(ctx, "sink "+sink.Name, p.topics.sinkGroup(sink.Name), topics...); err != nil {
				return err
			}
		}
		if !own {
			if err := p.queues.empty(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// writtenBySinks says whether sinks write to a topic that others read.
func (p *pipeline) writtenBySinks(topic string) bool {
	return topic == p.topics.deliveries() || topic == p.topics.deadLetters()
}
