package http

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/anywfm"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/deliverytest"
)

// shown is how an item has to look, written down without the sink's code: fields by name, in the order of names.
func shown(i *delivery.Item, instant func(ms int64) string, text func(string) string) string {
	if i.Queue != nil {
		q := i.Queue
		return fmt.Sprintf("id=%s measures.offered=%d measures.talk=%d name=%s rev=%d sl=%s start=%s what=%s",
			i.Key, q.Offered, halfEven(q.TalkMs), text(q.QueueName), i.Revision, percent(q.AnsweredInSl, q.Offered), instant(q.IntervalStart), q.QueueID)
	}
	if i.AgentQueue != nil {
		q := i.AgentQueue
		completed := fmt.Sprint(q.Completed)
		return fmt.Sprintf("completed=%s id=%s rev=%d start=%s what=%s who=%s", completed, i.Key, i.Revision, instant(q.IntervalStart), q.QueueID, text(q.AgentName))
	}
	if i.Agent != nil {
		a := i.Agent
		return fmt.Sprintf("id=%s login=%d ready=%d rev=%d start=%s who=%s", i.Key, halfEven(a.LoginMs), halfEven(a.AvailableMs), i.Revision, instant(a.IntervalStart), text(a.AgentName))
	}
	if i.Contact != nil {
		return fmt.Sprintf("ended=%s id=%s outcome=handled rev=%d what=%s", instant(i.Contact.EndedAt), i.Key, i.Revision, i.Contact.QueueID)
	}
	if i.AgentState != nil {
		return fmt.Sprintf("id=%s reason=%s rev=%d state=%s", i.Key, i.AgentState.Reason, i.Revision, i.AgentState.State)
	}
	return fmt.Sprintf("active=true id=%s mail=%s rev=%d who=%s", i.Key, i.Worker.Email, i.Revision, text(i.Worker.Name))
}

func halfEven(ms int64) int64 {
	s := ms / 1000
	if rest := ms % 1000; rest > 500 || rest == 500 && s%2 == 1 {
		s++
	}
	return s
}

func percent(part, whole int64) string {
	if whole == 0 {
		return "0"
	}
	out, _ := json.Marshal(100 * float64(part) / float64(whole))
	return string(out)
}

const records = `
records:
  queue_interval:
    path: rows/queues
    fields: {id: key, rev: revision, start: interval_start, what: queue_id, name: queue_name, measures.offered: offered, measures.talk: talk_ms, sl: 'offered == 0 ? 0 : 100.0 * answered_in_sl / offered'}
  agent_queue_interval:
    path: rows/both
    fields: {id: key, rev: revision, start: interval_start, what: queue_id, who: agent_name, completed: completed}
  agent_interval:
    path: rows/agents
    fields: {id: key, rev: revision, start: interval_start, who: agent_name, login: login_ms, ready: available_ms}
  contact:
    path: rows/contacts
    fields: {id: key, rev: revision, ended: ended_at, what: queue_id, outcome: outcome}
  agent_state:
    path: rows/states
    fields: {id: key, rev: revision, state: state, reason: reason}
  worker:
    path: rows/workers
    fields: {id: key, rev: revision, mail: email, who: name, active: active}
`

var pathOf = map[string]string{
	"queue_interval": "/rows/queues", "agent_queue_interval": "/rows/both", "agent_interval": "/rows/agents", "contact": "/rows/contacts",
	"agent_state": "/rows/states", "worker": "/rows/workers",
}

