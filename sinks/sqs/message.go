package sqs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// shape is the version of the messages' shape. Fields may be added to it; a change that readers must know of gets another number.
const shape = 1

// message is the body of a message, as doc.go describes it for readers that are not ours.
type message struct {
	Schema   int             `json:"schema"`
	Kind     string          `json:"kind"`
	Tenant   string          `json:"tenant"`
	Pipeline string          `json:"pipeline"`
	Key      string          `json:"key"`
	Revision int64           `json:"revision"`
	Final    bool            `json:"final"`
	Zero     bool            `json:"zero"`
	Start    int64           `json:"start_ms"`
	Seconds  int             `json:"seconds"`
	Record   json.RawMessage `json:"record"`
}

// encode writes the body of an item's message: one line of JSON, the same for the same revision.
func encode(i *delivery.Item, pipeline string) ([]byte, error) {
	kind, value := record(i)
	fields, err := encodeRecord(value)
	if err != nil {
		return nil, err
	}
	m := message{
		Schema: shape, Kind: kind, Tenant: i.Tenant, Pipeline: pipeline, Key: i.Key, Revision: i.Revision, Final: i.Final, Zero: i.Zero, Start: i.Start,
		Seconds: i.Seconds, Record: fields,
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(&m); err != nil {
		return nil, err
	}
	return []byte(noncharacters.Replace(strings.TrimSuffix(b.String(), "\n"))), nil
}

// decode reads a body.
func decode(body []byte, tenant, pipeline string) (i delivery.Item, err error) {
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return i, fmt.Errorf("the message is not of this shape: %w", err)
	}
	switch {
	case m.Schema != shape:
		return i, fmt.Errorf("schema is %d, and this version reads %d: another version wrote it, or another program", m.Schema, shape)
	case m.Tenant != tenant || m.Pipeline != pipeline:
		return i, fmt.Errorf("it is of tenant %q, pipeline %q: give each pipeline a queue of its own", m.Tenant, m.Pipeline)
	case m.Key == "":
		return i, errors.New("key is missing")
	}
	i = delivery.Item{Key: m.Key, Revision: m.Revision, Tenant: m.Tenant, Start: m.Start, Seconds: m.Seconds, Final: m.Final, Zero: m.Zero}
	into := place(&i, m.Kind)
	if into == nil {
		return i, fmt.Errorf("kind is %q, and there are %s", m.Kind, strings.Join(kinds, ", "))
	}
	return i, decodeRecord(m.Record, m.Kind, into)
}

// attributes are what queues and their readers may route by.
func attributes(i *delivery.Item, pipeline string) map[string]types.MessageAttributeValue {
	kind, _ := record(i)
	a := map[string]types.MessageAttributeValue{}
	text := func(name, value string) {
		if value != "" {
			a[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
		}
	}
	text("kind", kind)
	text("tenant", i.Tenant)
	text("pipeline", pipeline)
	text("final", strconv.FormatBool(i.Final))
	for name, value := range map[string]int64{"schema": shape, "revision": i.Revision} {
		a[name] = types.MessageAttributeValue{DataType: aws.String("Number"), StringValue: aws.String(strconv.FormatInt(value, 10))}
	}
	return a
}

// size is what SQS counts of a message: the body, and names, types and values of the attributes.
func size(e *types.SendMessageBatchRequestEntry) int {
	n := len(aws.ToString(e.MessageBody))
	for name, a := range e.MessageAttributes {
		n += len(name) + len(aws.ToString(a.DataType)) + len(aws.ToString(a.StringValue))
	}
	return n
}

// group is the message group of an item in a FIFO queue: within it, messages are in order and wait for each other. All revisions of a
// key have the same group. A contact's queue and agent may change from one revision to the next, so its group is the interaction.
func group(by string, i *delivery.Item) string {
	parts := []string{i.Tenant}
	if by != "tenant" {
		parts = append(parts, owner(by, i)...)
	}
	return identifier(parts)
}

func owner(by string, i *delivery.Item) []string {
	switch {
	case i.Queue != nil:
		return []string{"queue", i.Queue.QueueID}
	case i.AgentQueue != nil && by == "queue":
		return []string{"queue", i.AgentQueue.QueueID}
	case i.AgentQueue != nil:
		return []string{"agent", i.AgentQueue.AgentID}
	case i.Agent != nil:
		return []string{"agent", i.Agent.AgentID}
	case i.Contact != nil:
		return []string{"interaction", i.Contact.Source, i.Contact.InteractionID}
	case i.AgentState != nil:
		return []string{"agent", i.AgentState.AgentID}
	default:
		return []string{"worker", i.Worker.Source, i.Worker.WorkerID}
	}
}

// deduplication is the id by which a FIFO queue knows, for five minutes, that it has a message already: of key, revision and body. What a
// person asked for once more has a salt, because it is to come again.
func deduplication(i *delivery.Item, body []byte, salt string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d:%s%d:%s:", len(i.Key), i.Key, i.Revision, salt)
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// identifier joins parts to an id as SQS takes it: at most 128 letters, digits and marks of ASCII. Others are replaced by a hash.
func identifier(parts []string) string {
	id := strings.Join(parts, "/")
	odd := func(c rune) bool { return c <= ' ' || c > '~' }
	slash := slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(p, "/") })
	if id != "" && len(id) <= 128 && !slash && !strings.ContainsFunc(id, odd) {
		return id
	}
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}
