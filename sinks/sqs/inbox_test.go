package sqs_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/sqs"
	"github.com/quarterhour/quarterhour/sinks/sqs/sqstest"
)

func (w *world) expect(t *testing.T, items ...delivery.Item) {
	t.Helper()
	want := map[string]string{}
	for _, i := range items {
		want[i.Key] = said(i)
	}
	if diff := cmp.Diff(want, w.place.held()); diff != "" {
		t.Errorf("the destination holds (-want +got)\n%s", diff)
	}
}

func (w *world) expectLeft(t *testing.T, queue, dead int) {
	t.Helper()
	left := func(q *sqstest.Queue) int { visible, hidden := q.Counts(t); return visible + hidden }
	if got := left(w.Queue); got != queue {
		t.Errorf("%d messages are in the queue, want %d", got, queue)
	}
	if w.Dead != nil {
		if got := left(w.Dead); got != dead {
			t.Errorf("%d messages are in the dead-letter queue, want %d", got, dead)
		}
	}
}

func (w *world) expectAttempts(t *testing.T, key string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.books.of(key)); diff != "" {
		t.Errorf("attempts of %s (-want +got)\n%s", key, diff)
	}
}

func (w *world) expectBuried(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.books.buried()); diff != "" {
		t.Errorf("dead letters (-want +got)\n%s", diff)
	}
}

func body(t *testing.T, i delivery.Item) string {
	t.Helper()
	text, err := sqs.Encode(&i, "pipeline")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// both runs a test with a standard queue and with a FIFO queue.
func both(t *testing.T, o sqstest.Options, f func(t *testing.T, w *world)) {
	for _, name := range []string{"standard", "fifo"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := o
			o.FIFO = name == "fifo"
			f(t, newWorld(t, o))
		})
	}
}

func TestPosts(t *testing.T) {
	t.Parallel()
	both(t, sqstest.Options{}, func(t *testing.T, w *world) {
		w.send(t, row("sales", 1), row("support", 1))
		w.send(t, row("sales", 2))
		w.work(t, true).await(t)
		w.expect(t, row("sales", 2), row("support", 1))
		w.expectLeft(t, 0, 0)
		if n := len(w.books.of(row("support", 1).Key)); n != 1 {
			t.Errorf("support was written down %d times", n)
		}
	})
}

// What the queue delivers twice, and what it delivers late, is not posted.
func TestDuplicatesAndOldRevisions(t *testing.T) {
	t.Parallel()
	both(t, sqstest.Options{}, func(t *testing.T, w *world) {
		w.send(t, row("sales", 5))
		w.work(t, true).await(t)
		for n, i := range []delivery.Item{row("sales", 5), row("sales", 3), row("sales", 5)} {
			w.Put(t, body(t, i), "g", string(rune('a'+n)))
		}
		w.work(t, true).await(t) // another process: it knows from the deliveries
		w.expect(t, row("sales", 5))
		w.expectLeft(t, 0, 0)
		if diff := cmp.Diff([]string{row("sales", 5).Key + "@5"}, w.place.posted()); diff != "" {
			t.Errorf("posts (-want +got)\n%s", diff)
		}
		w.send(t, row("sales", 6))
		w.work(t, true).await(t)
		w.expect(t, row("sales", 6))
	})
}

// While a post takes its time, its message is hidden from others for longer and longer, as the queue confirms.
func TestLongPosts(t *testing.T) {
	t.Parallel()
	both(t, sqstest.Options{MaxReceives: 1}, func(t *testing.T, w *world) {
		w.options.Inbox.Visibility = time.Minute
		w.place.fault = func([]delivery.Item) error {
			until(t, "the message is hidden for longer", func() bool { return w.extending.Load() >= 4 })
			return nil
		}
		w.send(t, row("sales", 1))
		w.work(t, true).await(t)
		w.expect(t, row("sales", 1))
		w.expectLeft(t, 0, 0)
		w.expectAttempts(t, row("sales", 1).Key, "1 delivered 1")
	})
}

