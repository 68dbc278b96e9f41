package playvox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// User is a person as Playvox has it.
type User struct {
	ID                 int
	First, Last, Email string
	Inactive           bool
	Integrations       []Integration
}

// Integration is an id that another system knows a user by.
type Integration struct {
	Alias string `json:"alias"`
	ID    string `json:"id"`
}

// Options are what the simulated Playvox is like.
type Options struct {
	Identifier, Secret string // "identifier" and "secret" if empty
	Users              []User
	Life               time.Duration // of a token; an hour if 0
	Calls              int           // in Per; 100 if 0
	Per                time.Duration // 30 s if 0
	Page               int           // users and tasks of an answer at most; 50 if 0
	Refuse             func(record map[string]any) string
}

// Server is the simulated Playvox. Safe for concurrent use.
type Server struct {
	o      Options
	watch  clock.Watch
	routes *http.ServeMux

	mu         sync.Mutex
	tasks      map[string]map[string]any // by person, integration and start
	starts     map[string][]string       // of the tasks of a person and integration, in order
	emails     map[string]bool           // of users, in lower case: whether one is active
	listed     list                      // what was read last
	records    map[string]map[string]any // others, by what they are and their own key
	violations []string
	tokens     map[string]time.Time
	issued     int
	calls      []time.Time
	counts     map[string]int // requests by method and path
}

// New makes a Playvox without records.
func New(w clock.Watch, o Options) *Server {
	if o.Identifier == "" {
		o.Identifier, o.Secret = "identifier", "secret"
	}
	if o.Life == 0 {
		o.Life = time.Hour
	}
	if o.Calls == 0 {
		o.Calls = 100
	}
	if o.Per == 0 {
		o.Per = 30 * time.Second
	}
	if o.Page == 0 {
		o.Page = 50
	}
	s := &Server{
		o: o, watch: w, routes: http.NewServeMux(), tasks: map[string]map[string]any{}, records: map[string]map[string]any{}, tokens: map[string]time.Time{},
		counts: map[string]int{}, starts: map[string][]string{}, emails: map[string]bool{},
	}
	for _, u := range o.Users {
		s.know(u)
	}
	s.routes.HandleFunc("POST /tenant/api/authority/token", s.token)
	for pattern, handle := range map[string]http.HandlerFunc{
		"GET /region/organisation/users":                 s.users,
		"GET /tenant/api/workactivity/tasks":             s.readTasks,
		"POST /tenant/api/workactivity/tasks":            s.writeTasks,
		"DELETE /tenant/api/workactivity/tasks":          s.deleteTasks,
		"POST /tenant/api/workactivity/{what}":           s.write,
		"DELETE /tenant/api/workactivity/{what}":         s.remove,
		"POST /tenant/api/organisation/users/{what}":     s.write,
		"GET /tenant/api/schedule/tasks/definitions":     s.definitions,
		"GET /tenant/api/workactivity/{what}/{whatever}": http.NotFound,
	} {
		s.routes.HandleFunc(pattern, s.guarded(handle))
	}
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

// Holds is what Playvox has: tasks as "task|email|integration|start" with what they are, the same with "|end" for when they ended, and other
// records as "contacts|key".
func (s *Server) Holds() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := map[string]string{}
	for key, task := range s.tasks {
		held["task|"+key] = text(task["taskIdentifier"])
		if end := text(task["endTime"]); end != "" {
			held["task|"+key+"|end"] = end
		}
	}
	for key, record := range s.records {
		line, _ := json.Marshal(record) // of what was JSON
		held[key] = string(line)
	}
	return held
}

// Violations are rules that were broken, and tasks of one person that overlap.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// Calls is how often a path was asked, as "GET /region/organisation/users".
func (s *Server) Calls(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[name]
}

// Expire makes all tokens invalid.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// Hire adds a user.
func (s *Server) Hire(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.o.Users = append(s.o.Users, u)
	s.know(u)
}

func (s *Server) know(u User) {
	email := strings.ToLower(u.Email)
	s.emails[email] = s.emails[email] || !u.Inactive
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok || id != s.o.Identifier || secret != s.o.Secret {
		refuse(w, http.StatusUnauthorized, "the identifier or the secret is wrong")
		return
	}
	if r.PostFormValue("grant_type") != "client_credentials" {
		refuse(w, http.StatusBadRequest, "grant_type is not client_credentials")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued++
	token := fmt.Sprintf("playvox-token-%d", s.issued)
	s.tokens[token] = s.watch.Now().Add(s.o.Life)
	answer(w, map[string]any{"accessToken": token, "tokenType": "Bearer", "expiresIn": int(s.o.Life.Seconds())}, "")
}

// guarded lets a request through that has a token and is within the limit.
func (s *Server) guarded(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.counts[r.Method+" "+r.URL.Path]++
		now := s.watch.Now()
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		until, known := s.tokens[token]
		switch {
		case !bearer || !known || !now.Before(until):
			refuse(w, http.StatusUnauthorized, "the token is not valid, or not any more")
			return
		case s.tooMany(now):
			refuse(w, http.StatusTooManyRequests, "too many requests")
			return
		}
		handle(w, r)
	}
}

// tooMany counts a call; those that are refused do not count.
func (s *Server) tooMany(now time.Time) bool {
	s.calls = slices.DeleteFunc(s.calls, func(at time.Time) bool { return !at.After(now.Add(-s.o.Per)) })
	if len(s.calls) >= s.o.Calls {
		return true
	}
	s.calls = append(s.calls, now)
	return false
}

// page answers with one page of a list.
func (s *Server) page(w http.ResponseWriter, r *http.Request, list []map[string]any) {
	from := 0
	if token := r.URL.Query().Get("nextPageToken"); token != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(token, "page-"))
		if err != nil || n > len(list) {
			refuse(w, http.StatusUnprocessableEntity, "nextPageToken is not one of ours")
			return
		}
		from = n
	}
	next := ""
	if from+s.o.Page < len(list) {
		next = fmt.Sprintf("page-%d", from+s.o.Page)
	}
	part := list[from:min(len(list), from+s.o.Page)]
	if part == nil {
		part = []map[string]any{}
	}
	answer(w, part, next)
}

func (s *Server) users(w http.ResponseWriter, r *http.Request) {
	var list []map[string]any
	for _, u := range s.o.Users {
		integrations := u.Integrations
		if integrations == nil {
			integrations = []Integration{}
		}
		list = append(list, map[string]any{
			"_id": fmt.Sprintf("5f%022d", u.ID), "id": u.ID, "firstName": u.First, "lastName": u.Last, "email": u.Email, "timezone": "Europe/Berlin", "organisationId": 7,
			"roles": []string{"agent"}, "integrations": integrations, "isActive": !u.Inactive, "__v": 0,
		})
	}
	s.page(w, r, list)
}

func (s *Server) definitions(w http.ResponseWriter, _ *http.Request) {
	answer(w, []map[string]any{{"name": "available", "isPaid": 1, "isPlanned": 1, "isLeave": 0, "isBreak": 0, "categoryName": "Work", "workloadChannel": "phone"}}, "")
}

func answer(w http.ResponseWriter, data any, next string) {
	w.Header().Set("Content-Type", "application/json")
	body := map[string]any{"data": data}
	if next != "" {
		body["nextPageToken"] = next
	}
	_ = json.NewEncoder(w).Encode(body) // what fails is the client's connection
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"message": why}) // what fails is the client's connection
}

func text(v any) string {
	if v == nil {
		return ""
	}
	if s, ok := v.(string); ok {
		return s
	}
	return fmt.Sprint(v)
}
