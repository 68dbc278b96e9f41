package bench

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// snapshotStep is how many facts a shard at work writes between two batches.
const snapshotStep = 20_000

// Snapshot measures the snapshot of a shard with a million retained contacts: writing it beside the folding, and restoring from it.
func Snapshot() ([]Figure, error) {
	shard, err := retainedMonth(memoryFacts)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	written, err := writeSnapshot(shard, &out)
	if err != nil {
		return nil, err
	}
	before := shard.Counts()
	shard = nil
	runtime.GC()
	data := out.Bytes()
	started := clock.Now()
	shard, _, err = transform.Restore("contact/0", options(), bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	restored := clock.Since(started)
	if after := shard.Counts(); after.Retained != before.Retained || after.Rows != before.Rows {
		return nil, fmt.Errorf("restored %d contacts and %d rows of %d and %d", after.Retained, after.Rows, before.Retained, before.Rows)
	}
	note := fmt.Sprintf("%d contacts and %d rows; snapshot of %.1f MB", before.Retained, before.Rows, float64(len(data))/(1<<20))
	return []Figure{
		atMost("restore a shard from its snapshot", restored.Seconds(), 3, "s", note),
		atMost("longest stop of a shard that writes a snapshot", float64(written.longest.Microseconds())/1000, 100, "ms", fmt.Sprintf("%d facts a step", snapshotStep)),
		plain("write a snapshot, all steps together", written.total.Seconds(), "s", ""),
	}, nil
}

type stops struct{ longest, total time.Duration }

// writeSnapshot writes a snapshot in steps.
func writeSnapshot(shard *transform.Shard, out *bytes.Buffer) (s stops, err error) {
	var snapshot *transform.Snapshot
	for done := false; !done; {
		started := clock.Now()
		if snapshot == nil {
			if snapshot, err = shard.Snapshot(); err != nil {
				return s, err
			}
		}
		var sections [][]byte
		if done, err = snapshot.Step(snapshotStep, func(section []byte) error { sections = append(sections, section); return nil }); err != nil {
			return s, err
		}
		took := clock.Since(started)
		s.longest, s.total = max(s.longest, took), s.total+took
		for _, section := range sections {
			out.Write(section)
		}
	}
	return s, nil
}

// retainedMonth is a shard that retains n contacts of a month: three shifts of 150 agents, a contact each every 375 s, in 60 queues.
func retainedMonth(n int) (*transform.Shard, error) {
	shard, err := transform.NewShard("contact/0", options())
	if err != nil {
		return nil, err
	}
	const start = 1_780_000_200_000
	c := typicalContact()
	var id []byte
	for i := range n {
		at := int64(start + i*2_500)
		id = strconv.AppendInt(id[:0], int64(1_000_000_000+i), 10)
		c.InteractionID = string(id)
		agent := i*2_500/(8*3_600_000)%3*150 + i%150
		queue := agent % 60
		if i/150%3 == 0 {
			queue = (agent + 7) % 60 // and now and then in a second queue
		}
		c.QueueID, c.AgentID = "queue-"+strconv.Itoa(queue), "agent-"+strconv.Itoa(agent)
		c.OfferedAt, c.AnsweredAt, c.EndedAt, c.WrapEndedAt = at, at+20_000, at+320_000, at+350_000
		shard.Arrived(at)
		if r := shard.Contact(&c, int64(i)); r.Outcome != transform.Applied {
			return nil, fmt.Errorf("contact %d was %s: %s", i, r.Outcome, r.Detail())
		}
		if i%emitEvery == 0 {
			shard.Discard()
		}
	}
	shard.Mark(&schemas.Mark{Tenant: c.Tenant, Source: c.Source, Fact: "contact", CompleteThrough: start + int64(n)*2_500}, int64(n))
	shard.Discard()
	return shard, nil
}
