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
	var missing, ahead, unlettered []string
	err = a.l.Deliveries(ctx, s, &d, a.o.Range.has, func(r *runtime.Delivered) error {
		b.Rows++
		switch r.State {
		case runtime.StateDelivered:
			b.Delivered++
		case runtime.StatePassed:
			b.Delivered++
			b.Passed++
		case runtime.StateDiscarded:
			b.Discarded++
		case runtime.StatePending:
			b.Pending++
		case runtime.StateDead:
			b.Dead++
			if letters := d.Plan.Key == nil && a.l.Pipeline().Via(&s) == nil; letters && !a.dead[s.Name+"\x00"+located(r)] {
				unlettered = append(unlettered, located(r))
			}
		case runtime.StateAhead:
			b.Missing++
			ahead = append(ahead, located(r))
		default:
			b.Missing++
			missing = append(missing, located(r))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sink %q: %w", s.Name, err)
	}
	if unlettered, err = a.stillUnlettered(ctx, s, unlettered); err != nil {
		return err
	}
	f := func(list []string, what string) {
		if len(list) > 0 {
			slices.Sort(list)
			a.wrong("sink %q: of %d records %d are delivered, %d pending and %d dead; %d %s: %s", s.Name, b.Rows, b.Delivered,
				b.Pending, b.Dead, len(list), what, strings.Join(list[:min(len(list), examples)], ", "))
		}
	}
	f(missing, "were committed without a delivery")
	f(ahead, "were delivered in a revision that the log does not have")
	f(unlettered, "of the dead have no dead letter")
	if b.Dead > 0 {
		a.note("sink %q: %d records could not be delivered: `quarterhour deadletters list --sink %s`", s.Name, b.Dead, s.Name)
	}
	if b.Discarded > 0 {
		a.note("sink %q: %d records that could not be delivered were discarded by a person", s.Name, b.Discarded)
	}
	a.Sinks = append(a.Sinks, b)
	return nil
}

// located is how dead letters name a revision.
func located(d *runtime.Delivered) string { return fmt.Sprintf("%s@%d", d.Item.Key, d.Item.Revision) }

// stillUnlettered reads the dead letters again, where some seem to be missing: a run may have put records aside since they were read.
func (a *audit) stillUnlettered(ctx context.Context, s pipelines.Sink, places []string) ([]string, error) {
	if len(places) == 0 {
		return nil, nil
	}
	err := a.letters(ctx)
	return slices.DeleteFunc(places, func(p string) bool { return a.dead[s.Name+"\x00"+p] }), err
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
