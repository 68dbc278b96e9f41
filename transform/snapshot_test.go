package transform_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// handedOn is what a shard hands on, by row, in no order.
func handedOn(t *rapid.T, s *transform.Shard) (out []string) {
	var records []record
	if err := s.Emit(partials{"s", &records}); err != nil {
		t.Fatal(err)
	}
	return sorted(records)
}

func sorted(records []record) (out []string) {
	for _, r := range records {
		out = append(out, fmt.Sprintf("%+v", r.row))
	}
	slices.Sort(out)
	return out
}

// standing is every row of a shard of contacts from an instant on, changed or not.
func standing(t *rapid.T, s *transform.Shard, from int64) []string {
	var records []record
	if err := s.EmitRange(from, math.MaxInt64, partials{"s", &records}); err != nil {
		t.Fatal(err)
	}
	return sorted(records)
}

func drawnShard(t *rapid.T, name string, o transform.Options) *transform.Shard {
	s, err := transform.NewShard(name, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// books are a shard's counts, but for rows: rows before the horizon go when memory is swept, and are not in snapshots.
func books(s *transform.Shard) transform.Counts {
	c := s.Counts()
	c.Rows = 0
	return c
}

func drawSnapshotHistory(t *rapid.T) history {
	h := drawHistory(t)
	h.o.Retention = rapid.SampledFrom([]time.Duration{0, 30 * time.Minute, 2 * time.Hour}).Draw(t, "retention")
	h.o.Late = rapid.SampledFrom([]string{"", transform.LateRevise, transform.LateSide}).Draw(t, "late")
	return h
}

// withShifts puts shifts, and marks about shifts, among the states of an agent's log.
func withShifts(t *rapid.T, log []any) []any {
	for range rapid.IntRange(0, 8).Draw(t, "shifts") {
		var r any
		if rapid.IntRange(0, 3).Draw(t, "mark") == 0 {
			r = &schemas.Mark{Tenant: "acme", Source: "five9", Fact: "shift", CompleteThrough: instants.Draw(t, "planned through")}
		} else {
			starts := instants.Draw(t, "starts")
			r = &schemas.Shift{
				Tenant: "acme", Source: "five9", ShiftID: rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "shift"), AgentID: "a1",
				Revision: revision.Draw(t, "revision"), Retracted: rapid.IntRange(0, 5).Draw(t, "retracted") == 0,
				StartsAt: starts, EndsAt: starts + max(0, lengths.Draw(t, "planned")), Activity: rapid.SampledFrom([]string{"", "lunch"}).Draw(t, "activity"),
			}
		}
		log = slices.Insert(log, rapid.IntRange(0, len(log)).Draw(t, "at"), r)
	}
	return log
}

// feedAny is feed, for shifts too.
func feedAny(s *transform.Shard, r any, offset int64) transform.Result {
	if shift, ok := r.(*schemas.Shift); ok {
		return s.Shift(shift, offset)
	}
	return feed(s, r, offset)
}

// snapshotWhileFolding takes a snapshot of a shard that goes on folding, emitting and discarding meanwhile.
func snapshotWhileFolding(t *rapid.T, s *transform.Shard, rest []any, from int) []byte {
	snapshot, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for at := 0; ; {
		done, err := snapshot.Step(rapid.IntRange(0, 3).Draw(t, "facts"), func(section []byte) error { out.Write(section); return nil })
		if err != nil {
			t.Fatal(err)
		}
		if done {
			return out.Bytes()
		}
		for range rapid.IntRange(0, 4).Draw(t, "meanwhile") {
			if at < len(rest) {
				feedAny(s, rest[at], int64(from+at))
				at++
			}
		}
		if rapid.IntRange(0, 5).Draw(t, "emit") == 0 {
			handedOn(t, s)
		}
	}
}

// touched are the facts again, corrected and then taken back: every row that a shard holds has to change.
func touched(log []any) (all []any) {
	for _, round := range []int64{10, 20} {
		for _, r := range log {
			switch r := r.(type) {
			case *schemas.Contact:
				c := *r
				c.Revision, c.Retracted, c.QueueID = r.Revision+round, round == 20, "q3"
				all = append(all, &c)
			case *schemas.AgentState:
				a := *r
				a.Revision, a.Retracted, a.Reason = r.Revision+round, round == 20, "other"
				all = append(all, &a)
			case *schemas.Shift:
				sh := *r
				sh.Revision, sh.Retracted, sh.Activity = r.Revision+round, round == 20, "other"
				all = append(all, &sh)
			}
		}
	}
	return all
}

// A shard restored from a snapshot goes on as one that has read the whole log: every partial it hands on, every row that stands and every
// count is the same, whatever happens to the facts afterwards.
func TestSnapshotAndRestOfTheLogAreTheWholeLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawSnapshotHistory(t)
		logs := h.logs(t)
		for _, name := range slices.Sorted(maps.Keys(logs)) {
			log := logs[name]
			if name[0] == 'a' {
				log = withShifts(t, log)
			}
			at := rapid.IntRange(0, len(log)).Draw(t, "snapshot at")
			original, straight := drawnShard(t, name, h.o), drawnShard(t, name, h.o)
			for i, r := range log[:at] {
				feedAny(original, r, int64(i))
				feedAny(straight, r, int64(i))
				if rapid.IntRange(0, 3).Draw(t, "emit") == 0 { // at the same places: states that wait to be emitted are kept longer
					handedOn(t, original)
					handedOn(t, straight)
				}
			}
			original.Discard()
			straight.Discard()
			data := snapshotWhileFolding(t, original, log[at:], at)
			restored, next, err := transform.Restore(name, h.o, bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if next != straight.Next() || next != int64(at) {
				t.Fatalf("the snapshot goes on at %d, not %d", next, at)
			}
			compareShards(t, "restored", restored, straight)
			rest := slices.Concat(log[at:], touched(log))
			for i, r := range rest {
				got, want := feedAny(restored, r, int64(at+i)), feedAny(straight, r, int64(at+i))
				if got != want {
					t.Fatalf("record %d is %+v, want %+v", i, got, want)
				}
				if rapid.IntRange(0, 7).Draw(t, "look") == 0 {
					compareShards(t, fmt.Sprintf("after %d", i), restored, straight)
				}
			}
			compareShards(t, "at the end", restored, straight)
		}
	})
}

