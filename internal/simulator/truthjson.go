package simulator

import (
	"cmp"
	"encoding/json"
	"slices"
)

// truthRow is a row of any of the three tables in JSON.
type truthRow struct {
	Start    int64            `json:"start"`
	Agent    string           `json:"agent_id,omitempty"`
	Queue    string           `json:"queue_id,omitempty"`
	Channel  string           `json:"channel,omitempty"`
	Measures map[string]int64 `json:"measures"`
}

type truthTables struct {
	Queues      []truthRow `json:"queue_intervals"`
	AgentQueues []truthRow `json:"agent_queue_intervals"`
	Agents      []truthRow `json:"agent_intervals"`
}

// MarshalJSON writes the rows of each table by their keys: {"queue_intervals":[{"start":1772438400,"queue_id":"Sales",
// "channel":"voice","measures":{"offered":3}}],"agent_queue_intervals":[],"agent_intervals":[]}.
func (t Truth) MarshalJSON() ([]byte, error) {
	var tables truthTables
	for k, m := range t.Queues {
		tables.Queues = append(tables.Queues, truthRow{k.Start, "", k.Queue, k.Channel, m})
	}
	for k, m := range t.AgentQueues {
		tables.AgentQueues = append(tables.AgentQueues, truthRow{k.Start, k.Agent, k.Queue, k.Channel, m})
	}
	for k, m := range t.Agents {
		tables.Agents = append(tables.Agents, truthRow{k.Start, k.Agent, "", "", m})
	}
	for _, rows := range [][]truthRow{tables.Queues, tables.AgentQueues, tables.Agents} {
		slices.SortFunc(rows, func(a, b truthRow) int {
			return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.Queue, b.Queue), cmp.Compare(a.Channel, b.Channel))
		})
	}
	return json.Marshal(tables)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *Truth) UnmarshalJSON(text []byte) error {
	var tables truthTables
	if err := json.Unmarshal(text, &tables); err != nil {
		return err
	}
	*t = Truth{map[QueueKey]map[string]int64{}, map[AgentQueueKey]map[string]int64{}, map[AgentKey]map[string]int64{}}
	for _, r := range tables.Queues {
		t.Queues[QueueKey{r.Start, r.Queue, r.Channel}] = r.Measures
	}
	for _, r := range tables.AgentQueues {
		t.AgentQueues[AgentQueueKey{r.Start, r.Agent, r.Queue, r.Channel}] = r.Measures
	}
	for _, r := range tables.Agents {
		t.Agents[AgentKey{r.Start, r.Agent}] = r.Measures
	}
	return nil
}
