package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	"github.com/quarterhour/quarterhour/internal/simulator/vendors"
)

// fact is a contact, an agent state or a worker; instants are milliseconds since 1970, nil where absent.
type fact struct {
	Source, InteractionID, Segment, Channel, Direction, QueueName, AgentID, Outcome string
	StateID, State, Reason, WorkerID                                                string
	Retracted, Active                                                               bool
	Sequence                                                                        int64
	Offered, Answered, Ended, WrapEnded, WrapMs, Started                            *int64
}

func (d *demo) facts(ctx context.Context, sql string) (list []*fact, err error) {
	err = d.rows(ctx, sql, func(line []byte) error {
		f := &fact{}
		list = append(list, f)
		return json.Unmarshal(line, f)
	})
	return list, err
}

// staff are the addresses of people by source and agent id, as the centre knows them, whatever the vendors say.
func (d *demo) staff() map[string]string {
	all := map[string]string{}
	for _, v := range centre.Vendors {
		for _, a := range d.centre.Accounts(v) {
			all[string(v)+"|"+a.ID] = strings.ToLower(a.Person.Email)
		}
	}
	return all
}

const ofContacts = `SELECT source, interaction_id, segment, channel, direction, queue_name, agent_id, outcome, retracted, wrap_ms, toUnixTimestamp64Milli(offered_at) AS offered,
	toUnixTimestamp64Milli(answered_at) AS answered, toUnixTimestamp64Milli(ended_at) AS ended, toUnixTimestamp64Milli(wrap_ended_at) AS wrap_ended FROM contacts WHERE tenant = 'demo'`

const ofStates = `SELECT source, agent_id, channel, state_id, state, reason, sequence, toUnixTimestamp64Milli(started_at) AS started, toUnixTimestamp64Milli(ended_at) AS ended
	FROM agent_states WHERE tenant = 'demo' AND NOT retracted AND started_at IS NOT NULL AND source IN ('five9', 'gladly')`

// contactKey is the contact's name in the books: of facts only what would end a part is escaped.
func contactKey(f *fact) string {
	part := strings.NewReplacer("%", "%25", "/", "%2F").Replace
	return strings.Join([]string{"contact", "demo", part(f.Source), part(f.InteractionID), part(f.Segment)}, "/")
}

// withPlayvox is contacts, sessions, tasks and identifiers. Whose they are is taken from the centre, not from what was matched.
func (d *demo) withPlayvox(ctx context.Context) ([]*comparison, error) {
	contacts := &comparison{destination: "playvox", what: "contacts", fields: 10, want: map[string]string{}, held: plain(d.part(vendors.Playvox, "contacts|"))}
	sessions := &comparison{destination: "playvox", what: "sessions", fields: 7, want: map[string]string{}, held: plain(d.part(vendors.Playvox, "sessions|"))}
	ids := &comparison{destination: "playvox", what: "identifiers", fields: 2, want: map[string]string{}, held: plain(d.part(vendors.Playvox, "identifiers|"))}
	staff := d.staff()
	list, err := d.facts(ctx, ofContacts)
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		id := contactKey(f)
		start := cmp.Or(f.Offered, f.Answered, f.Ended)
		row := map[string]any{
			"externalId": id, "integrationAlias": f.Source, "integrationUserId": f.AgentID, "userEmail": staff[f.Source+"|"+f.AgentID], "channel": f.Channel, "direction": f.Direction,
			"queueName": f.QueueName, "outcome": f.Outcome, "startTime": told(start), "answeredTime": told(f.Answered), "endTime": told(f.over(start)),
		}
		contacts.want["contacts|"+id] = spelled(row)
		if f.AgentID == "" || f.Answered == nil {
			continue
		}
		for _, no := range []string{"direction", "outcome", "answeredTime"} {
			delete(row, no)
		}
		row["startTime"], row["endTime"] = told(f.Answered), told(f.over(f.Answered))
		sessions.want["sessions|"+id] = spelled(row)
	}
	if list, err = d.facts(ctx, "SELECT source, worker_id, agent_id, active FROM workers WHERE tenant = 'demo' AND NOT retracted"); err != nil {
		return nil, err
	}
	for _, f := range list {
		if email, ok := staff[f.Source+"|"+f.AgentID]; ok {
			ids.want["identifiers|"+f.Source+"|"+f.AgentID] = spelled(map[string]any{"userEmail": email, "integrationAlias": f.Source, "integrationUserId": f.AgentID, "isActive": f.Active})
		}
	}
	tasks, err := d.withTasks(ctx, staff)
	return append(tasks, contacts, sessions, ids), err
}

