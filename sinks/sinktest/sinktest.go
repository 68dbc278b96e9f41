package sinktest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quarterhour/quarterhour/sinks"
)

// Destination is one empty destination and the ways to it.
type Destination struct {
	// Open opens one more sink to the destination. The suite closes it.
	Open func(t testing.TB) sinks.Sink
	// Read gives what the destination holds: the newest revision of each key, in any order. Kinds of record that the sink
	// does not take stay empty, and are named in Without.
	Read    func(t testing.TB) *sinks.Batch
	Without []string // fields of sinks.Batch
	// Break makes a part of the destination refuse what it gets, while other parts still take it, until the returned func is called.
	Break func(t testing.TB) (mend func())
	// Widen changes the destination's schema as its owner might, without harm to what we write: one column more.
	Widen func(t testing.TB)
}

// Run runs the suite. Each part gets an empty destination of its own.
func Run(t *testing.T, fresh func(t testing.TB) Destination) {
	t.Run("same write twice", func(t *testing.T) { sameWriteTwice(t, fresh(t)) })
	t.Run("any order and batching", func(t *testing.T) { anyOrder(t, fresh(t)) })
	t.Run("partial failure", func(t *testing.T) { partialFailure(t, fresh(t)) })
	t.Run("cancel in the middle", func(t *testing.T) { cancelled(t, fresh(t)) })
	t.Run("several writers", func(t *testing.T) { severalWriters(t, fresh(t)) })
	t.Run("strings are the batch's own", func(t *testing.T) { borrowedStrings(t, fresh(t)) })
	t.Run("log made anew", func(t *testing.T) { sameTokenOtherContent(t, fresh(t)) })
	t.Run("schema change", func(t *testing.T) { schemaChange(t, fresh(t)) })
	t.Run("nothing to write", func(t *testing.T) { nothing(t, fresh(t)) })
}

func (d Destination) open(t testing.TB) sinks.Sink {
	t.Helper()
	s := d.Open(t)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func write(t testing.TB, s sinks.Sink, b *sinks.Batch) {
	t.Helper()
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatalf("write %q: %v", b.Token, err)
	}
}

// expect compares what is there with the newest of all that was written.
func (d Destination) expect(t testing.TB, written ...*sinks.Batch) {
	t.Helper()
	want := newest(d.Without, written...)
	got := d.Read(t)
	sortAll(want)
	sortAll(got)
	got.Token = ""
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the destination holds (-want +got)\n%s", diff)
	}
}

func sameWriteTwice(t *testing.T, d Destination) {
	b := history(1).batch("t/0/0-100", 0, 100)
	s := d.open(t)
	write(t, s, b)
	write(t, s, b)
	d.expect(t, b)
	// The same records under another token, by another sink: a replay after a crash, with other batches.
	again := *b
	again.Token = "t/0/0-101"
	write(t, d.open(t), &again)
	d.expect(t, b)
}

// Runs of the log in any order, overlapping, cut anywhere: as after crashes and rebalances.
func anyOrder(t *testing.T, d Destination) {
	s := d.open(t)
	r := rand.New(rand.NewPCG(1, 2))
	var all []*sinks.Batch
	for i := range 24 {
		from := r.IntN(steps)
		b := history(100+i%6).batch(fmt.Sprintf("t/0/%d", i), from, from+1+r.IntN(steps-from))
		write(t, s, b)
		all = append(all, b)
	}
	d.expect(t, all...)
}

func partialFailure(t *testing.T, d Destination) {
	s := d.open(t)
	before, b := history(2).batch("t/0/0-50", 0, 50), history(2).batch("t/0/50-100", 50, 100)
	write(t, s, before)
	mend := d.Break(t)
	if err := s.Write(t.Context(), b); err == nil {
		t.Error("a part of the destination refused what it got, and Write said nothing")
	}
	mend()
	write(t, s, b)
	d.expect(t, before, b)
}

func cancelled(t *testing.T, d Destination) {
	s := d.open(t)
	h := history(3)
	var all []*sinks.Batch
	for i := range 12 {
		b := h.batch(fmt.Sprintf("t/0/%d", i), 8*i, 8*i+8)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*i)*time.Millisecond)
		if err := s.Write(ctx, b); err != nil {
			write(t, s, b)
		}
		cancel()
		all = append(all, b)
	}
	d.expect(t, all...)
}

func severalWriters(t *testing.T, d Destination) {
	h, s := history(4), d.open(t)
	var all []*sinks.Batch
	failed := make(chan error)
	for i := range 8 {
		b := h.batch(fmt.Sprintf("t/%d/0", i), 12*i, 12*i+12)
		all = append(all, b)
		go func() { failed <- s.Write(t.Context(), b) }()
	}
	for range all {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	d.expect(t, all...)
}

func borrowedStrings(t *testing.T, d Destination) {
	s := d.open(t)
	b := history(5).batch("t/0/0-100", 0, 100)
	borrowed, scribble := borrow(b)
	write(t, s, borrowed)
	scribble()
	write(t, s, history(6).batch("t/0/100", 0, 10))
	d.expect(t, b, history(6).batch("t/0/100", 0, 10))
}

// A log that was lost and made again counts its offsets from 0: its first batch has the token of the old log's first batch.
func sameTokenOtherContent(t *testing.T, d Destination) {
	s := d.open(t)
	old, made := history(7).batch("t/0/0-20", 0, 20), history(8).batch("t/0/0-20", 60, 100)
	write(t, s, old)
	write(t, s, made)
	d.expect(t, old, made)
}

func schemaChange(t *testing.T, d Destination) {
	h := history(9)
	before, after, reopened := h.batch("t/0/0", 0, 30), h.batch("t/0/30", 30, 60), h.batch("t/0/60", 60, 100)
	s := d.open(t)
	write(t, s, before)
	d.Widen(t)
	write(t, s, after)
	write(t, d.open(t), reopened)
	d.expect(t, before, after, reopened)
}

func nothing(t *testing.T, d Destination) {
	s := d.open(t)
	write(t, s, &sinks.Batch{Token: "t/0/0-0"})
	d.expect(t)
}
