package books

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/pipelines"
)

// delivered balances a sink that delivers by requests: every record that it is to deliver is delivered, pending or dead, by the log of
// deliveries and the commits of its lanes.
func (a *audit) delivered(ctx context.Context, s pipelines.Sink) (err error) {
	d, err := a.l.OpenSink(ctx, s, clock.Wall)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Destination.Close()) }()
	b := SinkBalance{Sink: s.Name}
	var missing []string
	err = a.l.Deliveries(ctx, s, &d, a.o.Range.has, func(r *runtime.Delivered) error {
		b.Rows++
		switch r.State {
		case runtime.StateDelivered:
			b.Delivered++
		case runtime.StatePassed:
			b.Delivered++
			b.Passed++
		case runtime.StatePending:
			b.Pending++
		case runtime.StateDead:
			b.Dead++
		default:
			b.Missing++
			missing = append(missing, fmt.Sprintf("%s@%d", r.Item.Key, r.Item.Revision))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sink %q: %w", s.Name, err)
	}
	if b.Missing > 0 {
		slices.Sort(missing)
		a.wrong("sink %q: of %d records %d are delivered, %d pending and %d dead; %d were committed without a delivery: %s", s.Name, b.Rows, b.Delivered,
			b.Pending, b.Dead, b.Missing, strings.Join(missing[:min(len(missing), examples)], ", "))
	}
	if b.Dead > 0 {
		a.note("sink %q: %d records could not be delivered: `quarterhour deadletters list --sink %s`", s.Name, b.Dead, s.Name)
	}
	a.Sinks = append(a.Sinks, b)
	return nil
}

// DeliveryDay is what became of one day's records at one sink.
type DeliveryDay = runtime.DeliveryDay

// Verified is what was read back from one destination.
type Verified = runtime.Verified

// DeliveryDifference is a record that is not at the destination as it should be.
type DeliveryDifference = runtime.Difference

// Redriven is what became of a dead letter that was to be sent again.
type Redriven = runtime.Redriven

// What became of dead letters that were to be sent again.
const (
	RedriveSent       = runtime.RedriveSent
	RedriveSuperseded = runtime.RedriveSuperseded
	RedriveGone       = runtime.RedriveGone
)

// ErrNotRedrivable is the error about a letter that no delivering sink has written.
var ErrNotRedrivable = runtime.ErrNotRedrivable
