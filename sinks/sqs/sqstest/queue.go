package sqstest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Options are what a queue of a test is like.
type Options struct {
	FIFO        bool
	MaxReceives int           // as the redrive policy says; 0: it has none
	Visibility  time.Duration // 30 s if 0
}

// Queue is a queue, with its dead-letter queue where it has one.
type Queue struct {
	Name, URL string
	Dead      *Queue

	client *sqs.Client
}

var numbers atomic.Int64

// Client is a client of the server.
func (s *Server) Client() *sqs.Client {
	return sqs.New(sqs.Options{BaseEndpoint: &s.URL, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
}

// Queue makes a queue.
func (s *Server) Queue(t testing.TB, o Options) *Queue {
	t.Helper()
	number := numbers.Add(1)
	given := map[string]string{"VisibilityTimeout": strconv.Itoa(int(max(o.Visibility, time.Second).Seconds()))}
	if o.Visibility == 0 {
		given["VisibilityTimeout"] = "30"
	}
	var dead *Queue
	if o.MaxReceives > 0 {
		dead = s.make(t, fmt.Sprintf("queue%d-dead", number), o.FIFO, map[string]string{})
		of, err := dead.client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
			QueueUrl: &dead.URL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
		})
		if err != nil {
			t.Fatal(err)
		}
		given["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"%d"}`, of.Attributes["QueueArn"], o.MaxReceives)
	}
	q := s.make(t, fmt.Sprintf("queue%d", number), o.FIFO, given)
	q.Dead = dead
	return q
}

func (s *Server) make(t testing.TB, name string, fifo bool, given map[string]string) *Queue {
	t.Helper()
	if fifo {
		name += ".fifo"
		given["FifoQueue"] = "true"
	}
	client := s.Client()
	made, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: given})
	if err != nil {
		t.Fatalf("create queue %s: %v", name, err)
	}
	return &Queue{Name: name, URL: aws.ToString(made.QueueUrl), client: client}
}

// Take takes the messages that can be had now out of the queue.
func (q *Queue) Take(t testing.TB) []types.Message {
	t.Helper()
	var all []types.Message
	for {
		got, err := q.client.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
			QueueUrl: &q.URL, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Messages) == 0 {
			return all
		}
		for _, m := range got.Messages {
			all = append(all, m)
			if _, err := q.client.DeleteMessage(context.Background(), &sqs.DeleteMessageInput{QueueUrl: &q.URL, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Put puts a message into the queue as any program could.
func (q *Queue) Put(t testing.TB, body, group, deduplication string) {
	t.Helper()
	in := &sqs.SendMessageInput{QueueUrl: &q.URL, MessageBody: &body}
	if strings.HasSuffix(q.Name, ".fifo") {
		in.MessageGroupId, in.MessageDeduplicationId = &group, &deduplication
	}
	if _, err := q.client.SendMessage(context.Background(), in); err != nil {
		t.Fatal(err)
	}
}

// Counts are the messages that can be had, and those that are hidden because somebody has read them.
func (q *Queue) Counts(t testing.TB) (visible, hidden int) {
	t.Helper()
	of, err := q.client.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{
		QueueUrl: &q.URL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	visible, err = strconv.Atoi(of.Attributes["ApproximateNumberOfMessages"])
	if err == nil {
		hidden, err = strconv.Atoi(of.Attributes["ApproximateNumberOfMessagesNotVisible"])
	}
	if err != nil {
		t.Fatal(err)
	}
	return visible, hidden
}

// Move moves the messages of the dead-letter queue back, as a redrive does. (ElasticMQ's own takes those of a FIFO queue for duplicates.)
func (q *Queue) Move(t testing.TB) {
	t.Helper()
	for _, m := range q.Dead.Take(t) {
		q.Put(t, *m.Body, m.Attributes["MessageGroupId"], "moved-"+aws.ToString(m.MessageId))
	}
}

// Read reads up to ten messages, and leaves them hidden for as long as the queue's own visibility timeout says.
func (q *Queue) Read(t testing.TB) int {
	t.Helper()
	got, err := q.client.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: &q.URL, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
	if err != nil {
		t.Fatal(err)
	}
	return len(got.Messages)
}
