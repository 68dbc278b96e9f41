package gladly

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// A delivery that fails is tried again so long after the first attempt; after the last one the webhook is disabled.
var retries = []time.Duration{30 * time.Second, 5 * time.Minute, 30 * time.Minute, time.Hour}

// answerWithin is how long a webhook may take.
const answerWithin = 15 * time.Second

// Delivery is one attempt to hand an event to a webhook, as Gladly's pages list the last 100.
type Delivery struct {
	Webhook, Event, Type string
	Attempt              int // from 1
	At                   time.Time
	Status               int // 0 where no answer came in time
	Delivered            bool
}

// attempt is a delivery to be made.
type attempt struct {
	webhook string
	id      string // of the event
	kind    string
	body    []byte
	first   time.Time // when the event was first due
	at      time.Time
	number  int
}

// Deliveries are the last attempts, the oldest first.
func (s *Server) Deliveries() []Delivery {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	return slices.Clone(s.hooks.log)
}

// forget drops what is still to be delivered to a webhook.
func (h *hooks) forget(id string) {
	h.due = slices.DeleteFunc(h.due, func(a *attempt) bool { return a.webhook == id })
}

// ping asks a webhook whether it is there.
func (s *Server) ping(ctx context.Context, h *webhook) bool {
	now := s.watch.Now()
	id := s.centre.Slug("ping", h.id, millis(now.UnixMilli()))
	body, err := json.Marshal(map[string]string{"id": id, "type": "PING", "timestamp": stamp(now.UnixMilli())})
	if err != nil {
		return false
	}
	a := &attempt{webhook: h.id, id: id, kind: "PING", body: body, number: 1}
	status := s.post(ctx, *h, a)
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	s.hooks.note(a, now, status)
	return delivered(status)
}

func delivered(status int) bool { return status >= 200 && status < 300 }

func (h *hooks) note(a *attempt, at time.Time, status int) {
	h.log = append(h.log, Delivery{a.webhook, a.id, a.kind, a.number, at, status, delivered(status)})
	if len(h.log) > 100 {
		h.log = slices.Delete(h.log, 0, len(h.log)-100)
	}
}

// post makes one attempt; 0 is no answer in time.
func (s *Server) post(ctx context.Context, h webhook, a *attempt) (status int) {
	f := s.faults.get()
	if f.Unheard || within(f.Silences, s.watch.Now()) {
		return 0
	}
	if f.Forged && (h.credentials != nil || len(h.headers) > 0) {
		if status := s.send(ctx, guessed(h), a.body); delivered(status) {
			s.limits.mu.Lock()
			s.limits.violate(s.watch.Now(), "a delivery with wrong credentials was answered with status %d", status)
			s.limits.mu.Unlock()
		}
	}
	return s.send(ctx, h, a.body)
}

// guessed is the webhook as somebody who does not know its secrets would call its receiver.
func guessed(h webhook) webhook {
	if h.credentials != nil {
		h.credentials = &credentials{Username: h.credentials.Username, Password: "guessed"}
	}
	headers := map[string]string{}
	for key := range h.headers {
		headers[key] = "guessed"
	}
	h.headers = headers
	return h
}

func (s *Server) send(ctx context.Context, h webhook, body []byte) (status int) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go s.expire(ctx, cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	for key, value := range h.headers {
		r.Header.Set(key, value)
	}
	if h.credentials != nil {
		r.SetBasicAuth(h.credentials.Username, h.credentials.Password)
	}
	answer, err := courier.Do(r)
	if err != nil {
		return 0
	}
	defer func() { _ = answer.Body.Close() }()
	io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)) //nolint:errcheck // the status counts
	return answer.StatusCode
}

// courier follows no redirects: a webhook answers itself.
var courier = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// expire gives up on an answer after 15 s; under a watch that runs fast, not before the machine's clock allows it too.
func (s *Server) expire(ctx context.Context, cancel context.CancelFunc) {
	began := clock.Now()
	if s.watch.Sleep(ctx, answerWithin) == nil && clock.Sleep(ctx, s.options.Answer-clock.Since(began)) == nil {
		cancel()
	}
}

