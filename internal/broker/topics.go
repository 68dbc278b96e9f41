package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

// Topic is a topic to be made.
type Topic struct {
	Name       string
	Partitions int
	Compact    bool          // keep only the newest record of every key
	Retention  time.Duration // how long records are kept; 0: for ever, since a log is the state
	Replicas   int           // 0: as the cluster's default says
}

// EnsureTopic makes the topic if it is missing, and returns how many partitions it has. A topic that is there is left as it is.
func (c *Cluster) EnsureTopic(ctx context.Context, t Topic) (int, error) {
	there := false
	err := c.retry(ctx, fmt.Sprintf("create topic %q", t.Name), func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		res, err := c.admin.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
			Topic: t.Name, NumPartitions: t.Partitions, ReplicationFactor: replicas(t), ConfigEntries: topicConfig(t),
		}}})
		if err == nil {
			err = res.Errors[t.Name]
		}
		if there = errors.Is(err, kafka.TopicAlreadyExists); there {
			return nil
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	if there {
		c.refresh(ctx)
	}
	return c.partitions(ctx, t.Name)
}

func replicas(t Topic) int {
	if t.Replicas == 0 {
		return -1
	}
	return t.Replicas
}

func topicConfig(t Topic) []kafka.ConfigEntry {
	policy, keep := "delete", int64(-1)
	if t.Compact {
		policy = "compact"
	}
	if t.Retention > 0 {
		keep = t.Retention.Milliseconds()
	}
	return []kafka.ConfigEntry{
		{ConfigName: "cleanup.policy", ConfigValue: policy},
		{ConfigName: "retention.ms", ConfigValue: strconv.FormatInt(keep, 10)},
		{ConfigName: "retention.bytes", ConfigValue: "-1"},
	}
}

// partitions is how many partitions the topic has.
func (c *Cluster) partitions(ctx context.Context, topic string) (int, error) {
	var n int
	err := c.retry(ctx, fmt.Sprintf("look up topic %q", topic), func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		res, err := c.admin.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
		if err != nil {
			return err
		}
		for _, t := range res.Topics {
			if t.Name == topic {
				n = len(t.Partitions)
				if t.Error == nil && n == 0 {
					return kafka.LeaderNotAvailable
				}
				return t.Error
			}
		}
		return kafka.UnknownTopicOrPartition
	})
	return n, err
}

// Offsets is what each partition of the topic holds and can be read: Next is the end as a reader of committed records sees it.
func (c *Cluster) Offsets(ctx context.Context, topic string) ([]Range, error) {
	n, err := c.partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	ranges := make([]Range, n)
	err = c.retry(ctx, fmt.Sprintf("read the offsets of topic %q", topic), func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		var requests []kafka.OffsetRequest
		for p := range n {
			requests = append(requests, kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p))
		}
		res, err := c.admin.ListOffsets(ctx, &kafka.ListOffsetsRequest{
			Topics: map[string][]kafka.OffsetRequest{topic: requests}, IsolationLevel: kafka.ReadCommitted,
		})
		if err != nil {
			return err
		}
		for _, p := range res.Topics[topic] {
			if p.Error != nil {
				return fmt.Errorf("partition %d: %w", p.Partition, p.Error)
			}
			if p.Partition < n {
				ranges[p.Partition] = Range{First: p.FirstOffset, Next: p.LastOffset}
			}
		}
		return nil
	})
	return ranges, err
}

// offsets is what one partition holds.
func (c *Cluster) offsets(ctx context.Context, topic string, partition int) (Range, error) {
	all, err := c.Offsets(ctx, topic)
	if err != nil {
		return Range{}, err
	}
	if partition >= len(all) {
		return Range{}, fmt.Errorf("topic %q has %d partitions, and number %d was asked for", topic, len(all), partition)
	}
	return all[partition], nil
}

// Committed is how far the group has come in each partition of the topic: the offset it goes on from, -1 where it has
// committed nothing.
func (c *Cluster) Committed(ctx context.Context, group, topic string) ([]int64, error) {
	n, err := c.partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	committed := make([]int64, n)
	err = c.retry(ctx, fmt.Sprintf("read what group %q has committed of topic %q", group, topic), func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		all := make([]int, n)
		for p := range all {
			all[p], committed[p] = p, -1
		}
		res, err := c.admin.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: all}})
		if err != nil {
			return err
		}
		for _, p := range res.Topics[topic] {
			if p.Error != nil {
				return fmt.Errorf("partition %d: %w", p.Partition, p.Error)
			}
			if p.Partition < n {
				committed[p.Partition] = p.CommittedOffset
			}
		}
		if errors.Is(res.Error, kafka.GroupIdNotFound) {
			return nil // nobody has joined it yet
		}
		return res.Error
	})
	return committed, err
}

// OffsetsSince is, for each partition of the topic, the offset of the first record made at or after an instant, by the records' own
// time; the end where there is none. It only helps to skip: records need not be in the order of their times.
func (c *Cluster) OffsetsSince(ctx context.Context, topic string, at time.Time) ([]int64, error) {
	ranges, err := c.Offsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	starts := make([]int64, len(ranges))
	for p, r := range ranges {
		starts[p] = r.First
	}
	if at.UnixMilli() <= 0 {
		return starts, nil
	}
	err = c.retry(ctx, fmt.Sprintf("look up a time in topic %q", topic), func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		requests := make([]kafka.OffsetRequest, len(ranges))
		for p := range ranges {
			requests[p] = kafka.TimeOffsetOf(p, at)
		}
		res, err := c.admin.ListOffsets(ctx, &kafka.ListOffsetsRequest{
			Topics: map[string][]kafka.OffsetRequest{topic: requests}, IsolationLevel: kafka.ReadCommitted,
		})
		if err != nil {
			return err
		}
		for _, p := range res.Topics[topic] {
			if p.Error != nil {
				return fmt.Errorf("partition %d: %w", p.Partition, p.Error)
			}
			if p.Partition >= len(starts) {
				continue
			}
			starts[p.Partition] = ranges[p.Partition].Next
			for offset := range p.Offsets {
				if offset >= 0 {
					starts[p.Partition] = min(starts[p.Partition], offset)
				}
			}
		}
		return nil
	})
	return starts, err
}
