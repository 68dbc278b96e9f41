// Package anywfm is a simulated destination of no vendor in particular: it takes records of JSON, NDJSON, XML or CSV, replaces
// those it has by the fields that tell them apart, refuses what it is told to, and counts what a well-behaved client never does.
package anywfm

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// Options are what the destination is like.
type Options struct {
	Format string   // json, ndjson, xml or csv; json if empty
	List   string   // where the records are in JSON, as data.rows, and in XML, as import.record; "": JSON's list at the top, any element below XML's root
	One    bool     // a request is one record
	Key    []string // fields that tell records apart, as start or queue.id
	ByPath bool     // the path of the request tells them apart, too
	Most   int      // records of a request; 0: any
	Bytes  int      // of a request; 0: any

	Token            string // bearer token; "": nobody has to say who it is
	Header, Value    string // a header that has to be there
	ClientID, Secret string // of POST /token, whose tokens are taken then in place of Token
	Life             time.Duration

	Count   int           // requests in a stretch of time; 0: any
	Per     time.Duration // the stretch, from the first request
	Again   bool          // whether 429 says when to come back
	Latency time.Duration // by the machine's clock

	Refuse func(record map[string]any) string // why a record is not taken; "": it is
	// How it refuses: "list" (200, and a list of errors with index and message, and all others are taken), "each" (200, and an entry for each
	// record), "partly" (422 with the list, all others are taken), "whole" (400, nothing is taken), "said" (200 with {"error": …}, nothing is taken).
	How        string
	Idempotent string // header whose value is that of one request: a repetition changes nothing
}

// Server is the destination. Safe for concurrent use.
type Server struct {
	o     Options
	watch clock.Watch

	mu         sync.Mutex
	held       map[string]map[string]any
	seen       map[string]string // requests by their idempotency header
	violations []string
	requests   int
	records    int
	busy, most int // requests at once
	began      time.Time
	inStretch  int
	tokens     map[string]time.Time // until when they are good
	issued     int
}

// New makes an empty destination.
func New(w clock.Watch, o Options) *Server {
	if o.Format == "" {
		o.Format = "json"
	}
	if o.Life == 0 {
		o.Life = time.Hour
	}
	return &Server{o: o, watch: w, held: map[string]map[string]any{}, seen: map[string]string{}, tokens: map[string]time.Time{}}
}

// Holds is what the destination has: field=value pairs in the order of names, by the values of the key.
func (s *Server) Holds() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make(map[string]string, len(s.held))
	for key, record := range s.held {
		held[key] = Shown(record)
	}
	return held
}

// Shown is a record as Holds shows it.
func Shown(record map[string]any) string {
	flat := map[string]string{}
	flatten(flat, "", record)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(flat)) {
		out = append(out, name+"="+flat[name])
	}
	return strings.Join(out, " ")
}

func flatten(flat map[string]string, prefix string, record map[string]any) {
	for name, value := range record {
		if inner, ok := value.(map[string]any); ok {
			flatten(flat, prefix+name+".", inner)
			continue
		}
		flat[prefix+name] = text(value)
	}
}

func text(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return v
	}
	out, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(out)
}

// Violations are the rules that requests broke.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// Counts are the requests and records so far, and how many requests there were at once at most.
func (s *Server) Counts() (requests, records, atOnce int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests, s.records, s.most
}

// Expire makes all tokens that were given out invalid.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// ServeHTTP implements http.Handler: POST /token, GET of a record by its key in the query, anything else is a delivery.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" && s.o.ClientID != "" {
		s.token(w, r)
		return
	}
	s.enter()
	defer s.leave()
	if s.o.Latency > 0 && clock.Sleep(r.Context(), s.o.Latency) != nil {
		return
	}
	switch {
	case !s.known(r):
		answer(w, http.StatusUnauthorized, map[string]any{"error": "who are you?"})
	case s.o.Header != "" && r.Header.Get(s.o.Header) != s.o.Value:
		answer(w, http.StatusBadRequest, map[string]any{"error": "header " + s.o.Header + " is missing"})
	case s.throttled(w):
		answer(w, http.StatusTooManyRequests, map[string]any{"error": "too many requests"})
	case r.Method == http.MethodGet:
		s.show(w, r)
	default:
		s.take(w, r)
	}
}

func (s *Server) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy++
	s.most = max(s.most, s.busy)
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if id != s.o.ClientID || secret != s.o.Secret || r.FormValue("grant_type") != "client_credentials" {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued++
	token := fmt.Sprintf("anywfm-token-%d", s.issued)
	s.tokens[token] = s.watch.Now().Add(s.o.Life)
	answer(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(s.o.Life.Seconds())})
}

