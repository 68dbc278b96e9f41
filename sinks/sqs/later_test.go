package sqs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/sqs/sqstest"
)

// notYet is a destination that takes each key after it was asked so many times, and says when to come again.
func notYet(times int, later time.Duration) func([]delivery.Item) error {
	asked := map[string]int{}
	return func(items []delivery.Item) error {
		r := &delivery.Refused{}
		for n := range items {
			if asked[items[n].Key]++; asked[items[n].Key] <= times {
				r.Items = append(r.Items, delivery.RefusedItem{Index: n, Reason: "unmatched", Detail: "not hired yet", Later: later})
			}
		}
		if len(r.Items) == 0 {
			return nil
		}
		return r
	}
}

// What the destination takes later waits, posted again and again, and is read once: the redrive policy has nothing to count.
func TestLater(t *testing.T) {
	t.Parallel()
	both(t, sqstest.Options{MaxReceives: 1}, func(t *testing.T, w *world) {
		w.place.fault = notYet(4, 50*time.Millisecond)
		w.send(t, row("sales", 1))
		k := w.work(t, false)
		until(t, "it is taken", func() bool { return len(w.place.held()) == 1 })
		k.stop(t)
		w.work(t, true).await(t)
		w.expectAttempts(t, row("sales", 1).Key, "1 retry 1", "1 retry 1", "1 retry 1", "1 retry 1", "1 delivered 1")
		w.expectLeft(t, 0, 0)
		w.expectBuried(t)
	})
}

// A newer revision does not wait for an older one.
func TestLaterIsOvertaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqstest.Options{MaxReceives: 1})
	w.place.fault = func(items []delivery.Item) error {
		if items[0].Revision == 1 {
			return &delivery.Refused{Items: []delivery.RefusedItem{{Reason: "unmatched", Later: time.Hour}}}
		}
		return nil
	}
	w.send(t, row("sales", 1))
	k := w.work(t, false)
	until(t, "it waits", func() bool { return len(w.books.of(row("sales", 1).Key)) == 1 })
	w.send(t, row("sales", 2))
	until(t, "the newer is there", func() bool { return len(w.place.held()) == 1 })
	k.stop(t)
	w.work(t, true).await(t)
	w.expect(t, row("sales", 2))
	w.expectLeft(t, 0, 0)
}

// Where there are too many to be held, the queue hides them; all are posted in the end.
func TestManyLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqstest.Options{MaxReceives: 1000})
	w.options.Inbox.Held = 10
	later := notYet(1, 1100*time.Millisecond)
	w.place.fault = func(items []delivery.Item) error {
		if items[0].Queue.QueueID == "prompt" {
			return nil
		}
		return later(items)
	}
	var rows []delivery.Item
	for n := range 12 {
		rows = append(rows, row(fmt.Sprint("queue-", n), 1))
	}
	w.send(t, rows[:6]...)
	w.send(t, rows[6:]...)
	k := w.work(t, false)
	until(t, "they wait", func() bool { return len(w.books.of(rows[11].Key)) > 0 })
	rows = append(rows, row("prompt", 1))
	w.send(t, rows[12])
	until(t, "all are there", func() bool { return len(w.place.held()) == len(rows) })
	k.stop(t)
	w.work(t, true).await(t)
	w.expect(t, rows...)
	w.expectLeft(t, 0, 0)
}

// A run that ends once everything is delivered does not wait for it: it stays in the queue, hidden for as long, and is a later run's.
func TestLaterAtTheEnd(t *testing.T) {
	t.Parallel()
	both(t, sqstest.Options{MaxReceives: 5}, func(t *testing.T, w *world) {
		w.place.fault = notYet(1, time.Hour)
		w.send(t, row("sales", 1), row("support", 1))
		w.work(t, true).await(t)
		if visible, hidden := w.Counts(t); visible != 0 || hidden != 2 {
			t.Errorf("%d messages can be had, %d are hidden, want 0 and 2", visible, hidden)
		}
		w.expectAttempts(t, row("sales", 1).Key, "1 retry 1")
		w.expectBuried(t)
	})
}

// Where no redrive policy takes what is refused, the sink gives it up after as many attempts as any sink: its dead letter can be sent again.
func TestPoisonWithoutRedrive(t *testing.T) {
	t.Parallel()
	both(t, sqstest.Options{}, func(t *testing.T, w *world) {
		w.attempts = 3
		w.place.fault = refusing(func(i *delivery.Item) bool { return i.Queue.QueueID == "nobody" })
		w.send(t, row("nobody", 1))
		k := w.work(t, false)
		until(t, "it is given up", func() bool { return len(w.books.of(row("nobody", 1).Key)) == 3 })
		w.send(t, row("nobody", 2), row("sales", 1))
		until(t, "the next one is, too", func() bool { return len(w.books.of(row("nobody", 1).Key)) == 6 })
		k.stop(t)
		w.work(t, true).await(t)
		w.expect(t, row("sales", 1))
		w.expectLeft(t, 0, 0)
		w.expectAttempts(t, row("nobody", 1).Key, "1 retry 1", "1 retry 2", "1 dead 3", "2 retry 1", "2 retry 2", "2 dead 3")
		w.expectBuried(t, row("nobody", 1).Key+"@1 unknown_queue", row("nobody", 1).Key+"@2 unknown_queue")
	})
}
