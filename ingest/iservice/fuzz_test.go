package iservice

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
)

// Whatever an answer is, it is records, an error or a complaint; nothing breaks.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"errors":[],"agents":[{"id":"1"}]}`, `[{"id":1}]`, `{"agents":null}`, `{"a":{"agents":[1,[2],"x"]}}`, `{"errors":{"message":["x"]},"errorsDetails":7}`, `{"errors":[`, ` [`, `null`, ``,
		`{"agents":[{"p":[{"name":"x","value":{"name":"y"}}]}]}`,
	} {
		f.Add([]byte(seed), "agents|a.agents", "p.x|id")
	}
	f.Fuzz(func(t *testing.T, answer []byte, list, path string) {
		complaints(answer)
		found, err := records(answer, list)
		if err != nil {
			return
		}
		for _, raw := range found {
			if r, err := parseRecord(raw); err == nil {
				_ = r.text(path)
				_, _ = r.flag(path)
			}
		}
	})
}

// Whatever a message is, it is passed over, refused with a reason, or a contact that has an identity and a time.
func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"id":"1","type":"Ticket","date":"2026-03-02 10:00"}`), []byte(`{"id":"2","threadID":"1","type":"Agent Response","date":"3/2/2026 10:00 AM","agentID":7}`))
	f.Add([]byte(`{"id":1,"type":"agent note","date":"2026-03-02T10:00:00Z","agentID":"5"}`), []byte(`{"type":"Ticket"}`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		o := &Options{Zone: time.UTC}
		i := &Interactions{Fields: Fields{
			ID: "id", Thread: "threadID", Question: "parentID", Type: "type", Date: "date", Created: "createdDate", Resolved: "resolvedDate", Status: "status",
			Topic: "topicID", TopicName: "topicName", Agent: "agentID", AgentName: "agentName",
		}}
		g := &searching{source: &source{o: o}, o: i, dates: o.calendarAt(time.Unix(0, 0))}
		th := &thread{id: "t"}
		for _, raw := range [][]byte{first, second} {
			m, fault := g.message(json.RawMessage(raw))
			switch {
			case fault != nil:
				if fault.reason == "" || fault.err == nil {
					t.Errorf("%s is refused without a reason", raw)
				}
			case m.kind != passedOver:
				th.put(m)
			}
		}
		contacts, lost := th.contacts(i, "email")
		if len(contacts)+len(lost) > len(th.all) {
			t.Errorf("%d contacts and %d lost of %d messages", len(contacts), len(lost), len(th.all))
		}
		for _, c := range contacts {
			if c.InteractionID == "" || c.Segment == "" || c.OfferedAt == schemas.Null || c.Direction != schemas.DirectionInbound && c.AgentID == "" {
				t.Errorf("%+v", c)
			}
		}
	})
}

// Whatever a record of the statistics is, it is a row within the contract or a fault that says why not.
func FuzzStatistics(f *testing.F) {
	f.Add([]byte(`{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"4105","queueName":"Billing","offeredContacts":12,"answeredContacts":"9","contactTime":4210.0,"agentId":"1","agentName":"a,b","loginTime":-4,"directOutContacts":2,"completedContacts":null}`))
	f.Add([]byte(`{"intervalStartDateTime":"2026-03-02T09:01:00Z","offeredContacts":1e99,"agentName":";","loginTime":9223372036854775807}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := parseRecord(raw)
		if err != nil {
			return
		}
		s := &source{o: &Options{}, watch: &clockwork{at: noon}}
		s.o.Streams.Statistics = &Statistics{}
		s.deps.Bounds = quarters
		c := &fields{source: s, record: r}
		start := c.start("intervalStartDateTime")
		id, name := c.identity("queueId", "queueName")
		agent, _ := c.agent("agentId", "agentName")
		n, _ := c.count("offeredContacts", true)
		login, _ := c.whole("loginTime")
		if c.fault == nil && (start%900_000 != 0 || id == "" || agent == "" || n < 0 || len([]rune(id)) > 100 || len([]rune(name)) > 100 || login > 1<<31) {
			t.Errorf("%s: %d %q %q %q %d %d", raw, start, id, name, agent, n, login)
		}
	})
}