func compareShards(t *rapid.T, when string, got, want *transform.Shard) {
	if diff := gocmp.Diff(books(want), books(got)); diff != "" {
		t.Fatalf("%s, counts differ (-replayed +restored):\n%s", when, diff)
	}
	if diff := gocmp.Diff(marksOf(want), marksOf(got)); diff != "" {
		t.Fatalf("%s, marks differ (-replayed +restored):\n%s", when, diff)
	}
	if diff := gocmp.Diff(handedOn(t, want), handedOn(t, got)); diff != "" {
		t.Fatalf("%s, partials differ (-replayed +restored):\n%s", when, diff)
	}
	if got.Name()[0] != 'c' {
		return
	}
	horizon := transform.Horizon(want)
	if diff := gocmp.Diff(standing(t, want, horizon), standing(t, got, horizon)); diff != "" {
		t.Fatalf("%s, rows differ (-replayed +restored):\n%s", when, diff)
	}
}

func marksOf(s *transform.Shard) (all []schemas.ShardMark) {
	s.Marks(func(m *schemas.ShardMark) { all = append(all, *m) })
	return all
}

// smallLogs are logs with a bit of everything: facts open and closed, wide, retracted, undated, shifts, names that differ, marks.
func smallLogs() map[string][]any {
	contacts, states := benchContacts(3), benchStates(3)
	contacts[1].EndedAt, contacts[1].WrapEndedAt = schemas.Null, schemas.Null
	contacts[2].QueueName = "Another name"
	wide := contacts[0]
	wide.InteractionID, wide.EndedAt, wide.WrapEndedAt = "wide", wide.AnsweredAt+60*24*3_600_000, schemas.Null
	gone := schemas.Contact{
		Tenant: "acme", Source: "chat", InteractionID: "gone", Revision: 3, Retracted: true, Channel: "chat",
		OfferedAt: schemas.Null, AnsweredAt: schemas.Null, EndedAt: schemas.Null, WrapEndedAt: schemas.Null,
		TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null,
	}
	states[1].EndedAt = states[1].StartedAt + 60_000
	undated := schemas.AgentState{Tenant: "acme", Source: "five9", AgentID: "a", StateID: "x", Revision: 1, Retracted: true, StartedAt: schemas.Null, EndedAt: schemas.Null}
	shift := schemas.Shift{Tenant: "acme", Source: "five9", ShiftID: "1", AgentID: states[0].AgentID, Revision: 1, StartsAt: epoch, EndsAt: epoch + 8*3_600_000, Activity: "break"}
	mark := func(fact string) *schemas.Mark {
		return &schemas.Mark{Tenant: "acme", Source: "five9", Fact: fact, CompleteThrough: epoch + 3_600_000}
	}
	return map[string][]any{
		"contact/0":     {&contacts[0], &contacts[1], &contacts[2], &gone, mark("contact")},
		"contact/1":     {&wide},
		"agent_state/0": {&states[0], &states[1], &states[2], &undated, &shift, mark("agent_state"), mark("shift")},
		"agent_state/1": {},
	}
}

// folded is a shard that has folded a log and handed it on.
func folded(t testing.TB, name string, log []any) *transform.Shard {
	t.Helper()
	s, err := transform.NewShard(name, benchOptions)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range log {
		s.Arrived(epoch + 100*24*3_600_000)
		if res := feedAny(s, r, int64(i)); res.Outcome != transform.Applied {
			t.Fatalf("%s, record %d: %s", name, i, res.Detail())
		}
	}
	s.Discard()
	return s
}

// smallShards are snapshots of them.
func smallShards(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for name, log := range smallLogs() {
		snapshot, err := folded(t, name, log).Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := snapshot.WriteTo(&out); err != nil {
			t.Fatal(err)
		}
		all[name] = out.Bytes()
	}
	return all
}

