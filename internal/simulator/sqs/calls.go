package sqs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// account is whose the queues are.
const account = "000000000000"

// attribute is a message attribute, as the protocol has it.
type attribute struct {
	DataType    string  `json:"DataType"`
	StringValue *string `json:"StringValue,omitempty"`
	BinaryValue []byte  `json:"BinaryValue,omitempty"`
}

// entry is a message to be sent, alone or in a batch.
type entry struct {
	ID         string               `json:"Id"`
	Body       string               `json:"MessageBody"`
	Group      string               `json:"MessageGroupId"`
	Dedup      string               `json:"MessageDeduplicationId"`
	Attributes map[string]attribute `json:"MessageAttributes"`
}

// held is a message that was read, alone or in a batch.
type held struct {
	ID         string `json:"Id"`
	Handle     string `json:"ReceiptHandle"`
	Visibility *int64 `json:"VisibilityTimeout"`
}

// request has the members of all operations.
type request struct {
	QueueURL   string            `json:"QueueUrl"`
	QueueName  string            `json:"QueueName"`
	Names      []string          `json:"AttributeNames"`
	System     []string          `json:"MessageSystemAttributeNames"`
	Wanted     []string          `json:"MessageAttributeNames"`
	Most       *int              `json:"MaxNumberOfMessages"`
	Wait       *int64            `json:"WaitTimeSeconds"`
	Visibility *int64            `json:"VisibilityTimeout"`
	Entries    []json.RawMessage `json:"Entries"`
}

// sentMessage, failure and batch are what batches answer with.
type (
	sentMessage struct {
		ID       string `json:"Id,omitempty"`
		Message  string `json:"MessageId"`
		Sum      string `json:"MD5OfMessageBody"`
		Sequence string `json:"SequenceNumber,omitempty"`
	}
	failure struct {
		ID      string `json:"Id"`
		Code    string `json:"Code"`
		Message string `json:"Message"`
		Sender  bool   `json:"SenderFault"`
	}
	batch struct {
		Successful []any     `json:"Successful"`
		Failed     []failure `json:"Failed"`
	}
)

// call does what a request asks for.
func (s *Server) call(r *http.Request, operation string, body []byte) (any, error) {
	var in request
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("the request is no JSON of this operation: %w", err)
	}
	if operation == "GetQueueUrl" {
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, ok := s.queues[in.QueueName]; !ok {
			return nil, fault{"QueueDoesNotExist", fmt.Sprintf("there is no queue %q", in.QueueName)}
		}
		return map[string]string{"QueueUrl": "http://" + r.Host + "/" + account + "/" + in.QueueName}, nil
	}
	s.mu.Lock()
	q := s.queues[in.QueueURL[strings.LastIndexByte(in.QueueURL, '/')+1:]]
	s.mu.Unlock()
	if q == nil {
		return nil, fault{"QueueDoesNotExist", fmt.Sprintf("there is no queue %q", in.QueueURL)}
	}
	switch operation {
	case "SendMessage":
		return s.send(q, body)
	case "SendMessageBatch":
		return s.sendBatch(q, in.Entries)
	case "ReceiveMessage":
		return s.receive(r, q, &in)
	case "DeleteMessage", "ChangeMessageVisibility":
		return s.one(q, operation, body)
	case "DeleteMessageBatch", "ChangeMessageVisibilityBatch":
		return s.many(q, strings.TrimSuffix(operation, "Batch"), in.Entries)
	case "GetQueueAttributes":
		return s.attributes(q, in.Names), nil
	}
	return nil, fault{"UnsupportedOperation", fmt.Sprintf("there is no %s here", operation)}
}

// mostBytes is how large a message, and the messages of a request, may be.
const mostBytes = 262_144

var (
	identifier = regexp.MustCompile("^[A-Za-z0-9!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]{1,128}$")
	entryID    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
)

// wrong says what is wrong with a message.
func (q *queue) wrong(e *entry) error {
	switch {
	case e.Body == "":
		return fault{"MissingParameter", "the message has no body"}
	case !utf8.ValidString(e.Body) || strings.ContainsFunc(e.Body, forbidden):
		return fault{"InvalidMessageContents", "the body has characters that are not allowed"}
	case e.size() > mostBytes:
		return fault{"InvalidParameterValue", fmt.Sprintf("the message has %d bytes, more than %d", e.size(), mostBytes)}
	case len(e.Attributes) > 10:
		return fault{"InvalidParameterValue", "the message has more than ten attributes"}
	case q.fifo() && e.Group == "":
		return fault{"MissingParameter", "a message of a FIFO queue needs a MessageGroupId"}
	case q.fifo() && e.Dedup == "":
		return fault{"InvalidParameterValue", "a message of this FIFO queue needs a MessageDeduplicationId"}
	case q.fifo() && !identifier.MatchString(e.Group), q.fifo() && !identifier.MatchString(e.Dedup):
		return fault{"InvalidParameterValue", "MessageGroupId and MessageDeduplicationId have up to 128 letters, digits and marks of ASCII"}
	case !q.fifo() && e.Dedup != "":
		return fault{"InvalidParameterValue", "a MessageDeduplicationId is for FIFO queues"}
	}
	return nil
}

// forbidden are the characters that no message may have.
func forbidden(c rune) bool {
	return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == '\uFFFE' || c == '\uFFFF'
}

func (e *entry) size() int {
	n := len(e.Body)
	for name, a := range e.Attributes {
		n += len(name) + len(a.DataType) + len(a.BinaryValue)
		if a.StringValue != nil {
			n += len(*a.StringValue)
		}
	}
	return n
}

