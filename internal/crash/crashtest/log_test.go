package crashtest

import (
	"path/filepath"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/embedded/kafka"
)

// position is how far something is in one partition.
type position struct {
	of        string // a group, or "end" of the log
	topic     string
	partition int
}

type positions map[position]int64

// checkLog asks, while no program runs, that what was acknowledged is there: no log is shorter than it was, no group has gone
// back, and none is ahead of its log.
func (w *world) checkLog() {
	w.t.Helper()
	ctx := w.t.Context()
	s, err := kafka.Start(ctx, kafka.Options{Dir: filepath.Join(w.data, "kafka")})
	if err != nil {
		w.t.Fatal(err)
	}
	defer s.Close()
	c, err := broker.Open(broker.Config{Brokers: []string{s.Addr()}})
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	topics, err := c.Topics(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	now := positions{}
	for _, topic := range topics {
		ranges, err := c.Offsets(ctx, topic)
		if err != nil {
			w.t.Fatal(err)
		}
		for n, r := range ranges {
			now[position{"end", topic, n}] = r.Next
		}
		for _, group := range []string{"intervals", "merge", "sink.warehouse"} {
			group = "contact-centre-day." + group
			committed, err := c.Committed(ctx, group, topic)
			if err != nil {
				w.t.Fatal(err)
			}
			for n, at := range committed {
				now[position{group, topic, n}] = at
				if at > ranges[n].Next {
					w.t.Errorf("%s has committed %d of %s/%d, which ends at %d", group, at, topic, n, ranges[n].Next)
				}
			}
		}
	}
	for p, before := range w.log {
		if after, ok := now[p]; !ok || after < before {
			w.t.Errorf("%s of %s/%d went back from %d to %d", p.of, p.topic, p.partition, before, after)
		}
	}
	w.log = now
}