// Somebody has read a message and died.
func TestRedelivery(t *testing.T) {
	t.Parallel()
	both(t, sqstest.Options{Visibility: time.Second, MaxReceives: 3}, func(t *testing.T, w *world) {
		w.send(t, row("sales", 1))
		if n := w.Read(t); n != 1 {
			t.Fatalf("%d messages", n)
		}
		w.work(t, true).await(t)
		w.expect(t, row("sales", 1))
		w.expectLeft(t, 0, 0)
		w.expectAttempts(t, row("sales", 1).Key, "1 delivered 2")
	})
}

func TestPoison(t *testing.T) {
	t.Parallel()
	both(t, sqstest.Options{MaxReceives: 3, Visibility: 2 * time.Second}, func(t *testing.T, w *world) {
		var mended atomic.Bool
		w.place.fault = refusing(func(i *delivery.Item) bool { return i.Queue.QueueID == "nobody" && !mended.Load() })
		w.send(t, row("sales", 1), row("nobody", 1), row("support", 1))
		w.work(t, true).await(t)
		w.expect(t, row("sales", 1), row("support", 1))
		w.expectLeft(t, 0, 1)
		w.expectAttempts(t, row("nobody", 1).Key, "1 retry 1", "1 retry 2", "1 dead 3")
		w.expectBuried(t, row("nobody", 1).Key+"@1 unknown_queue")

		mended.Store(true)
		w.Move(t)
		w.work(t, true).await(t)
		w.expect(t, row("sales", 1), row("support", 1), row("nobody", 1))
		w.expectLeft(t, 0, 0)
	})
}

// What was moved back from the dead-letter queue is older than what was delivered since.
func TestObsoletePoison(t *testing.T) {
	t.Parallel()
	both(t, sqstest.Options{MaxReceives: 1}, func(t *testing.T, w *world) {
		w.place.fault = refusing(func(i *delivery.Item) bool { return i.Revision == 1 })
		w.send(t, row("sales", 1))
		w.work(t, true).await(t)
		w.expectLeft(t, 0, 1)
		w.send(t, row("sales", 2))
		w.work(t, true).await(t)
		w.Move(t)
		w.place.fault = nil
		w.work(t, true).await(t)
		w.expect(t, row("sales", 2))
		w.expectLeft(t, 0, 0)
	})
}

// In a FIFO queue what follows a refused message in its group waits until the redrive policy has taken that; other groups do not wait.
func TestGroupsWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqstest.Options{FIFO: true, MaxReceives: 2})
	bad := row("sales", 1)
	bad.Key, bad.Queue.Channel = "queue/acme/2026-03-02T09:00:00Z/sales/chat", "chat"
	again, support := make(chan struct{}), make(chan struct{})
	var posted []string
	w.place.fault = func(items []delivery.Item) error {
		for _, i := range items {
			posted = append(posted, i.Queue.QueueID+" "+i.Queue.Channel)
			if i.Queue.QueueID == "support" {
				close(support)
			}
		}
		return refusing(func(i *delivery.Item) bool { return i.Queue.Channel == "chat" })(items)
	}
	w.place.before = func(items []delivery.Item) {
		if len(w.books.of(bad.Key)) == 1 && items[0].Key == bad.Key { // it is tried again
			close(again)
			<-support
		}
	}
	w.send(t, bad)
	k := w.work(t, false)
	<-again
	w.send(t, row("sales", 1), row("support", 1))
	until(t, "the group goes on", func() bool { return len(w.place.held()) == 2 })
	k.stop(t)
	w.work(t, true).await(t)
	w.expect(t, row("support", 1), row("sales", 1))
	w.expectAttempts(t, bad.Key, "1 retry 1", "1 dead 2")
	w.expectLeft(t, 0, 1)
	if last := posted[len(posted)-1]; last != "sales voice" {
		t.Errorf("%q was posted last: the group did not wait (%q)", last, posted)
	}
}

