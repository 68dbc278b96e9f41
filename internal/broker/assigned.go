package broker

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/segmentio/kafka-go"
)

// Assigned is a partition while it belongs to this process. Fetch and Commit are for the handler's goroutine.
type Assigned struct {
	topic      string
	partition  int
	committed  atomic.Int64
	generation *kafka.Generation
	fetcher    *fetcher
	over       atomic.Bool // the handler has ended
}

// Topic is the topic's name.
func (a *Assigned) Topic() string { return a.topic }

// Partition is the partition's number within the topic.
func (a *Assigned) Partition() int { return a.partition }

// Committed is the offset the group goes on from, as of the last Commit here or, before that, as it was when the partition
// was assigned; -1 where nothing was ever committed.
func (a *Assigned) Committed() int64 { return a.committed.Load() }

// Fetch reads from the offset on: at least one record if there is any, else an empty batch after about 250 ms. Its memory is
// used again by the next Fetch. Where retention has removed what was asked for, the batch is empty, says so in Lost, and its
// Next is the oldest offset there is. Errors are final: what may pass by itself has been tried again for the cluster's patience.
func (a *Assigned) Fetch(ctx context.Context, from int64) (*Batch, error) {
	if a.over.Load() {
		return nil, ErrLost
	}
	return a.fetcher.fetch(ctx, from)
}

// Commit says that the group is done with everything before the offset. Going back is an error; an offset already committed is
// not, and sends nothing. ErrLost means that the partition is, or may be, someone else's: the handler then returns the error,
// and the process joins the group anew. A handler whose context has ended may still commit until it returns.
func (a *Assigned) Commit(_ context.Context, offset int64) error {
	before := a.committed.Load()
	var err error
	switch {
	case a.over.Load():
		err = ErrLost
	case offset < before:
		err = fmt.Errorf("%d is committed already, and a commit never goes back", before)
	case offset == before:
		return nil
	default:
		err = a.generation.CommitOffsets(map[string]map[int]int64{a.topic: {a.partition: offset}})
		if err == nil {
			a.committed.Store(offset)
			return nil
		}
		if rejoins(err) {
			err = fmt.Errorf("%w: %w", ErrLost, err)
		}
	}
	return fmt.Errorf("commit offset %d of topic %q partition %d: %w", offset, a.topic, a.partition, err)
}
