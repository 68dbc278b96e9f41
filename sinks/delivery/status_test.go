package delivery_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// saying is a place that says by which status it answers.
type saying struct {
	*place
	answer func(ctx context.Context, items []delivery.Item) error
}

func (s saying) Send(ctx context.Context, items []delivery.Item) error {
	if err := s.place.Send(ctx, items); err != nil {
		return err
	}
	return s.answer(ctx, items)
}

// Of every attempt it is written down what came of it and by which status: of records that were taken, of those that an answer refuses, of a request
// that is refused as a whole before it is sent in halves, and of one without an answer.
func TestAttempts(t *testing.T) {
	has := func(items []delivery.Item, key string) int {
		return slices.IndexFunc(items, func(i delivery.Item) bool { return i.Key == key })
	}
	f := func(name string, plan delivery.Plan, answer func(ctx context.Context, asked int, items []delivery.Item) error, want ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, l := newPlace(), &ledger{}
				p.took = 250 * time.Millisecond
				asked := 0
				e := delivery.New(saying{p, func(ctx context.Context, items []delivery.Item) error { asked++; return answer(ctx, asked, items) }},
					plan, delivery.Options{When: "final", Attempts: 8}, deps())
				lane := e.Lane(t.Context(), l, 0, nil)
				defer lane.Leave()
				for n := range int64(4) {
					lane.Take(item(record{fmt.Sprint("k", n), 1, true}), n)
				}
				lane.Passed(4)
				lane.Caught()
				began := clock.Now()
				for safe := int64(0); safe < 4 && clock.Since(began) < time.Hour; safe, _ = lane.Safe() {
					lane.Turn()
					_ = clock.Sleep(t.Context(), 100*time.Millisecond)
				}
				var got []string
				for _, a := range l.attempts {
					if a.LatencyMs < 250 {
						t.Errorf("it took %d ms", a.LatencyMs)
					}
					got = append(got, strings.TrimSpace(fmt.Sprintf("%s#%d %s %d %s", a.RowKey, a.Attempt, a.Outcome, a.Status, a.Error)))
				}
				slices.Sort(got)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("attempts (-want +got)\n%s", diff)
				}
			})
		})
	}
	one := delivery.Plan{Kinds: plan.Kinds, Items: 4, Concurrency: 1}
	ok := &httpcall.Response{Status: 202}
	f("taken", one, func(ctx context.Context, _ int, _ []delivery.Item) error {
		delivery.Answered(ctx, ok, nil)
		return nil
	}, "k0#1 delivered 202", "k1#1 delivered 202", "k2#1 delivered 202", "k3#1 delivered 202")
	f("no HTTP interface", one, func(context.Context, int, []delivery.Item) error { return nil },
		"k0#1 delivered 0", "k1#1 delivered 0", "k2#1 delivered 0", "k3#1 delivered 0")
	f("refused in part", one, func(ctx context.Context, _ int, items []delivery.Item) error {
		delivery.Answered(ctx, nil, fmt.Errorf("send: %w", &httpcall.Error{Kind: httpcall.Permanent, Status: 422}))
		return &delivery.Refused{Items: []delivery.RefusedItem{{Index: has(items, "k2"), Reason: "field", Detail: "no"}}}
	}, "k0#1 delivered 422", "k1#1 delivered 422", "k2#1 dead 422 no", "k3#1 delivered 422")
	whole := func(ctx context.Context, _ int, items []delivery.Item) error {
		if has(items, "k2") >= 0 {
			err := &httpcall.Error{Kind: httpcall.Permanent, Status: 400}
			delivery.Answered(ctx, nil, err)
			return err
		}
		delivery.Answered(ctx, ok, nil)
		return nil
	}
	const bad = "400 status 400 (bad request)"
	f("refused as a whole", one, whole, "k0#1 retry "+bad, "k0#2 delivered 202", "k1#1 retry "+bad, "k1#2 delivered 202",
		"k2#1 retry "+bad, "k2#2 retry "+bad, "k2#3 dead "+bad, "k3#1 retry "+bad, "k3#2 retry "+bad, "k3#3 delivered 202")
	f("no answer", one, func(ctx context.Context, asked int, _ []delivery.Item) error {
		delivery.Answered(ctx, ok, nil) // of another request of the same sending
		if asked == 1 {
			err := &httpcall.Error{Kind: httpcall.Transient, Err: context.DeadlineExceeded}
			delivery.Answered(ctx, nil, err)
			return err
		}
		return nil
	}, "k0#1 retry 0 context deadline exceeded", "k0#2 delivered 202", "k1#1 retry 0 context deadline exceeded", "k1#2 delivered 202",
		"k2#1 retry 0 context deadline exceeded", "k2#2 delivered 202", "k3#1 retry 0 context deadline exceeded", "k3#2 delivered 202")
}

// What is refused as a whole is written down for the items of each lane, where a request has items of several.
func TestAttemptsOfJointRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := []*partition{{log: []record{{"k0", 1, true}}}, {log: []record{{"k1", 1, true}}}}
		p := newPlace()
		deliverJointly(saying{p, func(_ context.Context, items []delivery.Item) error {
			if len(items) == 2 {
				return &httpcall.Error{Kind: httpcall.Permanent, Status: 413}
			}
			return nil
		}}, delivery.Options{When: "final", Attempts: 8}, all, time.Hour, 0)
		for n, one := range all {
			var got []string
			for _, a := range one.ledger.attempts {
				got = append(got, fmt.Sprintf("%s#%d %s %d", a.RowKey, a.Attempt, a.Outcome, a.Status))
			}
			key := fmt.Sprint("k", n)
			if diff := cmp.Diff([]string{key + "#1 retry 413", key + "#2 delivered 0"}, got); diff != "" {
				t.Errorf("attempts of partition %d (-want +got)\n%s", n, diff)
			}
		}
	})
}