// The destination is away for longer than messages would be hidden. That is no message's fault.
func TestOutage(t *testing.T) {
	t.Parallel()
	both(t, sqstest.Options{MaxReceives: 1}, func(t *testing.T, w *world) {
		w.options.Inbox.Visibility = time.Minute
		w.deps.Watch = fast()
		w.place.fault = func([]delivery.Item) error {
			if w.extending.Load() < 4 {
				return errAway
			}
			return nil
		}
		w.send(t, row("sales", 1), row("support", 1))
		k := w.work(t, true)
		w.send(t, row("sales", 2))
		k.await(t)
		w.expect(t, row("sales", 2), row("support", 1))
		w.expectLeft(t, 0, 0)
		w.expectBuried(t)
	})
}

// The worker dies after the post, before the message is deleted.
func TestCrashes(t *testing.T) {
	t.Parallel()
	f := func(name string, written bool, posts int) {
		t.Run(name, func(t *testing.T) {
			both(t, sqstest.Options{MaxReceives: 3, Visibility: 2 * time.Second}, func(t *testing.T, w *world) {
				w.send(t, row("sales", 1))
				w.Read(t) // as the dead worker did; it posted:
				if err := w.place.Send(t.Context(), []delivery.Item{row("sales", 1)}); err != nil {
					t.Fatal(err)
				}
				if written {
					w.books.attempts = append(w.books.attempts, delivered(row("sales", 1)))
				}
				w.work(t, true).await(t)
				w.expect(t, row("sales", 1))
				w.expectLeft(t, 0, 0)
				if got := len(w.place.posted()); got != posts {
					t.Errorf("posted %d times, want %d", got, posts)
				}
			})
		})
	}
	f("after it was written down", true, 1)
	f("before", false, 2)
}

// A worker that is told to end, or whose log fails, gives back what it has not posted.
func TestGivesBack(t *testing.T) {
	t.Parallel()
	both(t, sqstest.Options{MaxReceives: 5}, func(t *testing.T, w *world) {
		w.place.took = time.Hour
		w.options.Inbox.Visibility = 20 * time.Second
		w.send(t, row("sales", 1))
		k := w.work(t, false)
		until(t, "it is read", func() bool { _, hidden := w.Counts(t); return hidden == 1 })
		k.stop(t)
		w.place.took = 0
		w.books.dead = func() bool { return true }
		failing := w.work(t, false)
		if err := <-failing.done; err == nil {
			t.Error("it goes on without writing down what it does")
		}
		w.books.dead = nil
		w.work(t, true).await(t)
		w.expect(t, row("sales", 1))
		w.expectLeft(t, 0, 0)
	})
}

// What nobody can read goes to the dead-letter queue, and holds up nothing.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqstest.Options{MaxReceives: 2})
	other := row("sales", 1)
	other.Tenant = "umbrella"
	contact := delivery.Item{Key: "worker/acme/five9/7", Tenant: "acme", Revision: 1, Worker: worker()}
	for _, text := range []string{"hello", "{}", `{"schema":2}`, body(t, other), body(t, contact), `{"schema":1,"tenant":"acme","pipeline":"pipeline","key":"k","kind":"poem"}`} {
		w.Put(t, text, "", "")
	}
	w.send(t, row("sales", 1))
	w.work(t, true).await(t)
	w.expect(t, row("sales", 1))
	w.expectLeft(t, 0, 6)
	for _, d := range w.books.letters {
		if !strings.HasPrefix(d.Location, "message/") || d.Reason != "unreadable" || d.Detail == "" || len(d.Payload) > 0 {
			t.Errorf("%+v", d)
		}
	}
	if n := len(w.books.letters); n != 6 {
		t.Errorf("%d dead letters, want 6", n)
	}
}

// Without a redrive policy a run that ends once everything is delivered ends all the same.
func TestDrainWithoutRedrive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqstest.Options{})
	w.place.fault = refusing(func(i *delivery.Item) bool { return i.Queue.QueueID == "nobody" })
	w.send(t, row("sales", 1), row("nobody", 1))
	w.options.Inbox.Again = time.Second
	w.work(t, true).await(t)
	w.expect(t, row("sales", 1))
	w.expectLeft(t, 1, 0)
}
