package sqs_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/deliverytest"
	"github.com/quarterhour/quarterhour/sinks/sqs"
	"github.com/quarterhour/quarterhour/sinks/sqs/sqstest"
)

// letter is what of a message tells what it says.
type letter struct {
	Key      string
	Revision int64
	Record   json.RawMessage
}

// proxy leads to the server: the suite stands between.
func proxy(t *testing.T, s *sqstest.Server) http.Handler {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := httputil.NewSingleHostReverseProxy(u)
	p.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) } // and says nothing
	return p
}

// received remembers what was taken out of a queue: the newest revision of each key, in the order of a FIFO queue.
type received struct {
	mu    sync.Mutex
	queue *sqstest.Queue
	held  map[string]string
	last  map[string]int64
	wrong []string
	fifo  bool
}

func (r *received) holds(t *testing.T) map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.queue.Take(t) {
		var l letter
		if err := json.Unmarshal([]byte(*m.Body), &l); err != nil {
			t.Fatal(err)
		}
		newest, ok := r.last[l.Key]
		if ok && newest > l.Revision {
			if r.fifo {
				r.wrong = append(r.wrong, fmt.Sprintf("%s: revision %d after %d", l.Key, l.Revision, newest))
			}
			continue
		}
		r.last[l.Key], r.held[l.Key] = l.Revision, fmt.Sprintf("%d %s", l.Revision, l.Record)
	}
	return maps.Clone(r.held)
}

func (r *received) violations() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.wrong
}

func shows(t *testing.T, i delivery.Item) map[string]string {
	body, err := sqs.Encode(&i, "pipeline")
	var l letter
	if err == nil {
		err = json.Unmarshal(body, &l)
	}
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{i.Key: fmt.Sprintf("%d %s", i.Revision, l.Record)}
}

const everyKind = "kinds: [queue_interval, agent_queue_interval, agent_interval, contact, agent_state, worker]\n"

const outboxYAML = `
queue: ${QUEUE}
endpoint: ${URL}
region: us-east-1
access_key_id: AKID
secret_access_key: hunter2
max_bytes: 50000
`

// large makes an item's message larger than any may be.
func large(i *delivery.Item) bool {
	if i.Queue != nil {
		i.Queue.QueueName = strings.Repeat("x", 60_000)
	} else if i.Contact != nil {
		i.Contact.QueueName = strings.Repeat("x", 60_000)
	}
	return i.Queue != nil || i.Contact != nil
}

// outbox is the sink's case.
func outbox(fifo bool, group, kinds string) deliverytest.Case {
	env := map[string]string{}
	return deliverytest.Case{
		Registration: sqs.Registration, Secrets: []string{"hunter2"}, Batch: 10, Patience: 2 * time.Minute, Env: env, YAML: outboxYAML + "group: " + group + "\n" + kinds,
		Destination: func(t *testing.T, _ deliverytest.Setting) deliverytest.Destination {
			server := sqstest.Start(t)
			q := server.Queue(t, sqstest.Options{FIFO: fifo})
			env["QUEUE"] = q.Name // the suite's parts run one after the other
			r := &received{queue: q, held: map[string]string{}, last: map[string]int64{}, fifo: fifo}
			return deliverytest.Destination{
				Handler: proxy(t, server), Violations: r.violations, Poison: large,
				Holds: func() map[string]string { return r.holds(t) },
				Shows: func(i delivery.Item) map[string]string { return shows(t, i) },
			}
		},
	}
}

func TestSuiteStandard(t *testing.T) {
	t.Parallel()
	deliverytest.Run(t, outbox(false, "tenant", everyKind))
}

func TestSuiteFIFO(t *testing.T) {
	t.Parallel()
	deliverytest.Run(t, outbox(true, "agent", "kinds: [agent_queue_interval, contact]\n"))
}
