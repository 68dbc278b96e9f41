package receive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/time/rate"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// busy is how long a request waits for its turn.
const busy = time.Second

// Serve answers requests until ctx ends, and returns nil once those under way are answered.
func (l *Listener) Serve(ctx context.Context, handler Handler) error {
	h := &serving{Listener: l, ctx: ctx, handler: handler, limit: rate.NewLimiter(rate.Inf, 0)}
	if l.o.Rate > 0 {
		h.limit = rate.NewLimiter(rate.Limit(l.o.Rate), max(1, int(math.Ceil(l.o.Rate))))
	}
	l.server.mu.Lock()
	p := l.server.paths[l.o.Path]
	p.serve = h
	close(p.ready)
	l.server.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-l.server.done:
	}
	l.Close()
	h.under.Wait()
	if ctx.Err() == nil {
		return errors.New("the listener was closed from outside")
	}
	return nil
}

// Close gives the address back without serving. Serve does so itself.
func (l *Listener) Close() { l.server.leave(l.o.Path, l.o.Within+time.Second) }

// serving is a listener at work.
type serving struct {
	*Listener
	ctx     context.Context
	handler Handler
	limit   *rate.Limiter
	under   sync.WaitGroup

	mu     sync.Mutex
	told   time.Time // when strangers were last written of
	hidden int       // since then
}

func (s *serving) answer(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.o.Within)
	defer cancel()
	if err := s.take(ctx, w, r); err != nil {
		var refusal *Refusal
		if !errors.As(err, &refusal) {
			if r.Context().Err() == nil {
				s.log.Warn("a request could not be handled, the sender is asked to come again", "remote", r.RemoteAddr, "error", err)
			}
			refusal = &Refusal{Status: http.StatusServiceUnavailable, RetryAfter: 5 * time.Second, Detail: "the request could not be stored: send it again"}
		}
		refuse(w, refusal)
	}
}

// take checks the request, hands it to the handler and answers.
func (s *serving) take(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		w.Header().Set("Allow", "POST, PUT")
		return &Refusal{Status: http.StatusMethodNotAllowed, Detail: "post here"}
	}
	if ok, asks := s.checks.headers(r.Header); !ok {
		if asks != "" {
			w.Header().Set("WWW-Authenticate", asks)
		}
		return s.stranger(r, "wrong or no secret")
	}
	if !s.limit.AllowN(clock.Now(), 1) {
		return &Refusal{Status: http.StatusTooManyRequests, RetryAfter: time.Second, Detail: fmt.Sprintf("more than %g requests a second", s.o.Rate)}
	}
	if err := s.turn(ctx); err != nil {
		return err
	}
	defer func() { <-s.calls }()
	buffer := buffers.Get().(*bytes.Buffer)
	request := &Request{Header: r.Header, Query: r.URL.Query(), Remote: r.RemoteAddr}
	defer func() {
		if !request.kept && buffer.Cap() <= keepBytes {
			buffers.Put(buffer)
		}
	}()
	buffer.Reset()
	if err := s.read(w, r, buffer); err != nil {
		return err
	}
	request.Body = buffer.Bytes()
	if err := s.handler(ctx, request); err != nil {
		return err
	}
	answer(w, &request.Answer)
	return nil
}

// turn waits until fewer requests than the limit are being handled.
func (s *serving) turn(ctx context.Context) error {
	select {
	case s.calls <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(busy)
	defer timer.Stop()
	select {
	case s.calls <- struct{}{}:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	return &Refusal{Status: http.StatusServiceUnavailable, RetryAfter: time.Second, Detail: fmt.Sprintf("more than %d requests at a time", s.o.Concurrent)}
}

// keepBytes is the largest buffer that is kept for the next request.
const keepBytes = 1 << 20

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// read takes the body in, and checks its signature, which is over what was sent, so before it is decompressed.
func (s *serving) read(w http.ResponseWriter, r *http.Request, into *bytes.Buffer) error {
	limit := int64(s.o.MaxBody)
	tooLarge := &Refusal{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("the body has more than %d bytes: send fewer records at a time", limit)}
	if r.ContentLength > limit {
		return tooLarge
	}
	if r.ContentLength > 0 {
		into.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := into.ReadFrom(http.MaxBytesReader(w, r.Body, limit)); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return tooLarge
		}
		return &Refusal{Status: http.StatusBadRequest, Detail: "the body did not come whole"}
	}
	if wrong := s.checks.signature(r.Header, into.Bytes(), clock.Now()); wrong != "" {
		return s.stranger(r, wrong)
	}
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		return nil
	case "gzip":
		packed := bytes.Clone(into.Bytes())
		unpacked, err := gzip.NewReader(bytes.NewReader(packed))
		into.Reset()
		if err == nil {
			_, err = into.ReadFrom(io.LimitReader(unpacked, limit+1))
		}
		if err != nil {
			return &Refusal{Status: http.StatusBadRequest, Detail: "the body is not gzip, as its header says"}
		}
		if int64(into.Len()) > limit {
			return tooLarge
		}
		return nil
	default:
		return &Refusal{Status: http.StatusUnsupportedMediaType, Detail: fmt.Sprintf("the body is encoded as %q: send it plain or as gzip", encoding)}
	}
}

// stranger refuses a request without the right secret, and writes of it, once a minute.
func (s *serving) stranger(r *http.Request, why string) error {
	s.mu.Lock()
	now := clock.Now()
	if s.hidden++; now.Sub(s.told) > time.Minute {
		s.log.Warn("a request was refused: status 401", "remote", r.RemoteAddr, "path", r.URL.Path, "reason", why, "since_last_line", s.hidden)
		s.told, s.hidden = now, 0
	}
	s.mu.Unlock()
	return &Refusal{Status: http.StatusUnauthorized, Detail: "the secret is missing or wrong"}
}

func answer(w http.ResponseWriter, a *Answer) {
	if len(a.Body) > 0 {
		if a.Type == "" {
			a.Type = "application/json"
		}
		w.Header().Set("Content-Type", a.Type)
		w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // a sender that has gone sends again
}

func refuse(w http.ResponseWriter, r *Refusal) {
	if r.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(r.RetryAfter.Seconds()))))
	}
	body, _ := json.Marshal(map[string]string{"error": r.Detail}) // text only: it cannot fail
	answer(w, &Answer{Status: r.Status, Body: append(body, '\n')})
}
