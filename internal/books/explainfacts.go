package books

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

func gridSize(o transform.Options) time.Duration {
	return cmp.Or(o.Interval, transform.DefaultInterval)
}

// logged is a fact or mark kept from the log.
type logged struct {
	contact *schemas.Contact
	state   *schemas.AgentState
	shift   *schemas.Shift
	mark    *schemas.Mark
	offset  int64
	arrived int64
	live    transform.Outcome // what the pipeline makes of it
}

// keep copies a message; its texts belong to a buffer.
func keep(m *runtime.FactMessage) logged {
	k := logged{offset: m.Offset, arrived: m.Arrived}
	switch {
	case m.Contact != nil:
		c := *m.Contact
		cloneTexts(&c.Tenant, &c.Source, &c.InteractionID, &c.Segment, &c.Channel, &c.QueueID, &c.QueueName, &c.AgentID, &c.AgentName)
		k.contact = &c
	case m.State != nil:
		s := *m.State
		cloneTexts(&s.Tenant, &s.Source, &s.AgentID, &s.AgentName, &s.StateID, &s.Reason, &s.Channel)
		k.state = &s
	case m.Shift != nil:
		s := *m.Shift
		cloneTexts(&s.Tenant, &s.Source, &s.ShiftID, &s.AgentID, &s.Activity)
		k.shift = &s
	case m.Mark != nil:
		s := *m.Mark
		cloneTexts(&s.Tenant, &s.Source, &s.Fact)
		k.mark = &s
	}
	return k
}

func cloneTexts(all ...*string) {
	for _, s := range all {
		*s = strings.Clone(*s)
	}
}

