package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

var joint = delivery.Plan{Kinds: []string{"queue_interval"}, Items: 50, Joint: true}

// partition is one lane's part of a log, whose keys no other has.
type partition struct {
	log    []record
	ledger ledger
	safe   int64
}

func partitions(r *rand.Rand, n, rows int) []*partition {
	var list []*partition
	for at := range n {
		p := &partition{log: history(r, 10, rows)}
		for i := range p.log {
			p.log[i].key += fmt.Sprint("/", at)
		}
		list = append(list, p)
	}
	return list
}

// deliverJointly runs lanes over all partitions until everything is settled, or the time is up; one of them may leave before.
func deliverJointly(d delivery.Destination, o delivery.Options, all []*partition, within, leaves time.Duration) {
	e := delivery.New(d, joint, o, deps())
	ctx, cancel := context.WithTimeout(context.Background(), within)
	lanes := make([]*delivery.Lane, len(all))
	var first context.CancelFunc
	for n, p := range all {
		own, stop := context.WithCancel(ctx)
		defer stop()
		if n == 0 {
			first = stop
		}
		lanes[n] = e.Lane(own, &p.ledger, p.safe, p.ledger.settled())
		for at := p.safe; at < int64(len(p.log)); at++ {
			lanes[n].Take(item(p.log[at]), at)
		}
		lanes[n].Passed(int64(len(p.log)))
		lanes[n].Caught()
	}
	began := clock.Now()
	for done := false; !done && ctx.Err() == nil; {
		done = true
		for n, p := range all {
			if lanes[n] == nil {
				continue
			}
			lanes[n].Turn()
			safe, _ := lanes[n].Safe()
			done = done && safe == int64(len(p.log))
		}
		if leaves > 0 && clock.Since(began) > leaves && lanes[0] != nil {
			first()
			lanes[0].Leave()
			all[0].safe, _ = lanes[0].Safe()
			lanes[0] = nil
		}
		_ = clock.Sleep(ctx, 100*time.Millisecond)
	}
	cancel()
	for n, p := range all {
		if lanes[n] != nil {
			lanes[n].Leave()
			p.safe, _ = lanes[n].Safe()
		}
	}
}

// Whatever fails, and whoever leaves, the newest revision of every key of every partition arrives, and what was acknowledged does not
// come again.
func TestJointRequestsFail(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 5))
			p := newPlace()
			p.took = 300 * time.Millisecond
			p.fault = func(_ int, items []delivery.Item) error {
				switch r.IntN(6) {
				case 0:
					return errors.New("connection reset")
				case 1:
					if len(items) > 1 {
						return &httpcall.Error{Kind: httpcall.Permanent, Status: 413}
					}
				}
				return nil
			}
			p.lost = func(int) error {
				if r.IntN(5) == 0 {
					return &httpcall.Error{Kind: httpcall.Transient, Sent: true}
				}
				return nil
			}
			all := partitions(r, 3, 80)
			want := map[string]int64{}
			for _, one := range all {
				for key, revision := range newest(one.log, delivery.Final) {
					want[key] = revision
				}
			}
			for done := false; !done; {
				deliverJointly(p, delivery.Options{When: "final", Attempts: 1000}, all, time.Duration(5+r.IntN(600))*time.Second, time.Duration(r.IntN(20))*time.Second)
				done = true
				for _, one := range all {
					done = done && one.safe == int64(len(one.log))
				}
			}
			p.expect(t, want)
			if again := p.twice(); len(again) > 0 {
				t.Errorf("acknowledged and sent again: %v", again)
			}
			for n, one := range all {
				if len(one.ledger.letters) > 0 {
					t.Errorf("dead letters of partition %d: %v", n, one.ledger.letters)
				}
			}
		})
	}
}

// An item that is refused is a dead letter of its own partition, and no other item is.
func TestJointRequestsAreRefusedInPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace()
		all := partitions(rand.New(rand.NewPCG(1, 6)), 3, 60)
		want := map[string]int64{}
		for _, one := range all {
			for key, revision := range newest(one.log, delivery.Provisional) {
				want[key] = revision
			}
		}
		refuse := func(items []delivery.Item) error {
			refused := &delivery.Refused{}
			for n, i := range items {
				if i.Key == "queue/t/3/1" || i.Key == "queue/t/5/2" {
					refused.Items = append(refused.Items, delivery.RefusedItem{Index: n, Reason: "unknown", Detail: i.Key})
				}
			}
			if len(refused.Items) > 0 {
				return refused
			}
			return nil
		}
		deliverJointly(refusing{p, refuse}, delivery.Options{When: "provisional", Attempts: 8}, all, time.Hour, 0)
		p.expect(t, want)
		for n, name := range []string{"", "queue/t/3/1", "queue/t/5/2"} {
			letters := all[n].ledger.letters
			if name == "" && len(letters) > 0 || name != "" && (len(letters) != 1 || letters[0].Detail != name) {
				t.Errorf("dead letters of partition %d: %v, want %q", n, letters, name)
			}
		}
	})
}

// A request takes what all partitions have. One that can grow leaves the destination alone for four times as long as the last one took;
// one that is full, or whose lanes have no room for more, does not wait.
func TestJointRequestsGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, l := newPlace(), &ledger{}
		p.took = 2 * time.Second
		sizes := map[time.Duration]int{}
		began := clock.Now()
		p.fault = func(_ int, items []delivery.Item) error {
			sizes[clock.Since(began).Truncate(time.Second)] = len(items)
			return nil
		}
		e := delivery.New(p, delivery.Plan{Kinds: joint.Kinds, Items: 50_000, Joint: true}, delivery.Options{When: "final", Attempts: 8}, deps())
		lanes := []*delivery.Lane{e.Lane(t.Context(), l, 0, nil), e.Lane(t.Context(), l, 0, nil)}
		next := int64(0)
		take := func(rows int) {
			for range rows {
				for n, lane := range lanes {
					lane.Take(item(record{fmt.Sprintf("queue/%d/%d", n, next), 1, true}), next)
				}
				next++
			}
		}
		until := func(at time.Duration) {
			for clock.Since(began) < at {
				for _, lane := range lanes {
					lane.Passed(next)
					lane.Turn()
				}
				_ = clock.Sleep(t.Context(), 100*time.Millisecond)
			}
		}
		for _, lane := range lanes {
			lane.Caught()
		}
		take(10)
		until(4 * time.Second) // sent at 1 s, answered at 3 s
		take(20)
		until(9 * time.Second)
		take(30) // sent with the others at 11 s, answered at 13 s
		until(15 * time.Second)
		take(30_000) // no room: sent at 16 s, what it does not take later, at 26 s
		until(40 * time.Second)
		want := map[time.Duration]int{3: 20, 13: 100, 18: 50_000, 28: 10_000}
		if len(sizes) != len(want) {
			t.Errorf("requests %v", sizes)
		}
		for at, n := range want {
			if sizes[at*time.Second] != n {
				t.Errorf("%d items were answered after %d s, want %d: %v", sizes[at*time.Second], at, n, sizes)
			}
		}
		for _, lane := range lanes {
			lane.Leave()
		}
	})
}
