package transform

import (
	"cmp"
	"slices"

	"github.com/quarterhour/quarterhour/schemas"
)

type (
	mergedQueueKey struct {
		start          int64
		queue, channel string
	}
	mergedAgentQueueKey struct {
		start                 int64
		agent, queue, channel string
	}
	mergedAgentKey struct {
		start int64
		agent string
	}

	queueValues struct {
		seconds int32
		sums    [16]int64
		maxWait int64
	}
	agentQueueValues struct {
		seconds   int32
		completed int64 // Null: no contact of the partial has wrap-up information
		sums      [7]int64
	}
	agentValues struct {
		seconds             int32
		scheduled, adherent int64 // Null: not known
		sums                [7]int64
		reasons             []schemas.NamedValue // in order of the name
	}
)

func addQueue(to, v *queueValues) {
	to.seconds = v.seconds
	for i := range to.sums {
		to.sums[i] += v.sums[i]
	}
	to.maxWait = max(to.maxWait, v.maxWait)
}

func addAgentQueue(to, v *agentQueueValues) {
	to.seconds = v.seconds
	to.completed = addKnown(to.completed, v.completed)
	for i := range to.sums {
		to.sums[i] += v.sums[i]
	}
}

// addKnown adds values of which Null is not known: known and not known make known.
func addKnown(a, b int64) int64 {
	switch {
	case a == schemas.Null:
		return b
	case b == schemas.Null:
		return a
	}
	return a + b
}

func addAgent(to, v *agentValues) {
	to.seconds = v.seconds
	to.scheduled, to.adherent = addKnown(to.scheduled, v.scheduled), addKnown(to.adherent, v.adherent)
	for i := range to.sums {
		to.sums[i] += v.sums[i]
	}
	for _, r := range v.reasons {
		i, found := slices.BinarySearchFunc(to.reasons, r.Name, func(n schemas.NamedValue, name string) int { return cmp.Compare(n.Name, name) })
		if !found {
			to.reasons = slices.Insert(to.reasons, i, schemas.NamedValue{Name: r.Name})
		}
		to.reasons[i].Value += r.Value
	}
}

// Queue takes a partial of a queue row. The record is not kept.
func (m *Merge) Queue(shard string, r *schemas.QueueInterval) {
	n, ok := m.shards.number(shard)
	if !ok || r.IntervalStart < m.horizon {
		return
	}
	if p := m.queues.slot(mergedQueueKey{r.IntervalStart, r.QueueID, r.Channel}, n, r.Revision); p != nil {
		p.facts, p.names[0] = r.Facts, m.own(r.QueueName)
		p.values = queueValues{seconds: r.IntervalSeconds, maxWait: r.MaxWaitMs, sums: [16]int64{
			r.Offered, r.Answered, r.Abandoned, r.ShortAbandoned, r.AnsweredInSl, r.AbandonedInSl, r.TransferredOut, r.Overflowed,
			r.WaitMs, r.AbandonWaitMs, r.TalkMs, r.HoldMs, r.WrapMs, r.ContactMs, r.HandleMs, r.Backlog,
		}}
	}
}

// AgentQueue takes a partial of an agent-queue row. The record is not kept.
func (m *Merge) AgentQueue(shard string, r *schemas.AgentQueueInterval) {
	n, ok := m.shards.number(shard)
	if !ok || r.IntervalStart < m.horizon {
		return
	}
	if p := m.agentQueues.slot(mergedAgentQueueKey{r.IntervalStart, r.AgentID, r.QueueID, r.Channel}, n, r.Revision); p != nil {
		p.facts, p.names = r.Facts, [2]string{m.own(r.AgentName), m.own(r.QueueName)}
		p.values = agentQueueValues{seconds: r.IntervalSeconds, completed: r.Completed, sums: [7]int64{
			r.Answered, r.ContactMs, r.TalkMs, r.HoldMs, r.WrapMs, r.HandleMs, r.DirectOut,
		}}
	}
}

