package iservice

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// Server is a simulated iService, below /f/.
type Server struct {
	centre  *centre.Centre
	watch   clock.Watch
	options Options
	faults  faults
	forms   map[string]func(*call) (answer, []string)

	mu         sync.Mutex
	sessions   map[string]time.Time // when each was used last
	logins     []time.Time
	calls      int
	violations []string
	posts      map[int]*keptPost
	tick       int
}

// keptPost is a day of messages that is made when it is first asked for.
type keptPost struct {
	make func() *post
	used int
}

// New simulates the iService of a contact centre, by the time that the watch shows.
func New(c *centre.Centre, w clock.Watch, o Options) *Server {
	s := &Server{centre: c, watch: w, options: o.withDefaults(), sessions: map[string]time.Time{}, posts: map[int]*keptPost{}}
	s.faults.now = o.Faults
	st := s.options.Statistics
	s.forms = map[string]func(*call) (answer, []string){
		"webapp-api-login?api=login":             s.login,
		"webapp-api-login?api=loggedin":          s.loggedIn,
		"webapp-api-login?api=logout":            s.logout,
		"webapp-api-mq-managemessage?api=topics": s.topics,
		"webapp-api-mq-myqueue?api=agents":       s.agents,
		"webapp-api-mq-myqueue?api=details":      s.details,
		"webapp-api-mqsearch?api=search":         s.search,
		"webapp-api-History?api=details":         s.history,
		st.Form + "?api=" + st.Queues:            s.queueStatistics,
		st.Form + "?api=" + st.Agents:            s.agentActivity,
		st.Form + "?api=" + st.Login:             s.agentLogin,
	}
	return s
}

// Violations are the rules that clients broke.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.violations...)
}

func (s *Server) violate(now time.Time, format string, args ...any) {
	if len(s.violations) < 1000 {
		s.violations = append(s.violations, now.UTC().Format(time.RFC3339)+" "+fmt.Sprintf(format, args...))
	}
}

// call is one request.
type call struct {
	now    time.Time
	r      *http.Request
	w      http.ResponseWriter
	body   map[string]any
	zone   *time.Location // by __TZO__
	number int
}

// answer is what an endpoint says besides errors.
type answer map[string]any

// ServeHTTP answers a request as iService would.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now, faults := s.watch.Now(), s.faults.get()
	if faults.down(now) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("<html><body><h1>503 Service Unavailable</h1></body></html>"))
		return
	}
	form, ok := strings.CutPrefix(r.URL.Path, "/f/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	name := form + "?api=" + r.URL.Query().Get("api")
	endpoint := s.forms[name]
	c := &call{now: now, r: r, w: w}
	c.number = s.count(faults)
	respond := func(a answer, errors ...string) { c.respond(a, errors) }
	switch statistics := form == s.options.Statistics.Form; {
	case endpoint == nil:
		respond(nil, fmt.Sprintf("Unknown API endpoint: %s", name))
	case r.Method != http.MethodPost && !(statistics && r.Method == http.MethodGet):
		http.Error(w, "<html>method not allowed</html>", http.StatusMethodNotAllowed)
	case !c.read():
		respond(nil, "Invalid request: the body is no JSON object.")
	case form == "webapp-api-login":
		a, errors := endpoint(c)
		respond(a, errors...)
	case !s.admit(c):
		respond(nil, "Your session has expired. Please log in again.")
	case faults.Denied:
		respond(nil, "You do not have permission to use this function.")
	case faults.FailEvery > 0 && c.number%faults.FailEvery == 0:
		respond(nil, "The operation timed out. Please try again.")
	default:
		a, errors := endpoint(c)
		respond(a, errors...)
	}
}

// count numbers the calls, and ends sessions where that is to go wrong.
func (s *Server) count(f Faults) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if f.ExpireEvery > 0 && s.calls%f.ExpireEvery == 0 {
		clear(s.sessions)
	}
	return s.calls
}

// read takes the body, whether JSON or a form's encoding.
func (c *call) read() bool {
	c.body, c.zone = map[string]any{}, time.UTC
	if kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		if c.r.ParseForm() != nil {
			return false
		}
		for name := range c.r.PostForm {
			c.body[name] = c.r.PostForm.Get(name)
		}
	} else if c.r.ContentLength != 0 {
		if err := json.NewDecoder(http.MaxBytesReader(c.w, c.r.Body, 1<<20)).Decode(&c.body); err != nil || c.body == nil {
			return false
		}
	}
	if text, ok := c.body["__TZO__"].(string); ok {
		t, err := time.Parse("-07:00", text)
		if err != nil {
			return false
		}
		_, ahead := t.Zone()
		c.zone = time.FixedZone(text, ahead)
	}
	return true
}

// respond answers 200, whatever is wrong. Which spelling the details have, and how nothing is said, differs from call to call.
func (c *call) respond(a answer, errors []string) {
	if a == nil {
		a = answer{}
	}
	details := []string{"errorDetails", "errorsDetails"}[c.number%2]
	a["errors"], a[details] = errors, errors
	if len(errors) == 0 {
		a["errors"], a[details] = [][]string{{}, {""}}[c.number/2%2], [][]string{{}, {""}}[c.number/4%2]
	}
	a["_version"] = "8.2" // one of the fields that no client knows
	text, err := json.Marshal(a)
	if err != nil {
		http.Error(c.w, err.Error(), http.StatusInternalServerError)
		return
	}
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = c.w.Write(text) // whoever asked may have gone
}

// day is the messages of the nth day; nil outside the centre's days.
func (s *Server) day(n int) *post {
	if n < 0 || n >= s.centre.Days {
		return nil
	}
	s.mu.Lock()
	k := s.posts[n]
	if k == nil {
		k = &keptPost{make: sync.OnceValue(func() *post {
			if d := s.centre.Day(centre.IService, n); d != nil {
				return deliver(s.centre, n, d, s.options)
			}
			return nil
		})}
		s.posts[n] = k
	}
	s.tick++
	k.used = s.tick
	for len(s.posts) > 9 {
		oldest := n
		for other, k := range s.posts {
			if k.used < s.posts[oldest].used {
				oldest = other
			}
		}
		delete(s.posts, oldest)
	}
	s.mu.Unlock()
	return k.make()
}

// days are the days whose messages can have a date or a resolution in [from, to).
func (s *Server) days(from, to time.Time) []*post {
	var list []*post
	for n := s.centre.DayOf(from) - 1; n <= s.centre.DayOf(to); n++ {
		if p := s.day(n); p != nil {
			list = append(list, p)
		}
	}
	return list
}
