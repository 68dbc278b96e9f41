package script

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// shards is how many shards of each kind a case runs over as it is written.
const shards = 3

// disturbances is how often a case is run again in other ways.
const disturbances = 4

// Run runs the case and returns what did not hold, in the order of the script. The error is about the case's options.
func (c *Case) Run() ([]Failure, error) {
	e, err := newEngine(c, shards)
	if err != nil {
		return nil, err
	}
	r := &running{c: c, engine: e, met: map[*event]bool{}}
	flushed := false
	for _, s := range c.steps {
		if s.event != nil {
			e.take(s.event)
			r.events, flushed = append(r.events, s.event), false
			continue
		}
		if !flushed {
			if err := e.flush(); err != nil {
				return nil, err
			}
			if err := r.disturb(); err != nil {
				return nil, err
			}
			flushed = true
		}
		r.failures = append(r.failures, s.expect.check(r, s.at)...)
	}
	r.unexpected()
	return r.failures, nil
}

// running is a case being run.
type running struct {
	c        *Case
	engine   *engine
	events   []*event // so far
	met      map[*event]bool
	failures []Failure
	unstable bool // a disturbed run differed: one is enough to tell of
}

// unexpected reports facts that were refused without an expectation that says so.
func (r *running) unexpected() {
	told := map[*event]bool{}
	for _, f := range r.engine.refused {
		if r.met[f.event] || told[f.event] {
			continue
		}
		told[f.event] = true
		id := f.event.what[strings.IndexByte(f.event.what, ' ')+1:]
		r.failures = append(r.failures, Failure{At: f.event.at, What: f.event.what, Note: fmt.Sprintf(
			"was refused as %s: %s; write `expect %s %s %s` where that is meant", f.result.Reason, f.detail, f.result.Outcome, id, f.result.Reason)})
	}
	slices.SortStableFunc(r.failures, func(a, b Failure) int { return a.At.Line - b.At.Line })
}

// disturb runs what was said so far in other ways, and compares the tables.
func (r *running) disturb() error {
	if r.c.orderMatters || r.unstable {
		return nil
	}
	want := r.engine.snapshot()
	for seed := range uint64(disturbances) {
		e, err := disturbed(r.c, r.events, seed)
		if err != nil {
			return err
		}
		if got := e.snapshot(); !slices.Equal(want, got) {
			r.unstable = true
			r.failures = append(r.failures, Failure{At: r.at(), What: "the same records in another order", Note: fmt.Sprintf(
				"give other tables (run %d of %d, over %d shards). As written:\n%s\notherwise:\n%s\nWrite `order matters` where what arrives first decides, as with late=side.",
				seed+1, disturbances, e.count, without(want, got), without(got, want))})
			return nil
		}
	}
	return nil
}

// at is the line of the last record.
func (r *running) at() spec.Position {
	if len(r.events) == 0 {
		return r.c.At
	}
	return r.events[len(r.events)-1].at
}

func without(lines, others []string) string {
	lines = slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return slices.Contains(others, l) })
	if len(lines) == 0 {
		return "  nothing more"
	}
	return "  " + strings.Join(lines, "\n  ")
}

// disturbed takes the records in a random order, some of them twice, in random batches, over another number of shards, which
// start again from their logs or from snapshots now and then.
func disturbed(c *Case, events []*event, seed uint64) (*engine, error) {
	random := rand.New(rand.NewPCG(seed, uint64(len(events)))) // the same every time, so that a failure stays
	e, err := newEngine(c, 1+int(seed)%shards)
	if err != nil {
		return nil, err
	}
	list := slices.Clone(events)
	for _, ev := range events {
		if random.IntN(2) == 0 {
			list = append(list, ev)
		}
	}
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for _, ev := range list {
		e.take(ev)
		s := e.order[random.IntN(len(e.order))]
		switch random.IntN(8) {
		case 0:
			err = e.emit(s)
		case 1:
			err = e.flush()
		case 2:
			err = e.replay(s)
		case 3:
			err = e.restore(s)
		}
		if err != nil {
			return nil, err
		}
	}
	return e, e.flush()
}

// snapshot is all that the tables and the dead letters say, one line each, for comparison.
func (e *engine) snapshot() (lines []string) {
	zone := e.c.setting.Options.Zone
	for _, r := range e.tables.list(func(*row) bool { return true }) {
		lines = append(lines, r.name(zone)+" "+r.text())
	}
	letters := map[string]bool{}
	for _, f := range e.refused {
		letters[fmt.Sprintf("%s %s %s (line %d)", f.event.what, f.result.Outcome, f.result.Reason, f.event.at.Line)] = true
	}
	from := len(lines)
	for l := range letters {
		lines = append(lines, l)
	}
	slices.Sort(lines[from:])
	return append(lines, "complete through "+formatInstant(e.tables.complete, zone))
}