// Agent takes a partial of an agent row. The record is not kept.
func (m *Merge) Agent(shard string, r *schemas.AgentInterval) {
	n, ok := m.shards.number(shard)
	if !ok || r.IntervalStart < m.horizon {
		return
	}
	if p := m.agents.slot(mergedAgentKey{r.IntervalStart, r.AgentID}, n, r.Revision); p != nil {
		p.facts, p.names[0] = r.Facts, m.own(r.AgentName)
		reasons := p.values.reasons[:0]
		for _, v := range r.NotReadyByReason {
			reasons = append(reasons, schemas.NamedValue{Name: m.own(v.Name), Value: v.Value})
		}
		slices.SortFunc(reasons, func(a, b schemas.NamedValue) int { return cmp.Compare(a.Name, b.Name) })
		p.values = agentValues{seconds: r.IntervalSeconds, scheduled: r.ScheduledMs, adherent: r.AdherentMs, reasons: reasons, sums: [7]int64{
			r.LoginMs, r.AvailableMs, r.OnContactMs, r.WrapMs, r.NotReadyMs, r.ConcurrencyMs, r.DirectOut,
		}}
	}
}

func (m *Merge) emitRows(to RowEmitter) error {
	for _, row := range m.queues.dirty {
		m.fillQueue(row)
		if err := to.Queue(&m.out.queue); err != nil {
			return err
		}
	}
	for _, row := range m.agentQueues.dirty {
		m.fillAgentQueue(row)
		if err := to.AgentQueue(&m.out.agentQueue); err != nil {
			return err
		}
	}
	for _, row := range m.agents.dirty {
		m.fillAgent(row)
		if err := to.Agent(&m.out.agent); err != nil {
			return err
		}
	}
	return nil
}

func (m *Merge) fillQueue(row *mergedRow[mergedQueueKey, queueValues]) {
	var v queueValues
	names, facts, revision, final := m.queues.sum(row, &v)
	s := v.sums
	m.out.queue = schemas.QueueInterval{
		Tenant: m.set.Tenant, IntervalStart: row.key.start, IntervalSeconds: v.seconds, QueueID: row.key.queue, QueueName: names[0], Channel: row.key.channel,
		Offered: s[0], Answered: s[1], Abandoned: s[2], ShortAbandoned: s[3], AnsweredInSl: s[4], AbandonedInSl: s[5], TransferredOut: s[6], Overflowed: s[7],
		WaitMs: s[8], AbandonWaitMs: s[9], TalkMs: s[10], HoldMs: s[11], WrapMs: s[12], ContactMs: s[13], HandleMs: s[14], Backlog: s[15],
		MaxWaitMs: v.maxWait, Facts: facts, Final: final, Revision: revision,
	}
}

func (m *Merge) fillAgentQueue(row *mergedRow[mergedAgentQueueKey, agentQueueValues]) {
	v := agentQueueValues{completed: schemas.Null}
	names, facts, revision, final := m.agentQueues.sum(row, &v)
	s := v.sums
	m.out.agentQueue = schemas.AgentQueueInterval{
		Tenant: m.set.Tenant, IntervalStart: row.key.start, IntervalSeconds: v.seconds,
		AgentID: row.key.agent, AgentName: names[0], QueueID: row.key.queue, QueueName: names[1], Channel: row.key.channel,
		Answered: s[0], Completed: v.completed, ContactMs: s[1], TalkMs: s[2], HoldMs: s[3], WrapMs: s[4], HandleMs: s[5], DirectOut: s[6],
		Facts: facts, Final: final, Revision: revision,
	}
}

func (m *Merge) fillAgent(row *mergedRow[mergedAgentKey, agentValues]) {
	v := agentValues{scheduled: schemas.Null, adherent: schemas.Null, reasons: m.out.agent.NotReadyByReason[:0]}
	names, facts, revision, final := m.agents.sum(row, &v)
	s := v.sums
	m.out.agent = schemas.AgentInterval{
		Tenant: m.set.Tenant, IntervalStart: row.key.start, IntervalSeconds: v.seconds, AgentID: row.key.agent, AgentName: names[0],
		LoginMs: s[0], AvailableMs: s[1], OnContactMs: s[2], WrapMs: s[3], NotReadyMs: s[4], NotReadyByReason: v.reasons, ConcurrencyMs: s[5], DirectOut: s[6],
		ScheduledMs: v.scheduled, AdherentMs: v.adherent, Facts: facts, Final: final, Revision: revision,
	}
}