// facts finds the facts of every shard that may touch the row. The row is explained by what the running shards count; where that
// is not what was issued, and a rebuild's count is, by that.
func (e *explaining) facts(ctx context.Context) error {
	var mu sync.Mutex
	told, err := e.reportedFacts(ctx)
	if err != nil {
		return err
	}
	late := slices.Clone(told)
	e.Facts = append(e.Facts, told...)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	var done int64
	for _, s := range e.shards {
		if s.Fact != "contact" && e.key.Kind != transform.KindAgent {
			continue
		}
		group.Go(func() error {
			found, err := e.gather(ctx, s)
			if err != nil {
				return err
			}
			asRun, err := e.explain(s, found, false)
			if err != nil {
				return err
			}
			asRebuilt, err := e.explain(s, found, true)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			e.repeated[s.Name] = repeated(found)
			e.Facts, late = append(e.Facts, asRun...), append(late, asRebuilt...)
			done++
			e.o.Progress.Report("explain", done, int64(len(e.shards)), "shards")
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	e.o.Progress.Report("explain", int64(len(e.shards)), int64(len(e.shards)), "shards")
	if e.issued != nil {
		is := e.issued.content()
		seconds := func(facts []Fact) uint64 { r := sumOf(e.key, facts); r.Seconds = e.issued.Seconds; return r.content() }
		if seconds(e.Facts) != is && seconds(late) == is {
			e.Facts, e.Rebuilt = late, true
		}
	}
	return nil
}

// repeated are the offsets behind promises that say nothing new.
func repeated(found []logged) map[int64]bool {
	all, through := map[int64]bool{}, map[string]int64{}
	for _, m := range found {
		if m.mark == nil {
			continue
		}
		if before, ok := through[m.mark.Source]; m.mark.CompleteThrough == schemas.Null || ok && m.mark.CompleteThrough <= before {
			all[m.offset+1] = true
			continue
		}
		through[m.mark.Source] = m.mark.CompleteThrough
	}
	return all
}

// capture is an emitter that keeps one row.
type capture struct {
	key string
	row *Row
}

func (c *capture) take(key []byte, r Row) error {
	if string(key) == c.key {
		r = own(r)
		c.row = &r
	}
	return nil
}

func (c *capture) Queue(r *schemas.QueueInterval) error {
	return c.take(transform.AppendQueueKey(nil, r), queueRow(r))
}

func (c *capture) AgentQueue(r *schemas.AgentQueueInterval) error {
	return c.take(transform.AppendAgentQueueKey(nil, r), agentQueueRow(r))
}

func (c *capture) Agent(r *schemas.AgentInterval) error {
	return c.take(transform.AppendAgentKey(nil, r), agentRow(r))
}

func (*capture) Mark(*schemas.ShardMark) error { return nil }

// explain folds the facts found in one shard, as the pipeline does and then as a rebuild does, and says of each what became of it
// and what it adds.
func (e *explaining) explain(s runtime.ShardLog, found []logged, rebuilt bool) ([]Fact, error) {
	o := e.l.Options()
	if rebuilt {
		o = o.Unlimited()
	}
	shard, err := transform.NewShard(s.Name, o)
	if err != nil {
		return nil, err
	}
	var facts []Fact
	newest := map[string]int{} // of an identity, by place in facts
	at := map[int]int{}        // of a fact, its place in found
	ever := map[string]bool{}  // identities that counted in the row at some time
	for i, m := range found {
		for _, share := range shard.StateShares(e.key.AgentID, e.start) {
			ever[shareID(share)] = true
		}
		if m.mark != nil {
			shard.Mark(m.mark, m.offset)
			continue
		}
		shard.Arrived(m.arrived)
		f, r := e.take(shard, s, m)
		switch r.Outcome {
		case transform.Applied:
			id := identityOf(m.contact, m.state, m.shift)
			if before, ok := newest[id]; ok {
				facts[before].Outcome = outcomeReplaced
			}
			newest[id], f.Outcome = len(facts), outcomeElsewhere
			if m.retracted() {
				f.Outcome = outcomeRetracted
			}
		default:
			f.Outcome, f.Reason = r.Outcome.String(), r.Detail()
		}
		if !rebuilt {
			found[i].live = r.Outcome
		}
		f.live = found[i].live
		at[len(facts)] = i
		facts = append(facts, f)
	}
	if s.Fact == "contact" {
		err = e.contactShares(s, found, facts, newest, at)
	} else {
		e.stateShares(shard, facts, newest)
		facts = e.relevant(facts, found, at, ever)
	}
	return facts, err
}

func (m logged) retracted() bool {
	return m.contact != nil && m.contact.Retracted || m.state != nil && m.state.Retracted || m.shift != nil && m.shift.Retracted
}

// take folds a fact and describes it.
func (e *explaining) take(shard *transform.Shard, s runtime.ShardLog, m logged) (f Fact, r transform.Result) {
	zone := e.l.Pipeline().Zone
	f = Fact{shard: s.Name, offset: m.offset, arrived: m.arrived, Position: position(s.Topic, s.Partition, m.offset), Arrived: instantMs(m.arrived)}
	switch {
	case m.contact != nil:
		c := m.contact
		r = shard.Contact(c, m.offset)
		f.Kind, f.Source, f.Revision, f.ID, f.Says = "contact", c.Source, c.Revision, joined(c.InteractionID, c.Segment), saysContact(c, zone)
	case m.state != nil:
		a := m.state
		r = shard.State(a, m.offset)
		f.agent = a.AgentName
		f.Kind, f.Source, f.Revision, f.ID, f.Says = "agent_state", a.Source, a.Revision, joined(a.AgentID, a.StateID), saysState(a, zone)
	case m.shift != nil:
		a := m.shift
		r = shard.Shift(a, m.offset)
		f.Kind, f.Source, f.Revision, f.ID = "shift", a.Source, a.Revision, joined(a.AgentID, a.ShiftID)
		f.Says = strings.TrimSpace("scheduled "+clocks(zone, a.StartsAt, a.EndsAt)+" "+a.Activity) + retracted(a.Retracted)
	}
	return f, r
}

func joined(a, b string) string {
	if b == "" {
		return a
	}
	return a + "/" + b
}

// contactShares finds what each contact adds, by a fold of it alone with the marks of its shard.
func (e *explaining) contactShares(s runtime.ShardLog, found []logged, facts []Fact, newest map[string]int, at map[int]int) error {
	for _, n := range newest {
		m := found[at[n]]
		if m.retracted() {
			continue
		}
		alone, err := transform.NewShard(s.Name, e.l.Options().Unlimited())
		if err != nil {
			return err
		}
		alone.Arrived(m.arrived)
		alone.Contact(m.contact, m.offset)
		for _, o := range found {
			if o.mark != nil {
				alone.Mark(o.mark, o.offset)
			}
		}
		row := &capture{key: string(appendKey(nil, e.key))}
		if err := alone.EmitRange(e.start, e.end, row); err != nil {
			return err
		}
		if row.row != nil && !row.row.zero() {
			facts[n].Outcome, facts[n].adds = outcomeCounted, row.row
		}
	}
	return nil
}

// stateShares takes the agent's timeline apart.
func (e *explaining) stateShares(shard *transform.Shard, facts []Fact, newest map[string]int) {
	for _, share := range shard.StateShares(e.key.AgentID, e.start) {
		n, ok := newest[shareID(share)]
		if !ok {
			continue
		}
		row := emptyOf(Row{Key: e.key, Cells: make([]int64, len(Columns(e.key.Kind)))}, 0)
		set := func(column string, v int64) {
			for i, c := range Columns(e.key.Kind) {
				if c == column {
					row.Cells[i] = v
				}
			}
		}
		set("facts", 1)
		if share.Shift {
			set("scheduled_ms", share.Scheduled)
			set("adherent_ms", share.Adherent)
		} else {
			set("login_ms", share.Login)
			set(stateColumns[share.State], share.Ms)
			if share.State == schemas.StateNotReady {
				row.Reasons = []schemas.NamedValue{{Name: share.Reason, Value: share.Ms}}
			}
			row.Names[0] = facts[n].agent
		}
		facts[n].Outcome, facts[n].adds = outcomeCounted, &row
	}
}

// stateColumns are the measures that states add to.
var stateColumns = map[schemas.State]string{
	schemas.StateAvailable: "available_ms", schemas.StateOnContact: "on_contact_ms", schemas.StateWrap: "wrap_ms", schemas.StateNotReady: "not_ready_ms",
}

// shareID is the identityOf the fact of a share.
func shareID(s transform.StateShare) string { return fmt.Sprintf("s\x00%x", s.Identity) }

// relevant leaves out the states of the agent that never counted in the interval, did not begin in it, and were not refused.
func (e *explaining) relevant(facts []Fact, found []logged, at map[int]int, ever map[string]bool) []Fact {
	kept := []Fact{}
	for i, f := range facts {
		m := found[at[i]]
		from, to := int64(schemas.Null), int64(schemas.Null)
		if m.state != nil {
			from, to = m.state.StartedAt, m.state.EndedAt
		} else if m.shift != nil {
			from, to = m.shift.StartsAt, m.shift.EndsAt
		}
		refused := f.Outcome == transform.TooLate.String() || f.Outcome == transform.Rejected.String()
		if f.adds != nil || ever[identityOf(m.contact, m.state, m.shift)] || from >= e.start && from < e.end || refused && from < e.end && to > e.start {
			kept = append(kept, f)
		}
	}
	return kept
}
