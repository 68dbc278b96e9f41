package delivery_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// A run that ends once everything is delivered tries a refused credential once more, and then ends with what the destination said. One hiccup
// is survived.
func TestDrainingARefusedCredential(t *testing.T) {
	f := func(name string, refusals, wantRequests int, ends bool) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, l := newPlace(), &ledger{}
				p.fault = func(n int, _ []delivery.Item) error {
					if n <= refusals {
						return &httpcall.Error{Kind: httpcall.Refused, Status: 401}
					}
					return nil
				}
				d := deps()
				d.Drain = true
				e := delivery.New(p, wide, delivery.Options{When: "final", Attempts: 8}, d)
				lane := e.Lane(t.Context(), l, 0, nil)
				for n := range int64(5) {
					lane.Take(item(record{string(rune('a' + n)), 1, true}), n)
				}
				lane.Passed(5)
				lane.Caught()
				var safe int64
				var err error
				for began := clock.Now(); safe < 5 && err == nil && clock.Since(began) < time.Minute; safe, err = lane.Safe() {
					lane.Turn()
					_ = clock.Sleep(t.Context(), 100*time.Millisecond)
				}
				lane.Leave()
				if p.requests != wantRequests {
					t.Errorf("%d requests, want %d", p.requests, wantRequests)
				}
				if len(l.letters) > 0 {
					t.Errorf("%d dead letters", len(l.letters))
				}
				if !ends {
					if err != nil || safe != 5 {
						t.Errorf("%d of 5 records are delivered: %v", safe, err)
					}
					return
				}
				var fault *httpcall.Error
				if !errors.As(err, &fault) || fault.Status != 401 || !strings.Contains(err.Error(), "run again") {
					t.Errorf("the lane ends with %v", err)
				}
			})
		})
	}
	f("for good", 1000, 2, true)
	f("once", 1, 3, false) // the trial is of one record
}
