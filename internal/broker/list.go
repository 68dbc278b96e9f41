package broker

import (
	"context"
	"slices"

	"github.com/segmentio/kafka-go"
)

// Topics lists the names of all topics, sorted. It asks once: an error says that the cluster does not answer now.
func (c *Cluster) Topics(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	res, err := c.admin.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	names := make([]string, 0, len(res.Topics))
	for _, t := range res.Topics {
		if !t.Internal {
			names = append(names, t.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Ping asks the cluster for a sign of life.
func (c *Cluster) Ping(ctx context.Context) error {
	_, err := c.Topics(ctx)
	return err
}
