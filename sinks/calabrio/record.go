package calabrio

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf16"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// longest is how many characters ids and names may have.
const longest = 100

// records are the fields of the three record sets of the historical-data API, in the order of its documentation.
var records = map[string][]column{
	kindQueue: {
		{"intervalStartDateTime", "interval_start", instant}, {"queueId", "queue_id", name}, {"queueName", "queue_name", name},
		{"offeredContacts", "offered", count}, {"answeredContacts", "answered", count}, {"contactTime", "contact_ms", count},
	},
	kindAgentQueue: {
		{"intervalStartDateTime", "interval_start", instant}, {"queueId", "queue_id", name}, {"queueName", "queue_name", name},
		{"agentId", "agent_id", name}, {"agentName", "agent_name", name},
		{"contactTime", "contact_ms", count}, {"answeredContacts", "answered", count}, {"completedContacts", "completed", nullable},
	},
	kindAgent: {
		{"intervalStartDateTime", "interval_start", instant}, {"agentId", "agent_id", name}, {"agentName", "agent_name", name},
		{"loginTime", "login_ms", within}, {"directOutContacts", "direct_out", count},
	},
}

// twins are ids and names that stand in for each other where one is empty.
var twins = map[string]string{"queueId": "queueName", "queueName": "queueId", "agentId": "agentName", "agentName": "agentId"}

// recorder makes records of one set.
type recorder struct {
	*table
	interval    time.Duration // of the destination
	cut         bool
	directQueue string
}

// record is one record as it travels: JSON, and the ids that tell it apart.
type record struct {
	body           []byte
	queue, agent   string
	queueOf, whose string // what the ids were made of
}

// record makes the record of an item. There is none, and no error, for what happened outside of queues where no queue is named for it.
func (r *recorder) record(i *delivery.Item) (*record, error) {
	if start := time.UnixMilli(i.Start); time.Duration(i.Seconds)*time.Second != r.interval || !start.Equal(start.Truncate(r.interval)) {
		return nil, &wrongField{"intervalStartDateTime", fmt.Sprintf("is %s of an interval of %ds, which is none of Calabrio's of %s",
			start.UTC().Format(time.RFC3339), i.Seconds, r.interval)}
	}
	values, err := r.Values(nil, i)
	if err != nil {
		return nil, err
	}
	texts, err := r.names(i, values)
	if err != nil || texts == nil {
		return nil, err
	}
	out := &record{body: []byte{'{'}, queue: texts["queueId"], agent: texts["agentId"]}
	switch {
	case i.Queue != nil:
		out.queueOf = i.Queue.QueueID + "\x00" + i.Queue.Channel
	case i.AgentQueue != nil:
		out.queueOf, out.whose = i.AgentQueue.QueueID+"\x00"+i.AgentQueue.Channel, i.AgentQueue.AgentID
	case i.Agent != nil:
		out.whose = i.Agent.AgentID
	}
	for n := range r.columns {
		c := &r.columns[n]
		value, err := r.value(c, values[n], texts, i)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			out.body = append(out.body, ',')
		}
		out.body = append(appendJSON(out.body, c.name), ':')
		out.body = append(out.body, value...)
	}
	out.body = append(out.body, '}')
	return out, nil
}

// names are the ids and names of a record; nil where it has no queue and is to have none.
func (r *recorder) names(i *delivery.Item, values []expression.Value) (map[string]string, error) {
	texts := map[string]string{}
	for n := range r.columns {
		if c := &r.columns[n]; c.form == name {
			text, err := c.text(values[n])
			if err != nil {
				return nil, err
			}
			texts[c.name] = text
		}
	}
	if i.AgentQueue != nil && texts["queueId"] == "" && texts["queueName"] == "" {
		if r.directQueue == "" {
			return nil, nil
		}
		texts["queueId"] = r.directQueue
	}
	for field, twin := range twins {
		if text, ok := texts[field]; ok && text == "" {
			texts[field] = texts[twin]
		}
	}
	for n := range r.columns {
		field := r.columns[n].name
		text, ok := texts[field]
		switch {
		case !ok:
		case text == "":
			return nil, &wrongField{field, fmt.Sprintf("is empty, and so is %s", twins[field])}
		case units(text) > longest && !r.cut:
			return nil, &wrongField{field, fmt.Sprintf("has %d characters, of which Calabrio takes %d: write too_long: cut to shorten such", units(text), longest)}
		default:
			texts[field] = shorten(text)
		}
	}
	return texts, nil
}

// value is the JSON of a column.
func (r *recorder) value(c *column, v expression.Value, texts map[string]string, i *delivery.Item) ([]byte, error) {
	switch c.form {
	case instant:
		return appendJSON(nil, time.UnixMilli(i.Start).UTC().Format(time.RFC3339)), nil
	case name:
		return appendJSON(nil, texts[c.name]), nil
	case nullable:
		if v.IsNil() {
			return []byte("null"), nil
		}
	case anything:
		switch v.Kind {
		case expression.Nil:
			return []byte("null"), nil
		case expression.Bool:
			return []byte(v.String()), nil
		case expression.Text:
			return appendJSON(nil, v.String()), nil
		case expression.Instant:
			return appendJSON(nil, time.UnixMilli(v.Milliseconds()).UTC().Format(time.RFC3339)), nil
		case expression.Float:
			return json.Marshal(json.Number(v.String()))
		case expression.JSON:
			return []byte(v.String()), nil
		}
	}
	n, err := c.whole(v, i.Seconds)
	return fmt.Appendf(nil, "%d", n), err
}

func appendJSON(to []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil { // text is UTF-8: it always can
		return append(to, `""`...)
	}
	return append(to, quoted...)
}

// units counts characters as .NET does, which is what the vendor's platform is made of: those beyond the basic plane are two.
func units(text string) (n int) {
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

// shorten leaves of a text as much as Calabrio takes.
func shorten(text string) string {
	n := 0
	for at, r := range text {
		if n += utf16.RuneLen(r); n > longest {
			return text[:at]
		}
	}
	return text
}
