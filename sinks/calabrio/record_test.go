package calabrio

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// made is the record of an item by options of the historical section; what is wrong with it in its place.
func made(t *testing.T, kind, fields string, i delivery.Item, change ...func(*recorder)) string {
	t.Helper()
	section := map[string]string{kindQueue: "queue", kindAgentQueue: "agent_queue", kindAgent: "agent"}[kind]
	o, problems := options(t, "historical: {url: 'https://a.test', tenant_key: t, data_source_key: d, "+section+": {path: p, fields: {"+fields+"}}}")
	if problems != "" {
		t.Fatal(problems)
	}
	set := map[string]*RecordSet{kindQueue: o.Historical.Queue, kindAgentQueue: o.Historical.AgentQueue, kindAgent: o.Historical.Agent}[kind]
	tab, err := newTable(kind, records[kind], set.Fields)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{table: tab, interval: 15 * time.Minute}
	for _, c := range change {
		c(r)
	}
	switch record, err := r.record(&i); {
	case err != nil:
		return err.Error()
	case record == nil:
		return "nothing"
	default:
		return string(record.body)
	}
}

// The three record sets as the vendor's documentation has them: names, types, order, whole seconds, UTC.
func TestRecords(t *testing.T) {
	f := func(kind, fields string, i delivery.Item, want string) {
		t.Helper()
		if got := made(t, kind, fields, i); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f(kindQueue, "", queueRow("T-1042", "email", first, 1),
		`{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"T-1042","queueName":"T-1042","offeredContacts":17,"answeredContacts":12,"contactTime":5130}`)
	f(kindAgentQueue, "", agentQueueRow("ann", "sales", first, 1),
		`{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"sales","queueName":"SALES","agentId":"ann","agentName":"Ann","contactTime":210,"answeredContacts":5,"completedContacts":null}`)
	f(kindAgent, "", agentRow("ann", first, 1),
		`{"intervalStartDateTime":"2026-03-02T09:00:00Z","agentId":"ann","agentName":"Ann","loginTime":900,"directOutContacts":3}`)
	f(kindQueue, `queueId: 'queue_id + "-" + channel', contactTime: handle_ms, abandonedContacts: abandoned, open: 'backlog > 0', note: channel`, queueRow("a", "chat", first, 1),
		`{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"a-chat","queueName":"A","offeredContacts":17,"answeredContacts":12,"contactTime":5191,"abandonedContacts":4,"open":false,"note":"chat"}`)
	completed := agentQueueRow("ann", "sales", first, 1)
	completed.AgentQueue.Completed, completed.AgentQueue.AgentName, completed.AgentQueue.QueueName = 4, "", " "
	f(kindAgentQueue, "", completed,
		`{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"sales","queueName":"sales","agentId":"ann","agentName":"ann","contactTime":210,"answeredContacts":5,"completedContacts":4}`)
}

func TestRecordsThatTheContractHasNoPlaceFor(t *testing.T) {
	queue := func(change func(q *schemas.QueueInterval)) delivery.Item {
		i := queueRow("sales", "voice", first, 1)
		change(i.Queue)
		return i
	}
	f := func(i delivery.Item, fields, want string) {
		t.Helper()
		if got := made(t, kindOf(&i), fields, i); !strings.Contains(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	f(queue(func(q *schemas.QueueInterval) { q.Offered = -1 }), "", `field "offeredContacts" is -1`)
	f(queue(func(q *schemas.QueueInterval) { q.Answered = math.MaxInt32 + 1 }), "", `field "answeredContacts" is 2147483648`)
	f(queue(func(q *schemas.QueueInterval) { q.ContactMs = (math.MaxInt32 + 1) * 1000 }), "", `field "contactTime" is 2147483648`)
	f(queue(func(q *schemas.QueueInterval) { q.ContactMs = math.MaxInt32 * 1000 }), "", `"contactTime":2147483647`)
	f(queue(func(q *schemas.QueueInterval) { q.QueueID, q.QueueName = "", " " }), "", `is empty, and so is`)
	f(queue(func(q *schemas.QueueInterval) { q.QueueID = "" }), "", `"queueId":"SALES"`)
	f(queue(func(q *schemas.QueueInterval) { q.QueueName = strings.Repeat("ü", 101) }), "", `field "queueName" has 101 characters`)
	f(queue(func(q *schemas.QueueInterval) { q.QueueName = strings.Repeat("ü", 100) }), "", `"answeredContacts":12`)
	f(queue(func(q *schemas.QueueInterval) { q.QueueName = strings.Repeat("😀", 51) }), "", `has 102 characters`)
	f(queue(func(*schemas.QueueInterval) {}), "contactTime: queue_id", `field "contactTime" is "sales", not a whole number`)
	f(queue(func(*schemas.QueueInterval) {}), "queueId: offered > 1", `field "queueId" is true or false, not text`)
	off := queueRow("sales", "voice", first.Add(5*time.Minute), 1)
	f(off, "", "which is none of Calabrio's of 15m0s")
	half := queueRow("sales", "voice", first, 1)
	half.Seconds = 1800
	f(half, "", "which is none of Calabrio's of 15m0s")
}

func TestTextsAreCut(t *testing.T) {
	i := queueRow(strings.Repeat("q", 120), "voice", first, 1)
	i.Queue.QueueName = strings.Repeat("a", 99) + "😀"
	got := made(t, kindQueue, "", i, func(r *recorder) { r.cut = true })
	if !strings.Contains(got, `"queueId":"`+strings.Repeat("q", 100)+`","queueName":"`+strings.Repeat("a", 99)+`","off`) {
		t.Error(got)
	}
}

// What an agent did outside of queues belongs to no queue.
func TestDirectContacts(t *testing.T) {
	i := agentQueueRow("ann", "", first, 1)
	if got := made(t, kindAgentQueue, "", i); got != "nothing" {
		t.Error(got)
	}
	if got := made(t, kindAgentQueue, "", i, func(r *recorder) { r.directQueue = "direct" }); !strings.Contains(got, `"queueId":"direct","queueName":"direct"`) {
		t.Error(got)
	}
}

// A login is no longer than its interval, whatever the row says.
func TestLoginEndsWithTheInterval(t *testing.T) {
	i := agentRow("ann", first, 1)
	i.Agent.LoginMs = 900_700
	if got := made(t, kindAgent, "", i); !strings.Contains(got, `"loginTime":900,`) {
		t.Error(got)
	}
}