// deliver begins to hand events to webhooks, unless that has begun.
func (s *Server) deliver() {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	if s.hooks.running || s.ctx.Err() != nil {
		return
	}
	s.hooks.running, s.hooks.through = true, s.watch.Now()
	s.wait.Go(func() {
		for s.ctx.Err() == nil {
			s.round()
			if s.watch.Sleep(s.ctx, 2*time.Second) != nil || clock.Sleep(s.ctx, 5*time.Millisecond) != nil {
				return
			}
		}
	})
}

// round begins the attempts that are due. It does not wait for them: a receiver that is slow to answer holds up only those
// behind it.
func (s *Server) round() {
	for _, a := range s.collect(s.watch.Now()) {
		s.wait.Go(func() {
			s.try(a)
			s.hooks.mu.Lock()
			defer s.hooks.mu.Unlock()
			s.hooks.underway--
		})
	}
}

// places are how many attempts are under way at once.
const places = 16

// collect puts new events among what is due, and takes out what is due by now, earliest first.
func (s *Server) collect(now time.Time) []*attempt {
	faults := s.faults.get()
	s.hooks.mu.Lock()
	since := s.hooks.through
	s.hooks.through = now
	enabled := slices.ContainsFunc(s.hooks.list, func(h *webhook) bool { return h.enabled })
	s.hooks.mu.Unlock()
	var fresh []*event
	if enabled {
		fresh = s.shown(since, now)
	}
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	for _, e := range fresh {
		s.hooks.queue(e, faults)
	}
	slices.SortStableFunc(s.hooks.due, func(a, b *attempt) int { return a.at.Compare(b.at) })
	n := 0
	for n < len(s.hooks.due) && s.hooks.underway < places && !s.hooks.due[n].at.After(now) {
		s.hooks.underway++
		n++
	}
	due := slices.Clone(s.hooks.due[:n])
	s.hooks.due = slices.Delete(s.hooks.due, 0, n)
	return due
}

// shown are the events that first show in (from, to].
func (s *Server) shown(from, to time.Time) (list []*event) {
	low, high := from.UnixMilli(), to.UnixMilli()
	for _, p := range s.days(from.Add(-time.Minute), to) {
		at, _ := slices.BinarySearchFunc(p.visible, low+1, func(e *event, at int64) int { return int(max(-1, min(1, e.visible-at))) })
		for _, e := range p.visible[at:] {
			if e.visible > high {
				break
			}
			list = append(list, e)
		}
	}
	return list
}

// queue makes an event due at every webhook that asked for its type.
func (h *hooks) queue(e *event, f Faults) {
	at := time.UnixMilli(e.visible)
	if f.Disorder {
		at = at.Add(time.Duration(roll(e.id, "disorder", 20*second)) * time.Millisecond)
	}
	for _, w := range h.list {
		if !w.enabled || time.UnixMilli(e.visible).Before(w.since) || !slices.Contains(w.events, e.kind) {
			continue
		}
		body, err := e.line()
		if err != nil {
			continue
		}
		h.due = append(h.due, &attempt{w.id, e.id, e.kind, body, at, at, 1})
		if f.RepeatEvery > 0 && roll(e.id, "repeat", int64(f.RepeatEvery)) == 0 {
			again := at.Add(time.Duration(1+roll(e.id, "again", 60)) * time.Second)
			h.due = append(h.due, &attempt{w.id, e.id, e.kind, body, again, again, 1})
		}
	}
}

// try makes an attempt, and plans the next one where it fails.
func (s *Server) try(a *attempt) {
	s.hooks.mu.Lock()
	h := s.hooks.find(a.webhook)
	if h == nil || !h.enabled {
		s.hooks.mu.Unlock()
		return
	}
	to := *h
	s.hooks.mu.Unlock()
	at := s.watch.Now()
	status := s.post(s.ctx, to, a)
	if status == 0 && errors.Is(s.ctx.Err(), context.Canceled) {
		return
	}
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	s.hooks.note(a, at, status)
	switch {
	case delivered(status) || !h.enabled:
	case a.number > len(retries):
		h.enabled, h.disabledByFailures = false, s.watch.Now()
		h.updated = h.disabledByFailures
		s.hooks.forget(h.id)
	default:
		next := *a
		next.at, next.number = a.first.Add(retries[a.number-1]), a.number+1
		if next.at.Before(at) {
			next.at = at
		}
		s.hooks.due = append(s.hooks.due, &next)
	}
}