func TestDamagedSnapshotsAreDetected(t *testing.T) {
	f := func(name string, data []byte, what string, at int) {
		t.Helper()
		if s, _, err := transform.Restore(name, benchOptions, bytes.NewReader(data)); err == nil || s != nil {
			t.Errorf("%s: %s at byte %d of %d is not detected", name, what, at, len(data))
		}
	}
	for name, data := range smallShards(t) {
		if _, _, err := transform.Restore(name, benchOptions, bytes.NewReader(data)); err != nil {
			t.Fatalf("%s: undamaged: %v", name, err)
		}
		for at := range data {
			for _, flip := range []byte{0x01, 0x80, 0xff} {
				flipped := slices.Clone(data)
				flipped[at] ^= flip
				f(name, flipped, "a flip", at)
			}
			f(name, data[:at], "a cut", at)
			f(name, slices.Delete(slices.Clone(data), at, at+1), "a byte less", at)
			f(name, slices.Insert(slices.Clone(data), at, 0), "a byte more", at)
		}
	}
}

func TestSnapshotsOfOthersAreRefused(t *testing.T) {
	data := smallShards(t)["contact/0"]
	f := func(name string, change func(*transform.Options), want error) {
		t.Helper()
		o := benchOptions
		change(&o)
		if _, _, err := transform.Restore(name, o, bytes.NewReader(data)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	f("contact/0", func(*transform.Options) {}, nil)
	f("contact/1", func(*transform.Options) {}, transform.ErrSnapshotOther)
	f("agent_state/0", func(*transform.Options) {}, transform.ErrSnapshotOther)
	for _, change := range []func(*transform.Options){
		func(o *transform.Options) { o.Tenant = "other" },
		func(o *transform.Options) { o.Zone = nil },
		func(o *transform.Options) { o.Interval = time.Hour },
		func(o *transform.Options) { o.Grace = time.Minute },
		func(o *transform.Options) { o.Retention = time.Hour },
		func(o *transform.Options) { o.MaxSession = time.Hour },
		func(o *transform.Options) { o.ClockSkew = time.Hour },
		func(o *transform.Options) { o.Late = transform.LateDrop },
	} {
		f("contact/0", change, transform.ErrSnapshotOther)
	}
	other := bytes.Clone(data)
	other[8]++
	if _, _, err := transform.Restore("contact/0", benchOptions, bytes.NewReader(other)); !errors.Is(err, transform.ErrSnapshotVersion) {
		t.Errorf("another version: %v", err)
	}
	if _, _, err := transform.Restore("contact/0", benchOptions, io.MultiReader(bytes.NewReader(data[:50]), broken{})); !errors.Is(err, errBroken) {
		t.Errorf("a reader that fails: %v", err)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }

// A snapshot is for the moment when everything is handed on, and there is one at a time.
func TestWhenASnapshotCanBegin(t *testing.T) {
	s, _ := transform.NewShard("contact/0", benchOptions)
	facts := benchContacts(2)
	s.Contact(&facts[0], 0)
	if _, err := s.Snapshot(); err == nil {
		t.Error("a snapshot begins while rows wait to be handed on")
	}
	s.Discard()
	first, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Snapshot(); err == nil {
		t.Error("a second snapshot begins")
	}
	first.Abandon()
	if _, err := first.Step(1, func([]byte) error { return nil }); err == nil {
		t.Error("an abandoned snapshot goes on")
	}
	second, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.WriteTo(io.Discard); err != nil {
		t.Fatal(err)
	}
	s.Mark(&schemas.Mark{Tenant: "acme", Source: "five9", Fact: "contact", CompleteThrough: epoch}, 1)
	if _, err := s.Snapshot(); err == nil {
		t.Error("a snapshot begins while a mark waits to be handed on")
	}
}

func FuzzRestore(f *testing.F) {
	for name, data := range smallShards(f) {
		f.Add(name[0] == 'c', data, false)
		f.Add(name[0] == 'c', data, true)
	}
	f.Fuzz(func(t *testing.T, contacts bool, data []byte, sealed bool) {
		name := "agent_state/0"
		if contacts {
			name = "contact/0"
		}
		if sealed {
			data = transform.Resealed(data) // what a program with a fault could write, to get past the checksums
		}
		s, next, err := transform.Restore(name, benchOptions, bytes.NewReader(data))
		if (err == nil) != (s != nil) {
			t.Fatalf("%v and %v", s, err)
		}
		if err != nil {
			return
		}
		if next != s.Next() {
			t.Errorf("goes on at %d, not %d", next, s.Next())
		}
		var out discard
		facts, states := benchContacts(20), benchStates(20)
		for i := range facts { // it is a shard: it folds, takes back, and hands on
			s.Contact(&facts[i], next)
			s.State(&states[i], next)
			facts[i].Revision, facts[i].Retracted = 1<<40, true
			s.Contact(&facts[i], next)
		}
		if err := s.Emit(&out); err != nil {
			t.Error(err)
		}
	})
}
