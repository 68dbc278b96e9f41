package runtime

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
)

// polled is a source with one flow, whose contacts are what the vendor has.
type polled struct {
	vendor []schemas.Contact
	reads  atomic.Int64
	refuse bool
	deps   ingest.Deps
}

func (s *polled) Run(ctx context.Context, cursor []byte, out ingest.Out) error {
	credential := s.deps.Keyring.Open("vendor/user", quota.Options{
		Secret: "old", Exclusive: true, Limits: []quota.Limit{{Operation: "report", Count: 100, Per: 24 * time.Hour}},
	})
	calls := flow.Flow{
		Name: "calls", Facts: []string{"contact", "agent_state"}, Schedule: flow.Schedule{Every: time.Hour},
		Window: flow.Window{Back: 24 * time.Hour, Overlap: 24 * time.Hour}, Replaces: true,
		Read: func(ctx context.Context, r *flow.Read) error {
			s.reads.Add(1)
			err := credential.Do(ctx, "report", func(context.Context) error { return nil })
			if err == nil && s.refuse {
				err = credential.Refused(ctx, "no such user")
			}
			if err != nil {
				return err
			}
			if err := r.Raw(ctx, "text/csv", bytes.Repeat([]byte("id,queue\n"), 1000)); err != nil {
				return err
			}
			for i := range s.vendor {
				if err := r.Contact(ctx, &s.vendor[i]); err != nil {
					return err
				}
			}
			return nil
		},
	}
	return flow.Run(ctx, []flow.Flow{calls}, cursor, out, flow.Options{Deps: s.deps, KeepRaw: time.Hour})
}

func polledPipeline(t *testing.T, s *polled) *pipelines.Pipeline {
	p := pipelineOf(t, &factSource{}, newTableSink())
	p.Sources[0].Registration.Open = func(_ any, d ingest.Deps) (ingest.Source, error) {
		s.deps = d
		return s, nil
	}
	return p
}

func callsNow(queues ...string) []schemas.Contact {
	var list []schemas.Contact
	at := clock.Now().Add(-time.Hour).UnixMilli()
	for i, q := range queues {
		list = append(list, schemas.Contact{
			InteractionID: string(rune('a' + i)), QueueID: q, OfferedAt: at, AnsweredAt: schemas.Null, EndedAt: schemas.Null, WrapEndedAt: schemas.Null,
			TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null,
		})
	}
	return list
}

