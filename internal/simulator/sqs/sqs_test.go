package sqs_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/quarterhour/quarterhour/internal/clock"
	simulated "github.com/quarterhour/quarterhour/internal/simulator/sqs"
	"github.com/quarterhour/quarterhour/sinks/sqs/sqstest"
)

// queue is a queue of the simulated server, or one of ElasticMQ: what holds of one has to hold of the other.
type queue struct {
	client    *sqs.Client
	url, dead string
	fifo      bool
}

// on runs a test on both, in a standard queue and in a FIFO queue.
func on(t *testing.T, test func(t *testing.T, q queue)) {
	for _, fifo := range []bool{false, true} {
		name := map[bool]string{false: "standard", true: "wfm.fifo"}[fifo]
		t.Run("simulated/"+name, func(t *testing.T) {
			q, _ := simulate(t, name)
			test(t, q)
		})
		t.Run("ElasticMQ/"+name, func(t *testing.T) {
			server := sqstest.Start(t)
			made := server.Queue(t, sqstest.Options{FIFO: fifo, MaxReceives: 2})
			test(t, queue{server.Client(), made.URL, made.Dead.URL, fifo})
		})
	}
}

func simulate(t *testing.T, name string) (queue, *simulated.Server) {
	t.Helper()
	server := simulated.New(clock.Wall, simulated.Options{Queues: map[string]simulated.Queue{name: {MaxReceives: 2, Remember: 100}}})
	at := httptest.NewServer(server)
	t.Cleanup(at.Close)
	client := sqs.New(sqs.Options{BaseEndpoint: &at.URL, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(simulated.AccessKey, "secret", "")})
	q := queue{client: client, fifo: strings.HasSuffix(name, ".fifo")}
	for to, name := range map[*string]string{&q.url: name, &q.dead: simulated.DeadOf(name)} {
		found, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			t.Fatal(err)
		}
		*to = *found.QueueUrl
	}
	return q, server
}

func (q queue) send(t *testing.T, body, group, dedup string) string {
	t.Helper()
	in := &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: &body}
	if q.fifo {
		in.MessageGroupId, in.MessageDeduplicationId = &group, &dedup
	}
	sent, err := q.client.SendMessage(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return *sent.MessageId
}

func (q queue) read(t *testing.T, url string, visibility int32) []types.Message {
	t.Helper()
	got, err := q.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, VisibilityTimeout: visibility, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return got.Messages
}

func bodies(list []types.Message) string {
	var out []string
	for _, m := range list {
		out = append(out, *m.Body)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (q queue) hide(t *testing.T, m types.Message, seconds int32) {
	t.Helper()
	if _, err := q.client.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds}); err != nil {
		t.Fatal(err)
	}
}

func TestAReadMessageIsHidden(t *testing.T) {
	on(t, func(t *testing.T, q queue) {
		q.send(t, "a", "g", "1")
		first := q.read(t, q.url, 60)
		if bodies(first) != "a" || first[0].Attributes["ApproximateReceiveCount"] != "1" {
			t.Fatalf("read %q, attributes %v", bodies(first), first[0].Attributes)
		}
		if again := q.read(t, q.url, 60); len(again) > 0 {
			t.Fatalf("%q is read while it is hidden", bodies(again))
		}
		q.hide(t, first[0], 0)
		second := q.read(t, q.url, 60)
		if bodies(second) != "a" || second[0].Attributes["ApproximateReceiveCount"] != "2" {
			t.Fatalf("given back, and then read %q", bodies(second))
		}
		if _, err := q.client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: second[0].ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
		if n := q.waiting(t, q.url); n != 0 {
			t.Errorf("%d messages after the deletion", n)
		}
	})
}

func (q queue) waiting(t *testing.T, url string) (n int) {
	t.Helper()
	got, err := q.client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"} {
		var one int
		if _, err := fmt.Sscan(got.Attributes[name], &one); err != nil {
			t.Fatalf("%s is %q", name, got.Attributes[name])
		}
		n += one
	}
	return n
}

func TestWhatIsReadTooOftenIsDead(t *testing.T) {
	on(t, func(t *testing.T, q queue) {
		q.send(t, "poison", "g", "1")
		for range 2 {
			got := q.read(t, q.url, 60)
			if bodies(got) != "poison" {
				t.Fatalf("read %q", bodies(got))
			}
			q.hide(t, got[0], 0)
		}
		if got := q.read(t, q.url, 60); len(got) > 0 {
			t.Errorf("%q is read a third time", bodies(got))
		}
		if got := q.read(t, q.dead, 60); bodies(got) != "poison" {
			t.Errorf("the dead-letter queue has %q", bodies(got))
		}
	})
}

func TestAGroupWaits(t *testing.T) {
	on(t, func(t *testing.T, q queue) {
		for n, body := range []string{"a1", "a2", "b1"} {
			q.send(t, body, body[:1], fmt.Sprint(n))
		}
		got := q.read(t, q.url, 60)
		if bodies(got) != "a1 a2 b1" {
			t.Fatalf("read %q", bodies(got))
		}
		q.send(t, "a3", "a", "3")
		q.send(t, "c1", "c", "4")
		want := map[bool]string{false: "a3 c1", true: "c1"}[q.fifo]
		if next := q.read(t, q.url, 60); bodies(next) != want {
			t.Errorf("while a1 is hidden %q is read, not %q", bodies(next), want)
		}
	})
}

