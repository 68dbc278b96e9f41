package delivery_test

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// A destination allows few requests an hour: all of them are used as soon as there are some, nothing is tried in between, and no record is
// put aside for what says nothing about it.
func TestASpentQuotaIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each, rows = 3, 200
		p, l := newPlace(), &ledger{}
		began := clock.Now()
		hours := map[int]int{}
		p.fault = func(_ int, items []delivery.Item) error {
			hour := int(clock.Since(began) / time.Hour)
			if hours[hour] == each {
				return &quota.Exhausted{Operation: "call", Until: began.Add(time.Duration(hour+1) * time.Hour)}
			}
			hours[hour]++
			return nil
		}
		var said strings.Builder
		d := deps()
		d.Log = slog.New(slog.NewTextHandler(&said, nil))
		few := plan
		few.Items = 10
		e := delivery.New(p, few, delivery.Options{When: "provisional", Attempts: 2}, d)
		lane := e.Lane(t.Context(), l, 0, nil)
		for n := range int64(rows) {
			lane.Take(item(record{"queue/t/" + string(rune('a'+n)), 1, true}), n)
		}
		lane.Passed(rows)
		lane.Caught()
		closed, open := 0, 0
		for safe := int64(0); safe < rows && clock.Since(began) < 48*time.Hour; safe, _ = lane.Safe() {
			lane.Turn()
			_ = clock.Sleep(t.Context(), time.Second)
			if e.State().Allowed > 0 {
				closed++
			} else {
				open++
			}
		}
		took := clock.Since(began)
		lane.Leave()
		if len(p.holds) != rows || len(l.letters) > 0 || len(p.problems) > 0 {
			t.Errorf("%d of %d rows are there, %d dead letters, %v", len(p.holds), rows, len(l.letters), p.problems)
		}
		// The first request of an hour tries the destination with one record: 21 records an hour.
		if want := 10 * time.Hour; took > want {
			t.Errorf("it took %s, want %s at most", took, want)
		}
		if n := p.requests - each*(len(hours)); n > 4*len(hours) {
			t.Errorf("%d requests in vain in %d hours", n, len(hours))
		}
		if open < 10*closed {
			t.Errorf("the destination was to be left alone nearly always: %d times it was, %d times not", open, closed)
		}
		if n := strings.Count(said.String(), "the destination takes requests again"); n != len(hours)-1 {
			t.Errorf("%d times it is said that the destination is back, want %d", n, len(hours)-1)
		}
	})
}
