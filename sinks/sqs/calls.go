package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// traits are what a worker needs to know about its queue.
type traits struct {
	maxReceives int           // after which the redrive policy takes a message; 0: it has none
	retention   time.Duration // of messages
}

func (c *client) traits(ctx context.Context) (t traits, err error) {
	list, err := c.attributes(ctx, types.QueueAttributeNameRedrivePolicy, types.QueueAttributeNameMessageRetentionPeriod)
	if err != nil {
		return t, err
	}
	seconds, err := strconv.Atoi(list["MessageRetentionPeriod"])
	if t.retention = time.Duration(seconds) * time.Second; err != nil || seconds <= 0 {
		t.retention = longestKept
	}
	if text := list["RedrivePolicy"]; text != "" {
		var policy struct {
			Most any `json:"maxReceiveCount"` // a number or a text
		}
		if err = json.Unmarshal([]byte(text), &policy); err == nil {
			t.maxReceives, err = strconv.Atoi(fmt.Sprint(policy.Most))
		}
		if err != nil {
			return t, fmt.Errorf("the redrive policy of queue %s is %q: %w", c.o.Queue, text, err)
		}
	}
	return t, nil
}

// waiting is how many messages the queue holds, hidden and delayed ones included, as far as it knows.
func (c *client) waiting(ctx context.Context) (n int, err error) {
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
	list, err := c.attributes(ctx, names...)
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		one, err := strconv.Atoi(list[string(name)])
		if err != nil {
			return 0, fmt.Errorf("queue %s: %s is %q", c.o.Queue, name, list[string(name)])
		}
		n += one
	}
	return n, nil
}

func (c *client) attributes(ctx context.Context, names ...types.QueueAttributeName) (map[string]string, error) {
	url, err := c.queue(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	list, err := c.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: names})
	if err != nil {
		return nil, c.judge("GetQueueAttributes", err)
	}
	return list.Attributes, nil
}

// receive reads up to ten messages, and waits for the first so long.
func (c *client) receive(ctx context.Context, wait time.Duration) ([]types.Message, error) {
	url, err := c.queue(ctx)
	if err != nil {
		return nil, err
	}
	got, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: mostMessages, WaitTimeSeconds: int32(wait.Seconds()), VisibilityTimeout: int32(c.o.Inbox.Visibility.Seconds()),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount},
	})
	if err != nil {
		return nil, c.judge("ReceiveMessage", err)
	}
	return got.Messages, nil
}

// remove deletes messages. One that could not be deleted comes again, and is known then.
func (c *client) remove(ctx context.Context, list []*held) (failed int, err error) {
	url, err := c.queue(ctx)
	if err != nil {
		return len(list), err
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	for part := range slices.Chunk(list, mostMessages) {
		in := &sqs.DeleteMessageBatchInput{QueueUrl: url}
		for n, m := range part {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(n)), ReceiptHandle: &m.handle})
		}
		answer, wrong := c.DeleteMessageBatch(ctx, in)
		if wrong != nil {
			failed, err = failed+len(part), c.judge("DeleteMessageBatch", wrong)
			continue
		}
		for _, e := range answer.Failed {
			failed++
			err = fmt.Errorf("SQS DeleteMessageBatch: %s: %s", aws.ToString(e.Code), aws.ToString(e.Message))
		}
	}
	return failed, err
}

// hide hides messages for so long from now; 0 gives them back. It returns those that the queue does not hide any more: they are in nobody's
// hands.
func (c *client) hide(ctx context.Context, list []*held, lasting func(m *held) time.Duration) (lost []*held, err error) {
	url, err := c.queue(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	for part := range slices.Chunk(list, mostMessages) {
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: url}
		for n, m := range part {
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
				Id: aws.String(strconv.Itoa(n)), ReceiptHandle: &m.handle, VisibilityTimeout: int32(lasting(m).Seconds()),
			})
		}
		answer, wrong := c.ChangeMessageVisibilityBatch(ctx, in)
		if wrong != nil {
			err = c.judge("ChangeMessageVisibilityBatch", wrong)
			continue
		}
		for _, e := range answer.Failed {
			n, wrong := strconv.Atoi(aws.ToString(e.Id))
			if wrong == nil && n >= 0 && n < len(part) && e.SenderFault {
				lost = append(lost, part[n])
			}
		}
	}
	return lost, err
}
