package bench

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// The size of the folds: a shard's share of a large contact centre's day, and of its retained month.
const (
	foldFacts   = 500_000
	memoryFacts = 1_000_000
	emitEvery   = 20_000 // facts between emits, as a shard that catches up does
)

// Fold measures decode, fold and emit of contacts on one core, without faults and with 5 % late and 5 % corrected.
func Fold() ([]Figure, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	clean, err := foldRate(0, 0)
	if err != nil {
		return nil, err
	}
	faulty, err := foldRate(20, 20)
	if err != nil {
		return nil, err
	}
	allocations, err := steadyAllocations(foldFacts / 10)
	if err != nil {
		return nil, err
	}
	note := fmt.Sprintf("%d contacts, 200 queues, 2,000 agents, one day; emit every %d", foldFacts, emitEvery)
	return []Figure{
		atLeast("decode, fold and emit contacts, one core", clean, 400_000, "facts/s", note),
		plain("the same with 5 % late and 5 % corrected", faulty, "facts/s", fmt.Sprintf("%.0f %% of the above", 100*faulty/clean)),
		atMost("allocations per fact, once the shard has grown", allocations, 0, "allocations", "every contact of a day corrected"),
	}, nil
}

func foldRate(lateIn, correctedIn int) (float64, error) {
	messages := contactMessages(foldFacts, lateIn, correctedIn, 1)
	best := 0.0
	for range runs {
		seconds, err := foldOnce(messages)
		if err != nil {
			return 0, err
		}
		best = max(best, float64(len(messages))/seconds)
	}
	return best, nil
}

// encoding is an emitter that does what a real one does with rows, short of the network.
type encoding struct {
	queue      *schemas.Encoder[schemas.QueueInterval]
	agentQueue *schemas.Encoder[schemas.AgentQueueInterval]
	agent      *schemas.Encoder[schemas.AgentInterval]
	buf        []byte
}

func newEncoding() *encoding {
	return &encoding{schemas.NewEncoder[schemas.QueueInterval](), schemas.NewEncoder[schemas.AgentQueueInterval](), schemas.NewEncoder[schemas.AgentInterval](), nil}
}

func (e *encoding) Queue(r *schemas.QueueInterval) error {
	e.buf = e.queue.AppendWire(transform.AppendQueueKey(e.buf[:0], r), 1, r)
	return nil
}

func (e *encoding) AgentQueue(r *schemas.AgentQueueInterval) error {
	e.buf = e.agentQueue.AppendWire(transform.AppendAgentQueueKey(e.buf[:0], r), 2, r)
	return nil
}

func (e *encoding) Agent(r *schemas.AgentInterval) error {
	e.buf = e.agent.AppendWire(transform.AppendAgentKey(e.buf[:0], r), 3, r)
	return nil
}

func (e *encoding) Mark(*schemas.ShardMark) error { return nil }

func options() transform.Options {
	return transform.Options{Tenant: "acme", Pipeline: "bench", ClockSkew: 5 * time.Second, StageOptions: transform.StageOptions{
		Profile: transform.ProfileACD, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second, Late: transform.LateRevise}}
}

// folding is one shard fed with encoded contacts.
type folding struct {
	shard   *transform.Shard
	decoder *schemas.Decoder[schemas.Contact]
	out     *encoding
	contact schemas.Contact
}

func newFolding() (*folding, error) {
	shard, err := transform.NewShard("contact/0", options())
	if err != nil {
		return nil, err
	}
	decoder, err := schemas.NewDecoder[schemas.Contact](schemas.Of[schemas.Contact]().JSON)
	return &folding{shard: shard, decoder: decoder, out: newEncoding()}, err
}

func (f *folding) fold(messages [][]byte) error {
	for i, m := range messages {
		_, payload, err := schemas.SplitWire(m)
		if err == nil {
			err = f.decoder.Decode(payload, &f.contact)
		}
		if err != nil {
			return err
		}
		f.shard.Arrived(f.contact.OfferedAt)
		if r := f.shard.Contact(&f.contact, int64(i)); r.Outcome != transform.Applied {
			return fmt.Errorf("contact %d was %s: %s", i, r.Outcome, r.Detail())
		}
		if i%emitEvery == emitEvery-1 || i == len(messages)-1 {
			if err := f.shard.Emit(f.out); err != nil {
				return err
			}
		}
	}
	return nil
}

func foldOnce(messages [][]byte) (seconds float64, err error) {
	f, err := newFolding()
	if err != nil {
		return 0, err
	}
	runtime.GC()
	started := clock.Now()
	err = f.fold(messages)
	return clock.Since(started).Seconds(), err
}

// steadyAllocations is how often memory is allocated for a fact once the shard has grown: every contact of a day is corrected.
func steadyAllocations(n int) (float64, error) {
	f, err := newFolding()
	if err != nil {
		return 0, err
	}
	if err := f.fold(contactMessages(n, 0, 0, 1)); err != nil {
		return 0, err
	}
	again := contactMessages(n, 0, 0, 2)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = f.fold(again)
	runtime.ReadMemStats(&after)
	return float64((after.Mallocs - before.Mallocs) / uint64(n)), err // whole ones, as Go's benchmarks count
}

// contactMessages is a day of n contacts in the order they ended; one in lateIn comes up to two hours late, one in
// correctedIn has a correction behind it. All have the revision given.
func contactMessages(n, lateIn, correctedIn int, revision int64) [][]byte {
	const start = 1_780_000_200_000
	encoder := schemas.NewEncoder[schemas.Contact]()
	messages := make([][]byte, 0, n)
	for i := 0; len(messages) < n; i++ {
		at := int64(start + i*86_400_000/n)
		if lateIn > 0 && i%lateIn == 7 {
			at -= int64(i%120) * 60_000
		}
		c := typicalContact()
		c.InteractionID = strconv.Itoa(1_000_000_000 + i)
		c.QueueID, c.AgentID = "queue-"+strconv.Itoa(i*7919%200), "agent-"+strconv.Itoa(i*104729%2000)
		c.QueueName, c.AgentName = c.QueueID, c.AgentID
		c.OfferedAt, c.AnsweredAt, c.EndedAt, c.WrapEndedAt = at, at+int64(i%40)*1000, at+200_000+int64(i%200)*1000, at+430_000
		c.Revision, c.TalkMs, c.HoldMs = revision, schemas.Null, int64(i%7)*1000
		messages = append(messages, encoder.AppendWire(nil, 1, &c))
		if correctedIn > 0 && i%correctedIn == 3 {
			c.Revision, c.EndedAt = revision+1, c.EndedAt+1000
			messages = append(messages, encoder.AppendWire(nil, 1, &c))
		}
	}
	return messages
}

// Memory measures what a retained contact takes, as the process's resident memory sees it.
func Memory() ([]Figure, error) {
	base, err := resident()
	if err != nil {
		return nil, err
	}
	shard, err := retainedMonth(memoryFacts)
	if err != nil {
		return nil, err
	}
	after, err := resident()
	if err != nil {
		return nil, err
	}
	retained := shard.Counts().Retained
	return []Figure{
		plain("resident memory before", float64(base)/(1<<20), "MB", "the program without ClickHouse's engine"),
		atMost("resident memory per retained contact", float64(after-base)/float64(retained), 200, "bytes",
			fmt.Sprintf("%d contacts retained, with the rows they make", retained)),
	}, nil
}

// resident is the process's resident memory in bytes, after everything unused was given back.
func resident() (int64, error) {
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, fmt.Errorf("read this process's memory: %w", err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
