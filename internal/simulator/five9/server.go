package five9

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// Server answers as Five9 does. Safe for concurrent use.
type Server struct {
	o      Options
	centre *centre.Centre
	watch  clock.Watch
	zone   *time.Location
	rows   rows

	mu         sync.Mutex
	violations []string
	logins     map[string]*login // by user name
	counters   counters
	reports    []Report
	results    map[string]*result
	sessions   map[string]*session
	faults     []*fault // that the next calls get
	answers    int
	told       int // faults
	deleted    map[string]bool
	calls      map[string]int
}

// login is a user of the web services.
type login struct {
	name, password string
	wrong          int    // passwords in a row
	locked         bool   // until Unlock
	busy           string // the operation that the user is in
}

// New makes a simulated Five9 of a centre that has one. An error is about the options.
func New(c *centre.Centre, w clock.Watch, o Options) (*Server, error) {
	o = o.filled()
	zone, err := time.LoadLocation(o.Zone)
	if err != nil {
		return nil, fmt.Errorf("time zone of the simulated Five9's data centre: %w", err)
	}
	for _, r := range o.Reports {
		if err := r.check(); err != nil {
			return nil, err
		}
	}
	s := &Server{
		o: o, centre: c, watch: w, zone: zone, reports: slices.Clone(o.Reports), results: map[string]*result{}, sessions: map[string]*session{},
		calls: map[string]int{}, deleted: map[string]bool{}, logins: map[string]*login{o.User: {name: o.User, password: o.Password}},
	}
	for name, password := range o.Others {
		s.logins[name] = &login{name: name, password: password}
	}
	s.counters = newCounters(o.Limits, zone)
	s.rows = newRows(c, zone, o.Faults)
	return s, nil
}

// ServeHTTP routes /wsadmin and /wssupervisor, with and without a version.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	version := "v2"
	if len(part) == 3 && slices.Contains(s.o.Versions, part[1]) {
		version, part = part[1], []string{part[0], part[2]}
	}
	of, ok := map[string]*service{"wsadmin/AdminWebService": admin, "wssupervisor/SupervisorWebService": supervisor}[strings.Join(part, "/")]
	if !ok {
		page(w, http.StatusNotFound, r.URL.Path)
		return
	}
	if of == admin && version == "v2" {
		old := *of
		old.namespace += "v2/"
		of = &old
	}
	switch {
	case r.Method == http.MethodGet && r.URL.Query().Has("wsdl"):
		w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
		of.wsdl(w, "https://"+r.Host+r.URL.Path)
	case r.Method != http.MethodPost:
		page(w, http.StatusMethodNotAllowed, r.Method+" is not supported")
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "text/xml"):
		s.broken("a request of content type %q", r.Header.Get("Content-Type"))
		page(w, http.StatusUnsupportedMediaType, "Cannot process the message because the content type was not text/xml")
	default:
		if l := s.admitted(w, r, of); l != nil {
			s.serve(w, r, of, l)
		}
	}
}

// admitted looks at the password. Too many wrong ones in a row lock the account, for the right one too.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request, of *service) *login {
	user, password, _ := r.BasicAuth()
	s.mu.Lock()
	l := s.logins[user]
	right := l != nil && password == l.password
	switch {
	case l == nil:
		s.note("user %q is not known", user)
	case right && !l.locked:
		l.wrong = 0
	case !right:
		if l.wrong++; l.wrong == s.o.LockAfter {
			l.locked = true
			s.note("the account %q was locked after %d wrong passwords", user, l.wrong)
		}
	}
	locked := l != nil && l.locked
	s.mu.Unlock()
	switch {
	case locked:
		s.failed(w, of, failed("InvalidAccount", "Account is locked"))
		return nil
	case !right:
		page(w, http.StatusUnauthorized, "This request requires HTTP authentication.")
		return nil
	}
	return l
}

// serve makes one call.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, of *service, l *login) {
	root, err := parseXML(r.Body)
	var n *node
	if err == nil {
		n, err = wrapper(root)
	}
	if err != nil {
		s.broken("a request that is no SOAP: %v", err)
		s.failed(w, of, failed("", "Error reading the request: "+err.Error()))
		return
	}
	op := of.operation(n.name.Local)
	if op == nil || n.name.Space != of.namespace {
		s.broken("a request for {%s}%s", n.name.Space, n.name.Local)
		s.failed(w, of, failed("", fmt.Sprintf("Cannot find dispatch method for {%s}%s", n.name.Space, n.name.Local)))
		return
	}
	f := s.enter(l, op)
	if f != nil {
		s.failed(w, of, f)
		return
	}
	defer s.leave(l)
	b, f := s.call(r, of, op, n, l)
	if f != nil {
		s.failed(w, of, f)
		return
	}
	s.answered(w, of, of.namespace, op.name, b)
}

// enter lets the user make one call at a time.
func (s *Server) enter(l *login, op *operation) *fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.busy != "" {
		s.note("%s was called while %s of user %q was under way", op.name, l.busy, l.name)
		return failed("UserAlreadyLoggedIn", "Concurrent requests of one user are not allowed")
	}
	l.busy = op.name
	s.calls[op.name]++
	return nil
}

func (s *Server) leave(l *login) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.busy = ""
}

// call checks, counts and does what is asked for.
func (s *Server) call(r *http.Request, of *service, op *operation, n *node, l *login) (body, *fault) {
	if f := of.check(n, op.asks, op.name); f != nil {
		s.broken("%s: %s", op.name, f.text)
		return nil, f
	}
	s.mu.Lock()
	if len(s.faults) > 0 {
		f := s.faults[0]
		s.faults = s.faults[1:]
		s.mu.Unlock()
		return nil, f
	}
	limit, over := s.counters.spend(op.counter, s.watch.Now())
	if over != "" {
		s.note("%s: the quota of %s, %d per %s, is exceeded", op.name, op.counter, limit, over)
	}
	s.mu.Unlock()
	if over != "" {
		return nil, failed("OperationsLimitExceeded", "The limit of operations has been exceeded",
			[2]string{"limit", strconv.FormatInt(limit, 10)}, [2]string{"operationType", op.counter})
	}
	if strings.HasSuffix(of.name, "SupervisorService") {
		return s.statistics(r.Context(), op, n, l.name)
	}
	return s.configuration(r.Context(), op, n)
}

// note keeps a violation. The lock is held.
func (s *Server) note(format string, a ...any) {
	s.violations = append(s.violations, s.watch.Now().UTC().Format("2006-01-02T15:04:05.000Z ")+"five9: "+fmt.Sprintf(format, a...))
}

func (s *Server) broken(format string, a ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(format, a...)
}

func (s *Server) prefix() [2]string {
	if s.o.Prefixes {
		return prefixes[0]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers++
	return prefixes[s.answers%len(prefixes)]
}

func (s *Server) faultStatus() int {
	if s.o.FaultStatus != 0 {
		return s.o.FaultStatus
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told++
	return []int{http.StatusInternalServerError, http.StatusInternalServerError, http.StatusOK}[s.told%3]
}
