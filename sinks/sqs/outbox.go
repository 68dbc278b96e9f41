package sqs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// mostMessages is how many messages SQS takes in a request.
const mostMessages = 10

// outbox puts records into the queue.
type outbox struct {
	*client
	pipeline string

	mu sync.Mutex
	// taken are the messages of requests of which SQS took a part: when the engine comes with such a request again, only the rest is sent.
	taken map[string]int64
}

func deliver(ctx context.Context, options any, d sinks.Deps) (sinks.Delivering, error) {
	o := options.(*Config)
	c, err := newClient(ctx, o, d.Watch)
	if err != nil {
		return sinks.Delivering{}, err
	}
	return sinks.Delivering{
		Destination: &outbox{client: c, pipeline: d.Pipeline, taken: map[string]int64{}},
		Plan:        delivery.Plan{Kinds: o.kinds(), Items: mostMessages, Concurrency: 8},
		Options:     o.Options,
	}, nil
}

func (o *outbox) Close() error { return nil }

// Send puts items into the queue with one request.
func (o *outbox) Send(ctx context.Context, items []delivery.Item) error {
	url, err := o.queue(ctx)
	if err != nil {
		return err
	}
	entries, refused, err := o.entries(items)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		ctx, cancel := context.WithTimeout(ctx, o.o.Timeout)
		defer cancel()
		answer, err := o.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: url, Entries: entries})
		if err != nil {
			return o.judge("SendMessageBatch", err)
		}
		crash.Point(crash.QueueFilled)
		late, err := o.answered(items, entries, answer)
		if err != nil {
			return err
		}
		refused = append(refused, late...)
	}
	if len(refused) > 0 {
		return &delivery.Refused{Items: refused}
	}
	return nil
}

// entries are the messages to send; an item that is too large for any request is refused. A request that is too large as a whole is an error
// that makes the engine send its halves.
func (o *outbox) entries(items []delivery.Item) (entries []types.SendMessageBatchRequestEntry, refused []delivery.RefusedItem, err error) {
	total := 0
	for n := range items {
		i := &items[n]
		if o.has(i) {
			continue
		}
		e, err := o.entry(i, n)
		if err != nil {
			refused = append(refused, delivery.RefusedItem{Index: n, Reason: "encoding", Detail: err.Error()})
			continue
		}
		bytes := size(&e)
		if bytes > o.o.MaxBytes {
			detail := fmt.Sprintf("the message has %d bytes, more than max_bytes, %d", bytes, o.o.MaxBytes)
			refused = append(refused, delivery.RefusedItem{Index: n, Reason: "too_large", Detail: detail})
			continue
		}
		total += bytes
		entries = append(entries, e)
	}
	if total > o.o.MaxBytes {
		return nil, nil, &httpcall.Error{Kind: httpcall.Permanent, Err: fmt.Errorf("the request has %d bytes, more than max_bytes, %d", total, o.o.MaxBytes)}
	}
	return entries, refused, nil
}

// entry is an item's message; its id says which item it is.
func (o *outbox) entry(i *delivery.Item, index int) (types.SendMessageBatchRequestEntry, error) {
	body, err := encode(i, o.pipeline)
	if err != nil {
		return types.SendMessageBatchRequestEntry{}, err
	}
	e := types.SendMessageBatchRequestEntry{
		Id: aws.String(strconv.Itoa(index)), MessageBody: aws.String(string(body)), MessageAttributes: attributes(i, o.pipeline),
	}
	if o.o.fifo() {
		salt := ""
		if i.Again {
			salt = strconv.FormatInt(o.watch.Now().UnixNano(), 36)
		}
		e.MessageGroupId = aws.String(group(o.o.Group, i))
		e.MessageDeduplicationId = aws.String(deduplication(i, body, salt))
	}
	return e, nil
}

// answered tells what SQS took from what it did not. What it found wrong is refused; where it failed otherwise, the rest is to come again.
func (o *outbox) answered(items []delivery.Item, sent []types.SendMessageBatchRequestEntry, answer *sqs.SendMessageBatchOutput) ([]delivery.RefusedItem, error) {
	var refused []delivery.RefusedItem
	var again *httpcall.Error
	open := map[string]bool{}
	for n := range sent {
		open[aws.ToString(sent[n].Id)] = true
	}
	var took []*delivery.Item
	for _, e := range answer.Successful {
		if n, err := strconv.Atoi(aws.ToString(e.Id)); err == nil && open[aws.ToString(e.Id)] {
			took = append(took, &items[n])
			delete(open, aws.ToString(e.Id))
		}
	}
	for _, e := range answer.Failed {
		n, err := strconv.Atoi(aws.ToString(e.Id))
		if err != nil || !open[aws.ToString(e.Id)] {
			continue
		}
		delete(open, aws.ToString(e.Id))
		code, said := aws.ToString(e.Code), o.excerpt(aws.ToString(e.Message))
		if e.SenderFault && kind(400, code) == httpcall.Permanent {
			refused = append(refused, delivery.RefusedItem{Index: n, Reason: "refused", Detail: code + ": " + said})
		} else if again == nil {
			again = &httpcall.Error{Kind: kind(500, code), Call: "SQS SendMessageBatch", Sent: true, Err: fmt.Errorf("message %d of %d: %s: %s", n+1, len(items), code, said)}
		}
	}
	if again == nil && len(open) > 0 {
		again = &httpcall.Error{Kind: httpcall.Transient, Call: "SQS SendMessageBatch", Sent: true, Err: errors.New("the answer says nothing about some of the messages")}
	}
	if again != nil {
		o.note(took)
		return nil, again
	}
	return refused, nil
}

// has says, once, that an item is in the queue already.
func (o *outbox) has(i *delivery.Item) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	revision, ok := o.taken[i.Key]
	delete(o.taken, i.Key)
	return ok && revision == i.Revision
}

func (o *outbox) note(took []*delivery.Item) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, i := range took {
		o.taken[i.Key] = i.Revision
	}
}
