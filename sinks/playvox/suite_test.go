package playvox

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/playvox"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/deliverytest"
)

const everything = `
url: ${URL}/tenant
region_url: ${URL}/region
identifier: identifier
secret: ${SECRET}
integration_alias: acd
contacts: {path: api/workactivity/contacts}
sessions: {path: api/workactivity/sessions}
identifiers: {path: api/organisation/users/identifiers}
states:
`

var staff = []playvox.User{
	{ID: 11, First: "Ann", Last: "Müller", Email: "Ann@acme.test"}, {ID: 12, First: "Bob", Last: "O'Hara", Email: "bob@acme.test"},
	{ID: 13, First: "Cleo", Last: "Lund", Email: "cleo@acme.test"},
}

func line(record map[string]any) string {
	text, err := json.Marshal(record)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func at(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

// shows is what Playvox must have for an item, written down without the sink's code. A state says, too, when the one before it ended: a
// quarter of an hour is between the suite's states.
func shows(i delivery.Item) map[string]string {
	switch {
	case i.Contact != nil:
		c := i.Contact
		return map[string]string{
			"contacts|" + i.Key: line(map[string]any{
				"externalId": i.Key, "userEmail": c.AgentID, "integrationAlias": "acd", "integrationUserId": c.AgentID, "channel": "voice", "direction": "inbound",
				"queueName": c.QueueName, "outcome": "handled", "startTime": at(c.OfferedAt), "answeredTime": at(c.AnsweredAt), "endTime": at(c.WrapEndedAt),
			}),
			"sessions|" + i.Key: line(map[string]any{
				"externalId": i.Key, "userEmail": c.AgentID, "integrationAlias": "acd", "integrationUserId": c.AgentID, "channel": "voice", "queueName": c.QueueName,
				"startTime": at(c.AnsweredAt), "endTime": at(c.WrapEndedAt),
			}),
		}
	case i.Worker != nil:
		return map[string]string{"identifiers|acd|" + i.Worker.AgentID: line(map[string]any{
			"userEmail": i.Worker.Email, "integrationAlias": "acd", "integrationUserId": i.Worker.AgentID, "isActive": true,
		})}
	}
	a := i.AgentState
	name := func(start int64) string { return "task|" + a.AgentID + "|acd|" + at(start) }
	held := map[string]string{name(a.StartedAt): map[string]string{"available": "available", "not_ready": "Break", "on_contact": "on_contact"}[a.State.String()]}
	before := a.StartedAt - 900_000
	if before >= time.Date(2026, 3, 2, 13, 15, 0, 0, time.UTC).UnixMilli() {
		held[name(before)+"|end"] = at(a.StartedAt)
	}
	return held
}

// wrongStates are states that Playvox refuses, by agent and start. They end those before them nevertheless.
type wrongStates map[string]bool

func (w wrongStates) name(agent string, start int64) string { return agent + at(start) }

func (w wrongStates) shows(i delivery.Item) map[string]string {
	held, a := shows(i), i.AgentState
	if a == nil {
		return held
	}
	const next = 900_000
	if w[w.name(a.AgentID, a.StartedAt-next)] {
		delete(held, "task|"+a.AgentID+"|acd|"+at(a.StartedAt-next)+"|end")
	}
	if w[w.name(a.AgentID, a.StartedAt+next)] {
		held["task|"+a.AgentID+"|acd|"+at(a.StartedAt)+"|end"] = at(a.StartedAt + next)
	}
	return held
}

func TestSuite(t *testing.T) {
	deliverytest.Run(t, deliverytest.Case{
		Registration: Registration, YAML: everything + "  path: api/workactivity/tasks\n", Env: map[string]string{"SECRET": "hunter2"}, Secrets: []string{"hunter2", "playvox-token"},
		Cannot: deliverytest.Cannot{"zero rows": "contacts, states and people are no rows"},
		Destination: func(_ *testing.T, s deliverytest.Setting) deliverytest.Destination {
			sim := playvox.New(s.Watch, playvox.Options{
				Identifier: "identifier", Secret: "hunter2", Users: staff, Page: 2,
				Refuse: func(record map[string]any) string {
					if record["channel"] == "telepathy" || record["taskIdentifier"] == "telepathy" {
						return "there is no telepathy"
					}
					return ""
				},
			})
			wrong := wrongStates{}
			return deliverytest.Destination{
				Handler: sim, Holds: sim.Holds, Shows: wrong.shows, Violations: sim.Violations, Expire: sim.Expire,
				Poison: func(i *delivery.Item) bool {
					switch {
					case i.Contact != nil && i.Contact.AgentID == "ann@acme.test":
						i.Contact.Channel = "telepathy" // Playvox refuses it
					case i.Contact != nil:
						i.Contact.AgentID = "nobody@acme.test" // the sink does
					case i.AgentState != nil:
						i.AgentState.Reason = "telepathy"
						wrong[wrong.name(i.AgentState.AgentID, i.AgentState.StartedAt)] = true
					default:
						return false
					}
					return true
				},
			}
		},
	})
}
