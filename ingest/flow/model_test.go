package flow

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// story is what a vendor says of one call, and when.
type story struct {
	id        string
	at        time.Time
	visible   time.Time
	corrected time.Time // zero: never
	withdrawn time.Time // zero: never
}

func (s story) now(now time.Time) (queue string, there bool) {
	there = !now.Before(s.visible) && (s.withdrawn.IsZero() || now.Before(s.withdrawn))
	queue = "first"
	if !s.corrected.IsZero() && !now.Before(s.corrected) {
		queue = "second"
	}
	return queue, there
}

// storyteller makes a day of calls. Rows appear up to ten minutes late, and change for half an hour.
func storyteller(r *rand.Rand, start time.Time, n int) []story {
	list := make([]story, n)
	for i := range list {
		s := story{id: fmt.Sprint(i), at: start.Add(time.Duration(r.Int64N(int64(10 * time.Hour))))}
		s.visible = s.at.Add(time.Duration(r.Int64N(int64(10*time.Minute - 2*time.Second))))
		if r.IntN(4) == 0 {
			s.corrected = s.visible.Add(time.Duration(r.Int64N(int64(30 * time.Minute))))
		}
		if r.IntN(6) == 0 {
			s.withdrawn = s.visible.Add(time.Duration(r.Int64N(int64(30 * time.Minute))))
		}
		list[i] = s
	}
	return list
}

// Whatever happens to the process, the log and the vendor, in the end the log says what the vendor does, and no mark was premature.
func TestTheLogSaysWhatTheVendorDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		limit := rapid.SampledFrom([]int{5, 40, 10_000}).Draw(rt, "rows in an answer")
		longest := rapid.SampledFrom([]time.Duration{0, 20 * time.Minute, 3 * time.Hour}).Draw(rt, "longest")
		trouble := rapid.IntRange(0, 3).Draw(rt, "trouble")
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			start := clock.Now()
			stories := storyteller(r, start, 300)
			down := false
			calls := Flow{
				Name: "calls", Facts: []string{"contact"}, Replaces: true, Schedule: Schedule{Every: 15 * time.Minute},
				Window: Window{Start: start, Overlap: 90 * time.Minute, Lag: 10 * time.Minute, Longest: longest},
				Read: func(ctx context.Context, read *Read) error {
					rows := 0
					if err := clock.Sleep(ctx, time.Duration(r.Int64N(int64(time.Minute)))); err != nil {
						return err
					}
					now := clock.Now()
					for _, s := range stories {
						if down || trouble > 0 && r.IntN(4000) < trouble {
							return errors.New("the vendor is away")
						}
						queue, there := s.now(now)
						if !there || s.at.Before(read.From) || !s.at.Before(read.To) {
							continue
						}
						if rows++; rows > limit {
							return ErrSplit
						}
						if err := read.Contact(ctx, contactAt(s.id, s.at, queue)); err != nil {
							return err
						}
					}
					return nil
				},
			}
			l := newLog()
			for clock.Since(start) < 10*time.Hour {
				if trouble > 0 {
					down = r.IntN(6) == 0
					if r.IntN(3) == 0 {
						l.failAfter, l.lossy = 1+r.IntN(6), r.IntN(2) == 0
					}
				}
				l.runFor(t, time.Duration(r.Int64N(int64(2*time.Hour))), calls)
				l.failAfter = 0
			}
			down, trouble = false, 0
			l.runFor(t, 3*time.Hour, calls)
			var want []string
			for _, s := range stories {
				if queue, there := s.now(clock.Now()); there {
					want = append(want, "c "+s.id+"/1 "+queue)
				}
			}
			slices.Sort(want)
			if d := cmp.Diff(want, l.table()); d != "" && limit > 5 {
				t.Errorf("(-vendor +log)\n%.2000s", d)
			}
			l.premature(t)
		})
		if t.Failed() {
			rt.FailNow()
		}
	})
}
