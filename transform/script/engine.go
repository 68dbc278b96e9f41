package script

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// engine is a pipeline in small: shards that fold what they own, and a merge, as the runtime has them.
type engine struct {
	c       *Case
	shards  map[string]*shard
	order   []*shard
	count   int // of shards, for each kind of fact
	merge   *transform.Merge
	tables  *tables
	refused []refusal
	counts  map[string]int64 // outcomes of facts, and marks
}

// shard is one partition: its log, and what was folded from it.
type shard struct {
	*transform.Shard
	name     string
	log      []*event
	handedOn int // records of the log whose partials have been handed on
}

// refusal is a fact that the engine did not take.
type refusal struct {
	event  *event
	result transform.Result
	detail string
}

// newEngine starts with empty shards.
func newEngine(c *Case, count int) (*engine, error) {
	e := &engine{c: c, shards: map[string]*shard{}, count: count, tables: newTables(), counts: map[string]int64{}}
	var feeds []transform.Feed
	for _, kind := range kinds {
		for n := range count {
			name := fmt.Sprintf("%s/%d", kind, n)
			if kind != shiftFact {
				s := &shard{name: name}
				if err := s.restart(c.setting.Options); err != nil {
					return nil, err
				}
				e.shards[name], e.order = s, append(e.order, s)
			}
			for _, source := range c.setting.Sources {
				if slices.Contains(source.Facts, kind) {
					feeds = append(feeds, transform.Feed{Shard: name, Source: source.Name, Fact: kind})
				}
			}
		}
	}
	e.merge = transform.NewMerge(c.setting.Options, feeds)
	return e, nil
}

func (s *shard) restart(o transform.Options) (err error) {
	s.Shard, err = transform.NewShard(s.name, o)
	return err
}

// owner is the shard of a fact: contacts are spread by interaction, agent states and shifts by agent.
func (e *engine) owner(ev *event) *shard {
	id := ""
	switch {
	case ev.contact != nil:
		id = ev.contact.InteractionID
	case ev.state != nil:
		id = ev.state.AgentID
	default:
		id = ev.shift.AgentID
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // a hash takes everything
	return e.shard(ev.fact, int(h.Sum32()%uint32(e.count)))
}

// shard is the shard that has facts of a kind.
func (e *engine) shard(kind string, n int) *shard {
	if kind == shiftFact {
		kind = stateFact
	}
	return e.shards[fmt.Sprintf("%s/%d", kind, n)]
}

// take writes a record to the log of its shard, or a mark to those of all shards of its kind, and folds it.
func (e *engine) take(ev *event) {
	if ev.mark == nil {
		e.settle(ev, e.owner(ev).append(ev, e.c.setting.Stages))
		return
	}
	e.counts["marks"]++
	for n := range e.count {
		r := e.shard(ev.fact, n).append(ev, nil)
		if n == 0 && r.result.Reason == transform.ReasonMarkBackwards {
			e.counts["marks_backwards"]++
		}
	}
}

// settle counts what became of a fact, and notes refusals.
func (e *engine) settle(ev *event, r refusal) {
	e.counts["read"]++
	e.counts[r.result.Outcome.String()]++
	if r.result.Outcome == transform.Rejected || r.result.Outcome == transform.TooLate {
		r.event = ev
		e.refused = append(e.refused, r)
	}
}

func (s *shard) append(ev *event, stages Stages) refusal {
	s.log = append(s.log, ev)
	return s.fold(ev, int64(len(s.log)-1), stages)
}

// reasonExpression is why a fact is refused that a stage cannot work on.
const reasonExpression = "expression"

// fold passes a record through the stages and into the shard. Records are copied: the shard's callers reuse theirs too.
func (s *shard) fold(ev *event, offset int64, stages Stages) refusal {
	s.Arrived(ev.arrived)
	var r transform.Result
	switch {
	case ev.mark != nil:
		m := *ev.mark
		r = s.Mark(&m, offset)
	case ev.contact != nil:
		c := *ev.contact
		if stages != nil {
			if err := stages.Contact(&c); err != nil {
				return refusal{result: transform.Result{Outcome: transform.Rejected, Reason: reasonExpression}, detail: err.Error()}
			}
		}
		r = s.Contact(&c, offset)
	case ev.shift != nil: // filter and set stages are about contacts and states
		sh := *ev.shift
		r = s.Shift(&sh, offset)
	default:
		a := *ev.state
		if stages != nil {
			if err := stages.AgentState(&a); err != nil {
				return refusal{result: transform.Result{Outcome: transform.Rejected, Reason: reasonExpression}, detail: err.Error()}
			}
		}
		r = s.State(&a, offset)
	}
	return refusal{result: r, detail: r.Detail()}
}

// replay starts a shard anew from its log, as after a crash: what was handed on before is not handed on again.
func (e *engine) replay(s *shard) error {
	if err := s.restart(e.c.setting.Options); err != nil {
		return err
	}
	for i, ev := range s.log {
		if i == s.handedOn && i > 0 {
			s.Discard()
		}
		s.fold(ev, int64(i), e.c.setting.Stages)
	}
	if s.handedOn == len(s.log) && s.handedOn > 0 {
		s.Discard()
	}
	return nil
}

// restore starts a shard anew from a snapshot of it, which is taken once everything has been handed on.
func (e *engine) restore(s *shard) error {
	if err := e.emit(s); err != nil {
		return err
	}
	p, err := s.Snapshot()
	if err != nil {
		return err
	}
	var saved bytes.Buffer
	if _, err := p.WriteTo(&saved); err != nil {
		return err
	}
	s.Shard, _, err = transform.Restore(s.name, e.c.setting.Options, &saved)
	return err
}

// emit hands a shard's partials to the merge.
func (e *engine) emit(s *shard) error {
	err := s.Emit(partials{e.merge, s.name})
	s.handedOn = len(s.log)
	return err
}

// flush brings the tables up to date.
func (e *engine) flush() error {
	for _, s := range e.order {
		if err := e.emit(s); err != nil {
			return err
		}
	}
	return e.merge.Emit(e.tables)
}

// partials is the transform.Emitter between a shard and the merge.
type partials struct {
	merge *transform.Merge
	shard string
}

func (p partials) Queue(r *schemas.QueueInterval) error {
	p.merge.Queue(p.shard, r)
	return nil
}

func (p partials) AgentQueue(r *schemas.AgentQueueInterval) error {
	p.merge.AgentQueue(p.shard, r)
	return nil
}

func (p partials) Agent(r *schemas.AgentInterval) error {
	p.merge.Agent(p.shard, r)
	return nil
}

func (p partials) Mark(r *schemas.ShardMark) error {
	p.merge.Mark(r)
	return nil
}