func (s *Server) known(r *http.Request) bool {
	said := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if s.o.ClientID != "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		until, ok := s.tokens[said]
		return ok && s.watch.Now().Before(until)
	}
	return s.o.Token == "" || subtle.ConstantTimeCompare([]byte(said), []byte(s.o.Token)) == 1
}

func (s *Server) throttled(w http.ResponseWriter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.watch.Now()
	if s.o.Count == 0 {
		return false
	}
	if gone := now.Sub(s.began); gone < 0 || gone >= s.o.Per {
		s.began, s.inStretch = now, 0
	}
	if s.inStretch++; s.inStretch <= s.o.Count {
		return false
	}
	if s.o.Again {
		w.Header().Set("Retry-After", strconv.Itoa(int(s.began.Add(s.o.Per).Sub(now).Seconds())+1))
	}
	return true
}

// show answers with the record whose key is in the query.
func (s *Server) show(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var key []string
	for _, name := range s.o.Key {
		key = append(key, r.URL.Query().Get(name))
	}
	record, ok := s.held[strings.Join(key, "|")]
	if !ok {
		answer(w, http.StatusNotFound, map[string]any{"error": "there is no such record"})
		return
	}
	answer(w, http.StatusOK, map[string]any{"data": record})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // what fails is the client's connection
}

// largest is how much of a body is read.
const largest = 64 << 20

// take takes the records of a request.
func (s *Server) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, largest))
	if err != nil {
		return // the client went away
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	records, err := s.parse(r.Header.Get("Content-Type"), body)
	switch {
	case err != nil:
		s.violate("request %s %s cannot be read: %v", r.Method, r.URL.Path, err)
	case s.o.Most > 0 && len(records) > s.o.Most:
		err = fmt.Errorf("%d records, and %d are allowed", len(records), s.o.Most)
		s.violate("%v", err)
	case s.o.Bytes > 0 && len(body) > s.o.Bytes:
		err = fmt.Errorf("%d bytes, and %d are allowed", len(body), s.o.Bytes)
		s.violate("%v", err)
	case s.repeated(r, string(body)):
		answer(w, http.StatusOK, map[string]any{"repeated": true})
		return
	}
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return
	}
	s.records += len(records)
	s.put(w, r.URL.Path, records)
}

func (s *Server) violate(format string, args ...any) {
	s.violations = append(s.violations, fmt.Sprintf(format, args...))
}

// repeated says whether a request was here before, by its idempotency header.
func (s *Server) repeated(r *http.Request, body string) bool {
	if s.o.Idempotent == "" {
		return false
	}
	name := r.Header.Get(s.o.Idempotent)
	before, ok := s.seen[name]
	switch {
	case name == "":
		s.violate("a request has no header %s", s.o.Idempotent)
		return false
	case ok && before != body:
		s.violate("header %s is %q on two requests that differ", s.o.Idempotent, name)
		return false
	}
	s.seen[name] = body
	return ok
}

// put holds what is not refused, and answers.
func (s *Server) put(w http.ResponseWriter, path string, records []map[string]any) {
	var errors, each []map[string]any
	why := make([]string, len(records))
	for n, record := range records {
		entry := map[string]any{"status": "ok"}
		if s.o.Refuse != nil {
			if why[n] = s.o.Refuse(record); why[n] != "" {
				entry = map[string]any{"index": n, "status": "error", "message": why[n]}
				errors = append(errors, entry)
			}
		}
		each = append(each, entry)
	}
	if len(errors) > 0 && (s.o.How == "whole" || s.o.How == "said") {
		if s.o.How == "said" {
			answer(w, http.StatusOK, map[string]any{"error": errors[0]["message"]})
			return
		}
		answer(w, http.StatusBadRequest, map[string]any{"error": errors[0]["message"]})
		return
	}
	for key, n := range s.keys(path, records) {
		if why[n] == "" {
			s.held[key] = records[n]
		}
	}
	switch {
	case s.o.How == "each":
		answer(w, http.StatusOK, map[string]any{"results": each})
	case len(errors) > 0 && s.o.How == "partly":
		answer(w, http.StatusUnprocessableEntity, map[string]any{"errors": errors})
	default:
		answer(w, http.StatusOK, map[string]any{"errors": errors, "taken": len(records) - len(errors)})
	}
}

// keys are the places of records by their keys.
func (s *Server) keys(path string, records []map[string]any) map[string]int {
	keys := map[string]int{}
	for n, record := range records {
		flat := map[string]string{}
		flatten(flat, "", record)
		var key []string
		if s.o.ByPath {
			key = append(key, path)
		}
		for _, name := range s.o.Key {
			value, ok := flat[name]
			if !ok {
				s.violate("a record has no %s: %s", name, Shown(record))
			}
			key = append(key, value)
		}
		name := strings.Join(key, "|")
		if _, twice := keys[name]; twice {
			s.violate("%s is twice in one request", name)
		}
		keys[name] = n
	}
	return keys
}
