package runtime

import (
	"context"
	"fmt"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/transform"
)

// The kinds of fact that have a topic of their own.
const (
	contactTopic    = "contact"
	agentStateTopic = "agent_state"
	workerTopic     = "worker" // who is who: the greatest revision of each person's ids holds
)

// factKinds lists them in the order their topics are created.
var factKinds = []string{contactTopic, agentStateTopic}

// topics names what one pipeline keeps in Kafka.
type topics struct{ pipeline string }

// fact is the topic of a kind of fact. Shifts travel with the states of their agents, and rows that a source reports are partials.
func (t topics) fact(kind string) string {
	switch kind {
	case "shift":
		kind = agentStateTopic
	case transform.FactInterval:
		return t.partials()
	}
	return t.pipeline + "." + kind
}

func (t topics) partials() string    { return t.pipeline + ".partials" }
func (t topics) rows() string        { return t.pipeline + ".rows" }
func (t topics) cursors() string     { return t.pipeline + ".cursors" }
func (t topics) deadLetters() string { return t.pipeline + ".deadletters" }
func (t topics) raw() string         { return t.pipeline + ".raw" }
func (t topics) deliveries() string  { return t.pipeline + ".deliveries" }
func (t topics) snapshots() string   { return t.pipeline + ".snapshots" }

func (t topics) intervalsGroup() string       { return t.pipeline + ".intervals" }
func (t topics) mergeGroup() string           { return t.pipeline + ".merge" }
func (t topics) zerosGroup() string           { return t.pipeline + ".zeros" }
func (t topics) sinkGroup(name string) string { return t.pipeline + ".sink." + name }

// ensure creates the topics that are missing. The number of partitions is fixed by the first run: a shard is a partition,
// and moving an identity to another shard would count it twice.
func (t topics) ensure(ctx context.Context, c *broker.Cluster, p *pipelines.Pipeline) error {
	wanted := []broker.Topic{
		{Name: t.partials(), Partitions: p.Partitions, Compact: true},
		{Name: t.rows(), Partitions: p.Partitions, Compact: true},
		{Name: t.cursors(), Partitions: 1, Compact: true},
		{Name: t.deliveries(), Partitions: p.Partitions, Compact: true},
		{Name: t.deadLetters(), Partitions: 1},
		{Name: t.snapshots(), Partitions: 1 + p.Partitions, Compact: true},
	}
	wanted = append(wanted, broker.Topic{Name: t.fact(workerTopic), Partitions: p.Partitions, Compact: true})
	for _, kind := range factKinds {
		wanted = append(wanted, broker.Topic{Name: t.fact(kind), Partitions: p.Partitions})
	}
	for _, topic := range wanted {
		got, err := c.EnsureTopic(ctx, topic)
		if err != nil {
			return fmt.Errorf("topic %q: %w", topic.Name, err)
		}
		if got != topic.Partitions {
			return fmt.Errorf("topic %q has %d partitions and the pipeline asks for %d: set `partitions: %d`, or start a pipeline "+
				"of another name and load the facts into it", topic.Name, got, topic.Partitions, got)
		}
		crash.Point(crash.TopicEnsured)
	}
	return nil
}
