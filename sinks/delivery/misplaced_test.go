package delivery_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// A wrong path is the likeliest first mistake. It makes no dead letters, however long it lasts, and is said loudly; the destination is asked now and
// then, and all records arrive once it is set right.
func TestAWrongPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows = 75
		p, l := newPlace(), &ledger{}
		began := clock.Now()
		p.fault = func(int, []delivery.Item) error {
			if clock.Since(began) < 24*time.Hour {
				fault := httpcall.Misplaced(404)
				fault.Status = 404
				return fmt.Errorf("send: %w", fault)
			}
			return nil
		}
		var said strings.Builder
		d := deps()
		d.Log = slog.New(slog.NewTextHandler(&said, nil))
		e := delivery.New(p, plan, delivery.Options{When: "final", Attempts: 2}, d)
		lane := e.Lane(t.Context(), l, 0, nil)
		defer lane.Leave()
		var log []record
		for n := range int64(rows) {
			log = append(log, record{fmt.Sprint("queue/t/", n), 1, true})
			lane.Take(item(log[n]), n)
		}
		lane.Passed(rows)
		lane.Caught()
		for safe := int64(0); safe < rows && clock.Since(began) < 30*time.Hour; safe, _ = lane.Safe() {
			lane.Turn()
			_ = clock.Sleep(t.Context(), time.Second)
			if clock.Since(began) == 23*time.Hour && (p.requests < 100 || p.requests > 23*6+1) {
				t.Errorf("%d requests within 23 hours, want one every 10 minutes", p.requests)
			}
		}
		p.expect(t, newest(log, delivery.Final))
		if len(l.letters) > 0 {
			t.Errorf("%d dead letters, such as %+v", len(l.letters), l.letters[0])
		}
		if line := said.String(); !strings.Contains(line, "level=ERROR") || !strings.Contains(line, "check url, path and method") {
			t.Errorf("it said %.300s", line)
		}
	})
}

// A run that posts from a queue sends whatever there is at once and goes on all the same: it waits for a destination that refuses it.
func TestAQueueWaitsForTheCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, l := newPlace(), &ledger{}
		p.fault = func(int, []delivery.Item) error { return &httpcall.Error{Kind: httpcall.Refused, Status: 401} }
		d := deps()
		d.Drain, d.Stays = true, true
		lane := delivery.New(p, plan, delivery.Options{When: "final", Attempts: 2}, d).Lane(t.Context(), l, 0, nil)
		defer lane.Leave()
		lane.Take(item(record{"k", 1, true}), 0)
		lane.Passed(1)
		lane.Caught()
		for began := clock.Now(); clock.Since(began) < 6*time.Hour; {
			lane.Turn()
			if _, err := lane.Safe(); err != nil {
				t.Fatal(err)
			}
			_ = clock.Sleep(t.Context(), time.Second)
		}
		if p.requests < 30 || p.requests > 37 {
			t.Errorf("%d requests in 6 hours, want one every 10 minutes", p.requests)
		}
	})
}