func TestDeduplication(t *testing.T) {
	on(t, func(t *testing.T, q queue) {
		if !q.fifo {
			t.Skip("FIFO queues only")
		}
		first, second := q.send(t, "a", "g", "same"), q.send(t, "a", "g", "same")
		if first != second {
			t.Errorf("message %s, and then %s", first, second)
		}
		if got := q.read(t, q.url, 60); bodies(got) != "a" {
			t.Errorf("read %q", bodies(got))
		}
	})
}

func TestBatches(t *testing.T) {
	on(t, func(t *testing.T, q queue) {
		in := &sqs.SendMessageBatchInput{QueueUrl: &q.url}
		for n := range 11 {
			e := types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(n)), MessageBody: aws.String(fmt.Sprint("m", n)), MessageAttributes: map[string]types.MessageAttributeValue{"kind": {DataType: aws.String("String"), StringValue: aws.String("row")}}}
			if q.fifo {
				e.MessageGroupId, e.MessageDeduplicationId = aws.String(fmt.Sprint(n)), aws.String(fmt.Sprint(n))
			}
			in.Entries = append(in.Entries, e)
		}
		var said smithy.APIError
		if _, err := q.client.SendMessageBatch(t.Context(), in); !errors.As(err, &said) || !strings.Contains(said.ErrorCode(), "TooManyEntriesInBatchRequest") {
			t.Errorf("eleven entries: %v", err)
		}
		in.Entries = in.Entries[:10]
		sent, err := q.client.SendMessageBatch(t.Context(), in)
		if err != nil || len(sent.Successful) != 10 || len(sent.Failed) > 0 {
			t.Fatalf("sent %v, %v", sent, err)
		}
		got := q.read(t, q.url, 60)
		if len(got) != 10 {
			t.Fatalf("read %q", bodies(got))
		}
		later, remove := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url}, &sqs.DeleteMessageBatchInput{QueueUrl: &q.url}
		for n, m := range got {
			later.Entries = append(later.Entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(fmt.Sprint(n)), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 100})
			remove.Entries = append(remove.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(n)), ReceiptHandle: m.ReceiptHandle})
		}
		if answer, err := q.client.ChangeMessageVisibilityBatch(t.Context(), later); err != nil || len(answer.Successful) != 10 {
			t.Errorf("changed %v, %v", answer, err)
		}
		if answer, err := q.client.DeleteMessageBatch(t.Context(), remove); err != nil || len(answer.Successful) != 10 {
			t.Errorf("deleted %v, %v", answer, err)
		}
		if n := q.waiting(t, q.url); n != 0 {
			t.Errorf("%d messages are left", n)
		}
	})
}

func TestAQueueThatIsNotThere(t *testing.T) {
	on(t, func(t *testing.T, q queue) {
		_, err := q.client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("other")})
		var missing *types.QueueDoesNotExist
		if !errors.As(err, &missing) {
			t.Errorf("%v", err)
		}
	})
}

func TestWaiting(t *testing.T) {
	q, server := simulate(t, "standard")
	done := make(chan []types.Message)
	began := clock.Now()
	go func() {
		got, err := q.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.url, WaitTimeSeconds: 20})
		if err != nil {
			t.Error(err)
			got = &sqs.ReceiveMessageOutput{}
		}
		done <- got.Messages
	}()
	q.send(t, "late", "", "")
	if got := bodies(<-done); got != "late" || clock.Since(began) > 15*time.Second {
		t.Errorf("read %q after %s", got, clock.Since(began))
	}
	if sent, deleted := server.Sent("standard"); len(sent) != 1 || deleted != 0 || len(server.Holds()) != 1 {
		t.Errorf("sent %q, %d deleted, held %v", sent, deleted, server.Holds())
	}
}

func TestViolations(t *testing.T) {
	q, server := simulate(t, "wfm.fifo")
	send := func(in *sqs.SendMessageInput) error {
		in.QueueUrl = &q.url
		_, err := q.client.SendMessage(t.Context(), in)
		return err
	}
	for want, in := range map[string]*sqs.SendMessageInput{
		"needs a MessageGroupId":         {MessageBody: aws.String("a")},
		"needs a MessageDeduplicationId": {MessageBody: aws.String("a"), MessageGroupId: aws.String("g")},
		"letters, digits and marks":      {MessageBody: aws.String("a"), MessageGroupId: aws.String("Gruppe ä"), MessageDeduplicationId: aws.String("1")},
		"characters that are not":        {MessageBody: aws.String("a\x01"), MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("1")},
	} {
		if err := send(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, and it should say %q", err, want)
		}
		if list := server.Violations(); !strings.Contains(strings.Join(list, "\n"), want) {
			t.Errorf("violations %q", list)
		}
	}
}