// over is when a contact was done with. What its source took back ends where it begins.
func (f *fact) over(start *int64) *int64 {
	end := f.WrapEnded
	if end == nil && f.Ended != nil {
		at := *f.Ended
		if f.WrapMs != nil {
			at += *f.WrapMs
		}
		end = &at
	}
	if f.Retracted || end != nil && *end < *start {
		return start
	}
	return end
}

func told(ms *int64) any {
	if ms == nil {
		return nil
	}
	return time.UnixMilli(*ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

// spelled is a record in one text: its members in the order of their names, without those that are empty.
func spelled(record map[string]any) string {
	for name, value := range record {
		if value == nil || value == "" {
			delete(record, name)
		}
	}
	text, _ := json.Marshal(record) // of texts and truth values
	return string(text)
}

// plain are records of JSON as spelled writes them.
func plain(held map[string]string) map[string]string {
	for key, line := range held {
		var record map[string]any
		if json.Unmarshal([]byte(line), &record) == nil {
			held[key] = spelled(record)
		}
	}
	return held
}

// timelines are the states of each agent in their order. Of those that begin at one instant the last one counts.
func (d *demo) timelines(ctx context.Context) ([][]*fact, error) {
	list, err := d.facts(ctx, ofStates)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b *fact) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.AgentID, b.AgentID), strings.Compare(a.Channel, b.Channel), cmp.Compare(*a.Started, *b.Started),
			cmp.Compare(a.Sequence, b.Sequence), strings.Compare(a.StateID, b.StateID))
	})
	var lines [][]*fact
	for n, f := range list {
		if n == 0 || f.Source != list[n-1].Source || f.AgentID != list[n-1].AgentID || f.Channel != list[n-1].Channel {
			lines = append(lines, nil)
		}
		line := &lines[len(lines)-1]
		if k := len(*line); k > 0 && *(*line)[k-1].Started == *f.Started {
			(*line)[k-1] = f
			continue
		}
		*line = append(*line, f)
	}
	return lines, nil
}

// taskNames are those of the pipeline file; other states go by their reason.
var taskNames = map[string]string{"available": "Available", "on_contact": "Contact", "wrap": "After-contact work", "logged_out": ""}

// withTasks is agent states as tasks, each until the next one begins.
func (d *demo) withTasks(ctx context.Context, staff map[string]string) ([]*comparison, error) {
	c := &comparison{destination: "playvox", what: "tasks", fields: 2, want: map[string]string{}, held: map[string]string{}}
	all := d.part(vendors.Playvox, "task|")
	for key, name := range all {
		if !strings.HasSuffix(key, "|end") {
			c.held[key] = name + " until " + all[key+"|end"]
		}
	}
	lines, err := d.timelines(ctx)
	for _, line := range lines {
		for n, f := range line {
			name, known := taskNames[f.State]
			if !known {
				name = cmp.Or(f.Reason, f.State)
			}
			end := f.Ended
			if n+1 < len(line) && (end == nil || *end > *line[n+1].Started) {
				end = line[n+1].Started
			}
			if name == "" || end != nil && *end <= *f.Started {
				continue
			}
			until, _ := told(end).(string)
			c.want[fmt.Sprintf("task|%s|%s|%s", staff[f.Source+"|"+f.AgentID], f.Source, told(f.Started))] = name + " until " + until
		}
	}
	return []*comparison{c}, err
}

// withAdherence is the state that each agent was in last, at the service for real-time adherence.
func (d *demo) withAdherence(ctx context.Context) ([]*comparison, error) {
	c := &comparison{destination: "calabrio-adherence", what: "agents' states", fields: 4, want: map[string]string{}, held: d.part(vendors.Calabrio, "state/")}
	lines, err := d.timelines(ctx)
	for _, line := range lines {
		f := line[len(line)-1]
		state, reason, at := f.State, f.Reason, f.Started
		if f.Ended != nil && *f.Ended <= d.watch.Now().UnixMilli() {
			state, reason, at = "logged_out", "", f.Ended
		}
		code, description := state, cmp.Or(reason, strings.ReplaceAll(state, "_", " "))
		if state == "logged_out" {
			code = "LOGGED-OFF"
		}
		c.want["state/"+f.AgentID] = fmt.Sprintf("%s (%s) logged on %t since %s", code, description, state != "logged_out", time.UnixMilli(*at).UTC().Format(time.RFC3339))
	}
	return []*comparison{c}, err
}