// facts are the contacts in the log, in their order within partitions.
func (w *world) facts(t *testing.T, p *pipelines.Pipeline) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	q := &pipeline{file: p, topics: topics{p.Name}, cluster: w.cluster, registry: w.registry, watch: clock.Wall}
	err := q.recall("list")(t.Context(), "contact", time.Time{}, func(fact any) {
		c := fact.(*schemas.Contact)
		what := c.QueueID
		if c.Retracted {
			what = "retracted"
		}
		all[strings.Clone(c.InteractionID)] = append(all[c.InteractionID], strings.Clone(what))
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAPolledSourceGoesOnWhereItWas(t *testing.T) {
	w := newWorld(t)
	s := &polled{vendor: callsNow("x", "y", "z")}
	p := polledPipeline(t, s)
	run := func() {
		t.Helper()
		if err := w.run(t.Context(), p, true); err != nil {
			t.Fatal(err)
		}
	}
	run()
	run() // repeats nothing: the memory comes from the log
	if d := cmp.Diff(map[string][]string{"a": {"x"}, "b": {"y"}, "c": {"z"}}, w.facts(t, p)); d != "" {
		t.Error(d)
	}
	s.vendor[0].QueueID, s.vendor = "w", s.vendor[:2]
	run() // one is corrected, one is withdrawn
	if d := cmp.Diff(map[string][]string{"a": {"x", "w"}, "b": {"y"}, "c": {"z", "retracted"}}, w.facts(t, p)); d != "" {
		t.Error(d)
	}
	states, err := Sources(t.Context(), w.cluster, p, clock.Now())
	if err != nil || len(states) != 1 || states[0].Flow != "calls" || states[0].Behind < 0 || states[0].Behind > time.Minute || states[0].Error != "" {
		t.Errorf("states %+v, error %v", states, err)
	}
	credentials, err := Credentials(t.Context(), w.cluster, p, clock.Now())
	if err != nil || len(credentials) != 1 || credentials[0].Usage[0].Spent < 3 || credentials[0].Usage[0].Spent > 30 {
		t.Errorf("credentials %+v, error %v", credentials, err)
	}
	since := clock.Now().Add(-24 * time.Hour)
	f := func(flow string, to time.Time, wanted string) {
		t.Helper()
		err := ResetSource(t.Context(), w.cluster, p, "list", flow, to, clock.Now)
		if wanted == "" && err != nil || wanted != "" && (err == nil || !strings.Contains(err.Error(), wanted)) {
			t.Errorf("error %v, want %q", err, wanted)
		}
	}
	f("calls", since, "")
	f("cals", since, "it has calls")
	f("calls", since.Add(time.Hour), "nothing to take back")
	f("", clock.Now().Add(time.Hour), "has not come yet")
	if states, _ = Sources(t.Context(), w.cluster, p, clock.Now()); !states[0].Through.Equal(since) || !states[0].Read.IsZero() {
		t.Errorf("after the reset: %+v", states[0])
	}
	run() // reads a day again, and repeats nothing
	if n := len(w.facts(t, p)["a"]); n != 2 {
		t.Errorf("a was written %d times", n)
	}
}

func TestAReadersPositionIsNotTakenBack(t *testing.T) {
	w := newWorld(t)
	s := &polled{vendor: callsNow("x")}
	p := polledPipeline(t, s)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.run(ctx, p, false) }()
	for s.reads.Load() == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	for len(w.facts(t, p)) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	err := ResetSource(t.Context(), w.cluster, p, "list", "", time.Time{}, clock.Now)
	for err != nil && !errors.Is(err, ErrHeld) { // the first cursor is still to come
		time.Sleep(10 * time.Millisecond)
		err = ResetSource(t.Context(), w.cluster, p, "list", "", time.Time{}, clock.Now)
	}
	if !errors.Is(err, ErrHeld) {
		t.Errorf("error %v", err)
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := ResetSource(t.Context(), w.cluster, p, "list", "", time.Time{}, clock.Now); err != nil {
		t.Error(err)
	}
}

func TestALockedCredentialStaysLockedUntilSomebodySaysSo(t *testing.T) {
	w := newWorld(t)
	s := &polled{refuse: true}
	p := polledPipeline(t, s)
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	s.refuse = false
	if err := w.run(t.Context(), p, true); !errors.Is(err, quota.ErrLocked) {
		t.Fatalf("error %v, want that the credential is locked", err)
	}
	list, err := Credentials(t.Context(), w.cluster, p, clock.Now())
	if err != nil || len(list) != 1 || list[0].Why != "no such user" {
		t.Errorf("%+v, %v", list, err)
	}
	if unlocked, err := Unlock(t.Context(), w.cluster, p, "vendor/user", clock.Now); !unlocked || err != nil {
		t.Error(unlocked, err)
	}
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
}

func TestRawAnswersAreKept(t *testing.T) {
	w := newWorld(t)
	s := &polled{vendor: callsNow("x")}
	p := polledPipeline(t, s)
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	var text []byte
	ranges, err := w.cluster.Offsets(t.Context(), p.Name+".raw")
	if err != nil {
		t.Fatal(err)
	}
	err = w.cluster.ReadAll(t.Context(), p.Name+".raw", 0, 0, ranges[0].Next, func(b *broker.Batch) error {
		for _, r := range b.Records {
			z, err := gzip.NewReader(bytes.NewReader(r.Value))
			if err != nil {
				return err
			}
			if text, err = io.ReadAll(z); err != nil {
				return err
			}
			if len(r.Headers) != 8 || len(r.Headers[7].Value) == 0 || string(r.Headers[1].Value) != "calls" || string(r.Headers[6].Value) != "1/1" {
				t.Errorf("headers %q", r.Headers)
			}
		}
		return nil
	})
	if err != nil || len(text) != 9000 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

func TestALargeAnswerIsKeptInParts(t *testing.T) {
	noise := make([]byte, 3<<20)
	x := uint32(1)
	for i := range noise {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		noise[i] = byte(x)
	}
	records, err := rawRecords("s", ingest.Raw{Stream: "calls", Payload: noise}, clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	var packed []byte
	for _, r := range records {
		if len(r.Value) > rawPart {
			t.Errorf("a part of %d bytes", len(r.Value))
		}
		packed = append(packed, r.Value...)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, noise) {
		t.Errorf("%d of %d bytes, %v", len(got), len(noise), err)
	}
}

// The parts that an answer is kept in while it is read are one file, too, and say how many they are once that is known.
func TestPartsOfAnAnswerAreOneFile(t *testing.T) {
	var packed []byte
	var parts []string
	for n, text := range []string{"one\n", "two\n", ""} {
		records, err := rawRecords("s", ingest.Raw{Stream: "calls", Answer: "x1", Part: n + 1, Last: n == 2, Payload: []byte(text)}, clock.Now())
		if err != nil || len(records) != 1 {
			t.Fatal(len(records), err)
		}
		h := records[0].Headers
		packed, parts = append(packed, records[0].Value...), append(parts, string(h[6].Value)+" of "+string(h[7].Value))
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != "one\ntwo\n" {
		t.Errorf("%q, %v", got, err)
	}
	if d := cmp.Diff([]string{"1 of x1", "2 of x1", "3/3 of x1"}, parts); d != "" {
		t.Error(d)
	}
}
