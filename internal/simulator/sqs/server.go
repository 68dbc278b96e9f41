package sqs

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// Queue is what a queue is like. One whose name ends in .fifo is a FIFO queue.
type Queue struct {
	Visibility  time.Duration // where the reader does not say; 30 s if 0
	MaxReceives int           // as the redrive policy says; 0: it has none. Else there is a dead-letter queue: NAME-dead, NAME-dead.fifo
	Retention   time.Duration // as the attributes say; four days if 0
	Remember    int           // bodies that Sent gives back
}

// Options say which queues there are, and who may use them.
type Options struct {
	AccessKey string // "simulated" if empty
	Queues    map[string]Queue
}

// Server is a simulated SQS with the queues of one account. Safe for concurrent use.
type Server struct {
	o     Options
	watch clock.Watch

	mu         sync.Mutex
	queues     map[string]*queue
	arrived    chan struct{} // closed, and made anew, whenever something may be read that could not before
	numbers    int64
	violations []string
}

// AccessKey is that of a server whose options name none.
const AccessKey = "simulated"

// New makes the queues. Visibility and deduplication go by the watch, which has to be that of who reads.
func New(w clock.Watch, o Options) *Server {
	if o.AccessKey == "" {
		o.AccessKey = AccessKey
	}
	s := &Server{o: o, watch: w, queues: map[string]*queue{}, arrived: make(chan struct{})}
	for name, q := range o.Queues {
		if q.Visibility == 0 {
			q.Visibility = 30 * time.Second
		}
		if q.Retention == 0 {
			q.Retention = 4 * 24 * time.Hour
		}
		s.queues[name] = newQueue(q, name)
		if q.MaxReceives > 0 {
			dead := DeadOf(name)
			s.queues[dead] = newQueue(Queue{Visibility: q.Visibility, Retention: 14 * 24 * time.Hour}, dead)
			s.queues[name].dead = s.queues[dead]
		}
	}
	return s
}

// DeadOf is the name of a queue's dead-letter queue.
func DeadOf(name string) string {
	if stem, fifo := strings.CutSuffix(name, ".fifo"); fifo {
		return stem + "-dead.fifo"
	}
	return name + "-dead"
}

// Holds is the bodies of the messages that nobody has deleted, by queue and message id.
func (s *Server) Holds() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := map[string]string{}
	for name, q := range s.queues {
		for e := q.messages.Front(); e != nil; e = e.Next() {
			m := e.Value.(*message)
			held[name+"/"+m.id] = m.body
		}
	}
	return held
}

// Sent is the bodies of the messages that a queue took, in their order, up to Queue.Remember, also of those that were deleted since; and how many were.
func (s *Server) Sent(name string) (bodies []string, deleted int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, ok := s.queues[name]
	if !ok {
		return nil, 0
	}
	return slices.Clone(q.sent), q.deleted
}

// Names are the queues' names.
func (s *Server) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.queues))
}

// Violations are requests that SQS would refuse, but for those that a client cannot know to be late.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// fault is a refusal: the code of SQS, and what is wrong.
type fault struct{ code, message string }

func (f fault) Error() string { return f.code + ": " + f.message }

// late are the faults that come of time, not of a mistake.
var late = []string{"MessageNotInflight", "QueueDoesNotExist"}

// largest is how much of a request is read: more than any has.
const largest = 8 << 20

// ServeHTTP implements http.Handler. The operation is in a header, whatever the path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.watch.Now().UTC().Format(http.TimeFormat)) // by which clients sign
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	body, err := io.ReadAll(io.LimitReader(r.Body, largest))
	if err != nil {
		return // the client went away
	}
	if r.Method != http.MethodPost || !ok {
		s.refuse(w, operation, fault{"UnsupportedOperation", "POST with the header X-Amz-Target: AmazonSQS.OPERATION"})
		return
	}
	if !strings.Contains(r.Header.Get("Authorization"), "Credential="+s.o.AccessKey+"/") {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazon.coral.service#InvalidClientTokenId", "message": "The access key is not known here."})
		return
	}
	answer, err := s.call(r, operation, body)
	if err != nil {
		s.refuse(w, operation, err)
		return
	}
	w.Header().Set("Content-Type", contentType)
	if answer == nil {
		answer = struct{}{}
	}
	_ = json.NewEncoder(w).Encode(answer) // what fails is the client's connection
}

const contentType = "application/x-amz-json-1.0"

func (s *Server) refuse(w http.ResponseWriter, operation string, err error) {
	f, ok := err.(fault) //nolint:errorlint // it is made here, and not wrapped
	if !ok {
		f = fault{"InvalidParameterValue", err.Error()}
	}
	if !slices.Contains(late, f.code) {
		s.mu.Lock()
		s.violate("%s: %v", operation, f)
		s.mu.Unlock()
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("x-amzn-query-error", queryCode(f.code)+";Sender")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.sqs#" + f.code, "message": f.message})
}

// queryCode is what the older protocol calls a fault, which SDKs go by.
func queryCode(code string) string {
	switch code {
	case "QueueDoesNotExist":
		return "AWS.SimpleQueueService.NonExistentQueue"
	case "InvalidParameterValue", "MissingParameter", "ReceiptHandleIsInvalid", "InvalidMessageContents":
		return code
	}
	return "AWS.SimpleQueueService." + code
}

// violate notes a mistake of a client. The caller holds mu.
func (s *Server) violate(format string, args ...any) {
	const most = 100
	if len(s.violations) < most {
		s.violations = append(s.violations, "sqs: "+fmt.Sprintf(format, args...))
	}
}

// wake lets those look again who wait for a message. The caller holds mu.
func (s *Server) wake() {
	close(s.arrived)
	s.arrived = make(chan struct{})
}

// number makes an id. The caller holds mu.
func (s *Server) number(format string) string {
	s.numbers++
	return fmt.Sprintf(format, s.numbers)
}
