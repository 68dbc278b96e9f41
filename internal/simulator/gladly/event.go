package gladly

import (
	"encoding/json"
	"time"
)

// event is one line of the stream. Instants are milliseconds since 1970.
type event struct {
	id, kind  string
	recorded  int64 // "timestamp"
	visible   int64 // when the stream first has it, up to 15 s later
	initiator *initiator
	content   content
	nanos     int64 // of the timestamp, beyond the millisecond: fractions vary in length
}

type initiator struct {
	ID   string `json:"id,omitempty"`
	Type string `json:"type"`
}

type reason struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

type assignee struct {
	InboxID string `json:"inboxId,omitempty"`
	AgentID string `json:"agentId,omitempty"`
}

type situation struct {
	Assignee     *assignee `json:"assignee,omitempty"`
	AvailableFor *[]string `json:"availableFor,omitempty"`
}

// content is the union of the contents of the event types.
type content struct {
	AgentID                   string     `json:"agentId,omitempty"`
	AvailableFor              *[]string  `json:"availableFor,omitempty"`
	AwayReason                *reason    `json:"awayReason,omitempty"`
	ActiveReason              *reason    `json:"activeReason,omitempty"`
	AwayAt                    string     `json:"awayAt,omitempty"`
	OccurredAt                string     `json:"occurredAt,omitempty"`
	Channel                   string     `json:"channel,omitempty"`
	ContactID                 string     `json:"contactId,omitempty"`
	ConversationID            string     `json:"conversationId,omitempty"`
	CustomerID                string     `json:"customerId,omitempty"`
	MessageID                 string     `json:"messageId,omitempty"`
	TopicID                   string     `json:"topicId,omitempty"`
	EntryPoint                string     `json:"entryPoint,omitempty"`
	FulfilledType             string     `json:"fulfilledType,omitempty"`
	TransferType              string     `json:"transferType,omitempty"`
	Status                    string     `json:"status,omitempty"`
	Reason                    string     `json:"reason,omitempty"`
	Assignee                  *assignee  `json:"assignee,omitempty"`
	Context                   *situation `json:"context,omitempty"`
	DestinationCustomerID     string     `json:"destinationCustomerId,omitempty"`
	DestinationConversationID string     `json:"destinationConversationId,omitempty"`
	SourceCustomerID          string     `json:"sourceCustomerId,omitempty"`
	SourceConversationID      string     `json:"sourceConversationId,omitempty"`
	Novelty                   *novelty   `json:"holographicHint,omitempty"`
}

// novelty is what no client of today knows: they must ignore it.
type novelty struct {
	Depth []int          `json:"depth"`
	More  map[string]any `json:"more"`
}

type envelope struct {
	ID        string     `json:"id"`
	Type      string     `json:"type"`
	Timestamp string     `json:"timestamp"`
	Initiator *initiator `json:"initiator,omitempty"`
	Content   content    `json:"content"`
	Region    string     `json:"dataRegion,omitempty"` // another field that no client knows
}

// line is the event as JSON, without the line's end.
func (e *event) line() ([]byte, error) {
	v := envelope{ID: e.id, Type: e.kind, Initiator: e.initiator, Content: e.content}
	v.Timestamp = time.UnixMilli(e.recorded).Add(time.Duration(e.nanos)).UTC().Format(time.RFC3339Nano)
	if e.content.Novelty != nil {
		v.Region = "us-1"
	}
	return json.Marshal(v)
}

// stamp is an instant as JSON has it: the zeros at the end of the fraction are left out.
func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) }

// entity is the part of the type that requests filter by.
func (e *event) entity() string {
	for i := range len(e.kind) {
		if e.kind[i] == '/' {
			switch e.kind[:i] {
			case "CONVERSATION_ASSIGNEE", "CONVERSATION_STATUS":
				return "CONVERSATION"
			}
			return e.kind[:i]
		}
	}
	return e.kind
}
