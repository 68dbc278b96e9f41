package gladly

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// Server is a simulated Gladly: its REST API below /api/v1. Close it to end what it delivers to webhooks.
type Server struct {
	centre  *centre.Centre
	watch   clock.Watch
	options Options
	routes  *http.ServeMux
	faults  faults
	limits  limits

	mu      sync.Mutex
	past    map[int]*kept  // by the number of the day
	dayOf   map[string]int // of conversations that have been told
	tick    int
	streams int

	hooks hooks
	ctx   context.Context
	close context.CancelFunc
	wait  sync.WaitGroup
}

// kept is a day that is told when it is first asked for.
type kept struct {
	tell func() *past
	used int
}

// New simulates the Gladly of a contact centre, by the time that the watch shows.
func New(c *centre.Centre, w clock.Watch, o Options) *Server {
	s := &Server{centre: c, watch: w, options: o.withDefaults(), routes: http.NewServeMux(), past: map[int]*kept{}, dayOf: map[string]int{}}
	s.faults.now = o.Faults
	s.ctx, s.close = context.WithCancel(context.Background())
	for pattern, handle := range map[string]http.HandlerFunc{
		"GET /api/v1/agents":                       s.agents,
		"GET /api/v1/agents/{id}":                  s.agent,
		"GET /api/v1/organization":                 s.organization,
		"GET /api/v1/inboxes":                      s.inboxes,
		"GET /api/v1/events":                       s.events,
		"GET /api/v1/conversations/{id}":           s.conversation,
		"GET /api/v1/conversations/{id}/items":     s.items,
		"GET /api/v1/customers/{id}":               s.customer,
		"POST /api/v1/reports":                     s.report,
		"POST /api/v1/reports/work-session-events": s.workSessions,
		"GET /api/v1/webhooks":                     s.listWebhooks,
		"POST /api/v1/webhooks":                    s.addWebhook,
		"GET /api/v1/webhooks/{id}":                s.showWebhook,
		"PATCH /api/v1/webhooks/{id}":              s.changeWebhook,
		"DELETE /api/v1/webhooks/{id}":             s.dropWebhook,
	} {
		s.routes.HandleFunc(pattern, handle)
	}
	return s
}

// Close ends the deliveries and returns when none is under way.
func (s *Server) Close() error {
	s.close()
	s.wait.Wait()
	return nil
}

// ServeHTTP answers a request as Gladly would.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now, faults := s.watch.Now(), s.faults.get()
	if faults.Down || within(faults.Outages, now) {
		http.Error(w, "upstream connect error or disconnect/reset before headers", http.StatusServiceUnavailable)
		return
	}
	if email, token, ok := r.BasicAuth(); !ok || faults.Refuse || !same(email, s.options.Email) || !same(token, s.options.Token) {
		w.Header().Set("Www-Authenticate", `Basic realm="gladly"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if !s.limits.request(w, r.Method, now) {
		w.WriteHeader(http.StatusTooManyRequests) // without Retry-After
		return
	}
	s.routes.ServeHTTP(w, r)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// day is what happened on the nth day, in Gladly's words; nil outside the centre's days.
func (s *Server) day(n int) *past {
	if n < 0 || n >= s.centre.Days {
		return nil
	}
	s.mu.Lock()
	k := s.past[n]
	if k == nil {
		k = &kept{tell: sync.OnceValue(func() *past {
			d := s.centre.Day(centre.Gladly, n)
			if d == nil {
				return nil
			}
			p := chronicle(s.centre, d, s.options)
			s.mu.Lock()
			defer s.mu.Unlock()
			for id := range p.byID {
				s.dayOf[id] = n
			}
			return p
		})}
		s.past[n] = k
	}
	s.tick++
	k.used = s.tick
	for len(s.past) > 5 {
		oldest := n
		for other, k := range s.past {
			if k.used < s.past[oldest].used {
				oldest = other
			}
		}
		delete(s.past, oldest)
	}
	s.mu.Unlock()
	return k.tell()
}

// days are the days whose events or contacts can be of [from, to).
func (s *Server) days(from, to time.Time) []*past {
	var list []*past
	for n := s.centre.DayOf(from) - 1; n <= s.centre.DayOf(to); n++ {
		if p := s.day(n); p != nil {
			list = append(list, p)
		}
	}
	return list
}

// problem is an entry of an answer's "errors".
type problem struct {
	Attr   string `json:"attr"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func refuse(w http.ResponseWriter, status int, list ...problem) {
	respond(w, status, map[string]any{"errors": list})
}

func invalid(w http.ResponseWriter, attr, code, detail string) {
	refuse(w, http.StatusBadRequest, problem{attr, code, detail})
}

func absent(w http.ResponseWriter, what string) {
	refuse(w, http.StatusNotFound, problem{"id", "not_exist", what + " does not exist"})
}

func respond(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // whoever asked may have gone
}