func (s *Server) send(q *queue, body []byte) (any, error) {
	var e entry
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	if err := q.wrong(&e); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(q, &e), nil
}

// put takes a message that is in order. The caller holds mu.
func (s *Server) put(q *queue, e *entry) sentMessage {
	m := &message{id: s.number("00000000-0000-4000-8000-%012d"), body: e.Body, sum: sum(e.Body), group: e.Group, dedup: e.Dedup, attributes: e.Attributes}
	if m.dedup == "" {
		m.dedup = m.id
	}
	id, n := q.put(m, s.watch.Now())
	s.wake()
	answer := sentMessage{ID: e.ID, Message: id, Sum: m.sum}
	if q.fifo() {
		answer.Sequence = fmt.Sprintf("%020d", n)
	}
	return answer
}

// entries reads the entries of a batch, and checks what a batch has to be.
func entries[T any](raw []json.RawMessage, id func(*T) string) ([]T, error) {
	if len(raw) == 0 {
		return nil, fault{"EmptyBatchRequest", "the batch has no entries"}
	}
	if len(raw) > 10 {
		return nil, fault{"TooManyEntriesInBatchRequest", fmt.Sprintf("the batch has %d entries, and ten are allowed", len(raw))}
	}
	list, ids := make([]T, len(raw)), map[string]bool{}
	for n := range raw {
		if err := json.Unmarshal(raw[n], &list[n]); err != nil {
			return nil, err
		}
		name := id(&list[n])
		switch {
		case !entryID.MatchString(name):
			return nil, fault{"InvalidBatchEntryId", fmt.Sprintf("%q is no id of an entry", name)}
		case ids[name]:
			return nil, fault{"BatchEntryIdsNotDistinct", fmt.Sprintf("id %q is there twice", name)}
		}
		ids[name] = true
	}
	return list, nil
}

func (s *Server) sendBatch(q *queue, raw []json.RawMessage) (any, error) {
	list, err := entries(raw, func(e *entry) string { return e.ID })
	if err != nil {
		return nil, err
	}
	total := 0
	for n := range list {
		total += list[n].size()
	}
	if total > mostBytes {
		return nil, fault{"BatchRequestTooLong", fmt.Sprintf("the messages have %d bytes, more than %d", total, mostBytes)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := batch{Successful: []any{}, Failed: []failure{}}
	for n := range list {
		if err := q.wrong(&list[n]); err != nil {
			answer.Failed = append(answer.Failed, s.failed(list[n].ID, err))
			continue
		}
		answer.Successful = append(answer.Successful, s.put(q, &list[n]))
	}
	return answer, nil
}

// failed is an entry's refusal. The caller holds mu.
func (s *Server) failed(id string, err error) failure {
	f, _ := err.(fault) //nolint:errorlint // it is made here, and not wrapped
	if f.code != "MessageNotInflight" {
		s.violate("entry %s: %v", id, f)
	}
	return failure{ID: id, Code: f.code, Message: f.message, Sender: true}
}

// do deletes or hides one message. The caller holds mu.
func (s *Server) do(q *queue, operation string, h *held) error {
	now := s.watch.Now()
	if operation == "DeleteMessage" {
		err := q.remove(h.Handle, now)
		s.wake() // the next of a group may come
		return err
	}
	if h.Visibility == nil {
		return fault{"MissingParameter", "VisibilityTimeout is missing"}
	}
	err := q.hide(h.Handle, time.Duration(*h.Visibility)*time.Second, now)
	s.wake()
	return err
}

func (s *Server) one(q *queue, operation string, body []byte) (any, error) {
	var h held
	if err := json.Unmarshal(body, &h); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return nil, s.do(q, operation, &h)
}

func (s *Server) many(q *queue, operation string, raw []json.RawMessage) (any, error) {
	list, err := entries(raw, func(h *held) string { return h.ID })
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := batch{Successful: []any{}, Failed: []failure{}}
	for n := range list {
		if err := s.do(q, operation, &list[n]); err != nil {
			answer.Failed = append(answer.Failed, s.failed(list[n].ID, err))
			continue
		}
		answer.Successful = append(answer.Successful, map[string]string{"Id": list[n].ID})
	}
	return answer, nil
}

// attributes are those of a queue that were asked for.
func (s *Server) attributes(q *queue, names []string) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	visible, hidden := q.counts(s.watch.Now())
	all := map[string]string{
		"ApproximateNumberOfMessages": strconv.Itoa(visible), "ApproximateNumberOfMessagesNotVisible": strconv.Itoa(hidden),
		"ApproximateNumberOfMessagesDelayed": "0", "VisibilityTimeout": seconds(q.Visibility), "MessageRetentionPeriod": seconds(q.Retention),
		"MaximumMessageSize": strconv.Itoa(mostBytes), "QueueArn": arn(q.name),
	}
	if q.fifo() {
		all["FifoQueue"], all["ContentBasedDeduplication"] = "true", "false"
	}
	if q.MaxReceives > 0 {
		all["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, arn(q.dead.name), q.MaxReceives)
	}
	wanted := map[string]string{}
	for _, name := range names {
		if name == "All" {
			wanted = all
			break
		}
		if value, ok := all[name]; ok {
			wanted[name] = value
		}
	}
	return map[string]any{"Attributes": wanted}
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d.Seconds()), 10) }

func arn(name string) string { return "arn:aws:sqs:us-east-1:" + account + ":" + name }