func rfc3339(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

func asIs(s string) string { return s }

func nobody(record map[string]any) string {
	if record["what"] == "nobody" {
		return "there is no queue \"nobody\""
	}
	return ""
}

func poison(i *delivery.Item) bool {
	switch {
	case i.Queue != nil:
		i.Queue.QueueID = "nobody"
	case i.AgentQueue != nil:
		i.AgentQueue.QueueID = "nobody"
	case i.Contact != nil:
		i.Contact.QueueID = "nobody"
	default:
		return false
	}
	return true
}

// suite runs the sink against a destination.
func suite(t *testing.T, yaml string, o anywfm.Options, shows func(i *delivery.Item) string) {
	t.Helper()
	t.Parallel()
	o.ByPath, o.Key, o.Refuse = true, append(o.Key, "id"), nobody
	deliverytest.Run(t, deliverytest.Case{
		Registration: Registration, YAML: yaml, Env: map[string]string{"SECRET": "hunter2"}, Secrets: []string{"hunter2", "anywfm-token"},
		Destination: func(_ *testing.T, s deliverytest.Setting) deliverytest.Destination {
			sim := anywfm.New(s.Watch, o)
			d := deliverytest.Destination{
				Handler: sim, Holds: sim.Holds, Violations: sim.Violations, Poison: poison,
				Shows: func(i delivery.Item) map[string]string {
					return map[string]string{pathOf[kindOf(&i)] + "|" + i.Key: shows(&i)}
				},
			}
			if o.ClientID != "" {
				d.Expire = sim.Expire
			}
			return d
		},
	})
}

func TestSuiteJSON(t *testing.T) {
	suite(t, `
url: ${URL}
auth: {type: oauth2, token_url: "${URL}/token", client_id: me, client_secret: "${SECRET}"}
envelope: {records: data.rows, fields: {source: '"quarterhour"', data.count: 1}}
answer: {refusals: {list: errors, index: index}}
zero_rows: always
`+records, anywfm.Options{List: "data.rows", ClientID: "me", Secret: "hunter2", How: "list", Most: 4}, func(i *delivery.Item) string { return shown(i, rfc3339, asIs) })
}

func TestSuiteNDJSON(t *testing.T) {
	suite(t, "url: ${URL}\nformat: ndjson\nauth: {type: bearer, token: \"${SECRET}\"}\ntimes: unix_ms\n"+records,
		anywfm.Options{Format: "ndjson", Token: "hunter2", How: "whole"},
		func(i *delivery.Item) string { return shown(i, func(ms int64) string { return fmt.Sprint(ms) }, asIs) })
}

func TestSuiteXML(t *testing.T) {
	suite(t, `
url: ${URL}
format: xml
xml: {root: soap:Envelope.Body.import, element: row, namespace: "urn:example:wfm", attributes: {"xmlns:soap": "urn:soap"}}
headers: {X-Api-Version: "3"}
answer: {failure: error}
`+records, anywfm.Options{Format: "xml", List: "Envelope.Body.import.row", Header: "X-Api-Version", Value: "3", How: "said"},
		func(i *delivery.Item) string { return shown(i, rfc3339, asIs) })
}

func TestSuiteCSV(t *testing.T) {
	suite(t, "url: ${URL}\nformat: csv\nmax_bytes: 400\nanswer: {refusals: {list: results, status: status, taken: [ok]}}\n"+records,
		anywfm.Options{Format: "csv", How: "each", Bytes: 400}, func(i *delivery.Item) string { return shown(i, rfc3339, asIs) })
}

// A request for each record, whose path is the record's own, and which the destination tells from its repetition.
func TestSuiteOne(t *testing.T) {
	yaml := `
url: ${URL}
method: PUT
one_per_request: true
headers: {Idempotency-Key: '{{key}}-{{revision}}'}
answer: {refusals: {list: errors, index: index, statuses: ["422"]}}
limits: [{count: 1000, per: 10s}]
records:
  queue_interval:
    path: rows/queues
    body: '{"id": "{{key}}", "rev": {{revision}}, "start": "{{interval_start}}", "what": "{{queue_id}}", "name": {{queue_name}}, "measures": {"offered": {{offered}}, "talk": {{talk_ms}}}, "sl": {{offered == 0 ? 0.0 : 100.0 * answered_in_sl / offered}}}'
`
	suite(t, yaml, anywfm.Options{One: true, How: "partly", Idempotent: "Idempotency-Key"}, func(i *delivery.Item) string { return shown(i, rfc3339, asIs) })
}
