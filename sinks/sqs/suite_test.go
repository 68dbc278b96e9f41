package sqs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"github.com/quarterhour/quarterhour/sinks"
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

// outbox is the sink's case; wrap changes the registration.
func outbox(t *testing.T, fifo bool, group, kinds string) deliverytest.Case {
	server := sqstest.Start(t)
	var queue string // the newest; the suite's parts run one after the other
	r := sqs.Registration
	r.Deliver = func(ctx context.Context, options any, d sinks.Deps) (sinks.Delivering, error) {
		options.(*sqs.Config).Queue = queue
		return sqs.Registration.Deliver(ctx, options, d)
	}
	return deliverytest.Case{
		Registration: r, Secrets: []string{"hunter2"}, Batch: 10,
		YAML: "queue: set-later\nendpoint: ${URL}\nregion: us-east-1\naccess_key_id: AKID\nsecret_access_key: hunter2\ngroup: " + group + "\n" + kinds,
		Destination: func(t *testing.T, _ deliverytest.Setting) deliverytest.Destination {
			q := server.Queue(t, sqstest.Options{FIFO: fifo})
			queue = q.Name
			r := &received{queue: q, held: map[string]string{}, last: map[string]int64{}, fifo: fifo}
			return deliverytest.Destination{
				Handler: proxy(t, server), Violations: r.violations,
				Holds: func() map[string]string { return r.holds(t) },
				Shows: func(i delivery.Item) map[string]string { return shows(t, i) },
			}
		},
	}
}

func TestSuiteStandard(t *testing.T) {
	t.Parallel()
	deliverytest.Run(t, outbox(t, false, "tenant", everyKind))
}

func TestSuiteFIFO(t *testing.T) {
	t.Parallel()
	deliverytest.Run(t, outbox(t, true, "agent", "kinds: [agent_queue_interval, contact]\n"))
}
