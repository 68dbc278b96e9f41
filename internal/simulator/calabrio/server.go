package calabrio

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// Options of a server. The zero value has the keys of this package's constants.
type Options struct {
	TenantKey, DataSourceKey string
	KeyName                  string // of the data source key; "dataSourceKey" if empty
	KeyIn                    string // "query" if empty, "header", or "body"
	Envelope                 string // member that holds the list; "" for a bare list
	Interval                 time.Duration
	Unwanted                 []string // queues and agents whose records are refused
	Partly                   bool     // a request with some such is taken but for them

	AuthenticationKey, SourceID, PlatformTypeID string
	Users                                       []string // those that are known; all if empty
	MostStates                                  int      // of a batch; 100 if 0
}

// The keys of a server whose options name none.
const (
	TenantKey         = "calabrio-tenant-key"
	DataSourceKey     = "calabrio-data-source-key"
	AuthenticationKey = "calabrio-authentication-key"
	SourceID          = "1"
	PlatformTypeID    = "00000000-0000-0000-0000-000000000000"
)

// The paths below the server's address.
const (
	HistoricalPath = "/historical-data/api/v1"
	AdherencePath  = "/TeleoptiWFM/RTA/TeleoptiRtaService.svc"
)

// Server is a simulated Calabrio. Safe for concurrent use.
type Server struct {
	watch clock.Watch
	o     Options
	mux   *http.ServeMux

	mu         sync.Mutex
	held       map[string]string
	states     map[string]State
	snapshots  map[string]map[string]bool // users of a snapshot that is under way, by BatchId
	requests   int
	violations []string
}

// New makes a server that holds nothing.
func New(w clock.Watch, o Options) *Server {
	for _, d := range []struct {
		to    *string
		value string
	}{
		{&o.TenantKey, TenantKey}, {&o.DataSourceKey, DataSourceKey}, {&o.KeyName, "dataSourceKey"}, {&o.KeyIn, "query"},
		{&o.AuthenticationKey, AuthenticationKey}, {&o.SourceID, SourceID}, {&o.PlatformTypeID, PlatformTypeID},
	} {
		if *d.to == "" {
			*d.to = d.value
		}
	}
	if o.Interval == 0 {
		o.Interval = 15 * time.Minute
	}
	if o.MostStates == 0 {
		o.MostStates = 100
	}
	s := &Server{watch: w, o: o, mux: http.NewServeMux(), held: map[string]string{}, states: map[string]State{}, snapshots: map[string]map[string]bool{}}
	for name, set := range sets {
		s.mux.HandleFunc("POST "+HistoricalPath+"/"+name, func(w http.ResponseWriter, r *http.Request) { s.historical(w, r, name, set) })
	}
	s.mux.HandleFunc("POST "+AdherencePath, s.adherence)
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests++
	s.mu.Unlock()
	s.mux.ServeHTTP(w, r)
}

// Requests is how many there were.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Holds is what the server has: records by set, start and ids, and states by "state" and user.
func (s *Server) Holds() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := maps.Clone(s.held)
	for user, state := range s.states {
		all["state/"+user] = state.String()
	}
	return all
}

// Violations are the rules that clients broke.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.violations...)
}

// violation notes a rule that was broken. The caller holds mu.
func (s *Server) violation(format string, args ...any) {
	const most = 100
	if len(s.violations) < most {
		s.violations = append(s.violations, "calabrio: "+fmt.Sprintf(format, args...))
	}
}

func bearer(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return token
}
