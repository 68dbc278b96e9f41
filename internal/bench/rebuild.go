package bench

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"syscall"

	"github.com/quarterhour/quarterhour/internal/books"
	"github.com/quarterhour/quarterhour/internal/clock"
	pipeline "github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// The day that is rebuilt.
const (
	rebuildAgents    = 5_000
	rebuildContacts  = 2_000_000
	rebuildStates    = 3_000_000
	rebuildShards    = 4 // of each kind of fact
	rebuildSeconds   = 15
	rebuildDay       = 1_780_272_000_000 // 2026-06-01T00:00:00Z
	rebuildDayMillis = 86_400_000
)

// Rebuild measures how long it takes to fold one day of 5,000 agents again and merge its rows, from encoded facts in memory.
func Rebuild(ctx context.Context) ([]Figure, error) {
	return rebuild(ctx, rebuildContacts, rebuildStates, rebuildAgents)
}

func rebuild(ctx context.Context, contacts, states, agents int) ([]Figure, error) {
	day := newRebuildDay(contacts, states, agents)
	runtime.GC()
	processor, started := processorSeconds(), clock.Now()
	b, err := books.Recompute(ctx, day, options(), day.feeds, day.shards, books.Range{From: rebuildDay, To: rebuildDay + rebuildDayMillis}, quiet{})
	if err != nil {
		return nil, err
	}
	took, worked := clock.Since(started).Seconds(), processorSeconds()-processor
	if b.Facts != int64(contacts+states) {
		return nil, fmt.Errorf("%d facts were folded, not %d", b.Facts, contacts+states)
	}
	return []Figure{
		atMost("rebuild one day of 5,000 agents", took, rebuildSeconds, "s", fmt.Sprintf("%d facts make %d rows; %d cores", b.Facts, b.Rows, runtime.GOMAXPROCS(0))),
		plain("facts folded again and merged", float64(b.Facts)/took, "facts/s", ""),
		plain("processor time of that", worked, "s", "of all cores, collection of garbage included"),
	}, nil
}

// processorSeconds is the time that processors have spent on this process.
func processorSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// rebuildLog is the log of a day in memory: of each shard all messages one after the other, as they stand in a topic.
type rebuildLog struct {
	shards []pipeline.ShardLog
	feeds  []transform.Feed
	arenas map[string][]byte
	ends   map[string][]uint32
}

func newRebuildDay(contacts, states, agents int) *rebuildLog {
	l := &rebuildLog{arenas: map[string][]byte{}, ends: map[string][]uint32{}}
	contactEncoder, stateEncoder := schemas.NewEncoder[schemas.Contact](), schemas.NewEncoder[schemas.AgentState]()
	add := func(shard string, encode func([]byte) []byte) {
		l.arenas[shard] = encode(l.arenas[shard])
		l.ends[shard] = append(l.ends[shard], uint32(len(l.arenas[shard])))
	}
	c := typicalContact()
	for i := range contacts {
		at := int64(rebuildDay) + int64(i)*rebuildDayMillis/int64(contacts)
		agent := i * 104_729 % agents
		c.InteractionID = "5f1c2a9e-77b1-4f0c-" + strconv.Itoa(1_000_000_000+i)
		c.AgentID, c.QueueID = "agent-"+strconv.Itoa(agent), "queue-"+strconv.Itoa((agent+i/agents%2)%200)
		c.AgentName, c.QueueName = c.AgentID, c.QueueID
		c.OfferedAt, c.AnsweredAt, c.EndedAt, c.WrapEndedAt = at, at+int64(i%40)*1000, at+100_000+int64(i%100)*1000, at+230_000
		c.TalkMs = schemas.Null
		add("contact/"+strconv.Itoa(i%rebuildShards), func(b []byte) []byte { return contactEncoder.AppendWire(b, 1, &c) })
	}
	kinds := []schemas.State{schemas.StateAvailable, schemas.StateOnContact, schemas.StateWrap, schemas.StateNotReady}
	for i := range states {
		agent, at := i%agents, int64(rebuildDay)+int64(i)*rebuildDayMillis/int64(states)
		s := schemas.AgentState{
			Tenant: "acme", Source: "five9-eu", AgentID: "agent-" + strconv.Itoa(agent), AgentName: "agent-" + strconv.Itoa(agent), StateID: strconv.Itoa(i),
			Revision: 1, StartedAt: at, EndedAt: schemas.Null, State: kinds[i/agents%4], Reason: []string{"", "", "", "break"}[i/agents%4],
		}
		add("agent_state/"+strconv.Itoa(agent%rebuildShards), func(b []byte) []byte { return stateEncoder.AppendWire(b, 2, &s) })
	}
	for _, fact := range []string{"contact", "agent_state"} {
		for n := range rebuildShards {
			name := fact + "/" + strconv.Itoa(n)
			l.shards = append(l.shards, pipeline.ShardLog{Name: name, Fact: fact, Topic: "bench." + fact, Partition: n, Next: int64(len(l.ends[name]))})
			l.feeds = append(l.feeds, transform.Feed{Shard: name, Source: "five9-eu", Fact: fact})
		}
	}
	return l
}

// ReadFacts decodes the messages of a shard as a ledger does.
func (l *rebuildLog) ReadFacts(_ context.Context, s pipeline.ShardLog, _, _ int64, _ func([]byte) bool, each func(*pipeline.FactMessage) error) error {
	contacts, err := schemas.NewDecoder[schemas.Contact](schemas.Of[schemas.Contact]().JSON)
	if err != nil {
		return err
	}
	states, err := schemas.NewDecoder[schemas.AgentState](schemas.Of[schemas.AgentState]().JSON)
	if err != nil {
		return err
	}
	var contact schemas.Contact
	var state schemas.AgentState
	m := &pipeline.FactMessage{}
	from := uint32(0)
	for i, to := range l.ends[s.Name] {
		_, payload, err := schemas.SplitWire(l.arenas[s.Name][from:to])
		from = to
		if err == nil && s.Fact == "contact" {
			m.Contact, m.Arrived, err = &contact, rebuildDay+rebuildDayMillis, contacts.Decode(payload, &contact)
		} else if err == nil {
			m.State, m.Arrived, err = &state, rebuildDay+rebuildDayMillis, states.Decode(payload, &state)
		}
		if err != nil {
			return err
		}
		m.Offset = int64(i)
		if err := each(m); err != nil {
			return err
		}
	}
	return each(&pipeline.FactMessage{Offset: int64(len(l.ends[s.Name])), Mark: &schemas.Mark{Tenant: "acme", Source: "five9-eu", Fact: s.Fact, CompleteThrough: rebuildDay + rebuildDayMillis}})
}
