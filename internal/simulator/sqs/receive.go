package sqs

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// received is a message as a reader gets it.
type received struct {
	ID         string               `json:"MessageId"`
	Handle     string               `json:"ReceiptHandle"`
	Body       string               `json:"Body"`
	Sum        string               `json:"MD5OfBody"`
	System     map[string]string    `json:"Attributes,omitempty"`
	Attributes map[string]attribute `json:"MessageAttributes,omitempty"`
}

// receive gives out messages, and waits for the first as long as the reader does.
func (s *Server) receive(r *http.Request, q *queue, in *request) (any, error) {
	most, wait, visibility := 1, time.Duration(0), q.Visibility
	if in.Most != nil {
		most = *in.Most
	}
	if in.Wait != nil {
		wait = time.Duration(*in.Wait) * time.Second
	}
	if in.Visibility != nil {
		visibility = time.Duration(*in.Visibility) * time.Second
	}
	switch {
	case most < 1 || most > 10:
		return nil, fault{"InvalidParameterValue", fmt.Sprintf("MaxNumberOfMessages is %d, not between 1 and 10", most)}
	case wait < 0 || wait > 20*time.Second:
		return nil, fault{"InvalidParameterValue", fmt.Sprintf("WaitTimeSeconds is %s, not between 0 and 20", wait)}
	case visibility < 0 || visibility > longest:
		return nil, fault{"InvalidParameterValue", fmt.Sprintf("VisibilityTimeout is %s, not between 0 and 12 hours", visibility)}
	}
	until := s.watch.Now().Add(wait)
	for {
		list, arrived := s.look(q, most, visibility, in)
		left := until.Sub(s.watch.Now())
		if len(list) > 0 || left <= 0 {
			return map[string]any{"Messages": list}, nil
		}
		timer := time.NewTimer(min(left, again))
		select {
		case <-arrived:
		case <-timer.C:
		case <-r.Context().Done():
			timer.Stop()
			return nil, fault{"RequestAbandoned", "the reader went away"}
		}
		timer.Stop()
	}
}

// again is how soon a reader that waits looks at messages that are not hidden any more.
const again = 200 * time.Millisecond

// look gives out what there is now, and says when to look again.
func (s *Server) look(q *queue, most int, visibility time.Duration, in *request) ([]received, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []received{}
	for _, m := range q.take(most, visibility, s.watch.Now(), func() string { return s.number(handles + "%d") }) {
		list = append(list, m.shown(q, in))
	}
	return list, s.arrived
}

// shown is a message with those attributes that the reader asked for.
func (m *message) shown(q *queue, in *request) received {
	out := received{ID: m.id, Handle: m.handle, Body: m.body, Sum: m.sum, System: map[string]string{}, Attributes: map[string]attribute{}}
	system := map[string]string{
		"ApproximateReceiveCount": strconv.Itoa(m.receives), "SentTimestamp": strconv.FormatInt(m.sent.UnixMilli(), 10),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10), "SenderId": account,
	}
	if q.fifo() {
		system["MessageGroupId"], system["MessageDeduplicationId"], system["SequenceNumber"] = m.group, m.dedup, fmt.Sprintf("%020d", m.sequence)
	}
	wanted := slices.Concat(in.System, in.Names)
	for name, value := range system {
		if slices.Contains(wanted, "All") || slices.Contains(wanted, name) {
			out.System[name] = value
		}
	}
	for name, value := range m.attributes {
		if slices.Contains(in.Wanted, "All") || slices.Contains(in.Wanted, ".*") || slices.Contains(in.Wanted, name) {
			out.Attributes[name] = value
		}
	}
	return out
}
