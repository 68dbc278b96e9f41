package calabrio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// rule is what a field has to be.
type rule int

const (
	start rule = iota
	id
	text
	number
	optional // a number or null
)

type field struct {
	name string
	rule rule
}

// sets are the record sets by the name of their resource, fields in the order of the documentation.
var sets = map[string][]field{
	"queues": {
		{"intervalStartDateTime", start}, {"queueId", id}, {"queueName", text}, {"offeredContacts", number}, {"answeredContacts", number}, {"contactTime", number},
	},
	"agent-queues": {
		{"intervalStartDateTime", start}, {"queueId", id}, {"queueName", text}, {"agentId", id}, {"agentName", text},
		{"contactTime", number}, {"answeredContacts", number}, {"completedContacts", optional},
	},
	"agents": {{"intervalStartDateTime", start}, {"agentId", id}, {"agentName", text}, {"loginTime", number}, {"directOutContacts", number}},
}

// problem is a record that is not taken.
type problem struct {
	Index   int    `json:"index"`
	Message string `json:"message"`
}

func (s *Server) historical(w http.ResponseWriter, r *http.Request, name string, set []field) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 8<<20))
	s.mu.Lock()
	defer s.mu.Unlock()
	if bearer(r) != s.o.TenantKey {
		reply(w, http.StatusUnauthorized, map[string]any{"title": "Unauthorized"})
		return
	}
	list, key := s.open(r, body)
	switch {
	case err != nil || list == nil:
		s.violation("%s: the body is no list of records", name)
		reply(w, http.StatusBadRequest, map[string]any{"title": "The body is no list of records."})
		return
	case key != s.o.DataSourceKey:
		s.violation("%s: no data source key, or a wrong one, in the %s", name, s.o.KeyIn)
		reply(w, http.StatusBadRequest, map[string]any{"title": "The data source key is missing."})
		return
	}
	problems, records := s.check(name, set, list)
	if len(problems) > 0 && !s.o.Partly {
		reply(w, http.StatusBadRequest, map[string]any{"title": "One or more validation errors occurred.", "detail": problems[0].Message})
		return
	}
	for key, record := range records {
		s.held[key] = record
	}
	if len(problems) > 0 {
		reply(w, http.StatusBadRequest, map[string]any{"title": "Some records were refused.", "errors": problems})
		return
	}
	w.WriteHeader(http.StatusOK)
}

// open takes the list and the data source key out of a request.
func (s *Server) open(r *http.Request, body []byte) (list []map[string]any, key string) {
	members := map[string]json.RawMessage{}
	raw := json.RawMessage(body)
	if s.o.Envelope != "" {
		if json.Unmarshal(body, &members) != nil {
			return nil, ""
		}
		raw = members[s.o.Envelope]
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if decoder.Decode(&list) != nil || decoder.More() || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return nil, ""
	}
	switch s.o.KeyIn {
	case "header":
		key = r.Header.Get(s.o.KeyName)
	case "body":
		_ = json.Unmarshal(members[s.o.KeyName], &key) // a key that is none stays empty
	default:
		key = r.URL.Query().Get(s.o.KeyName)
	}
	return list, key
}

// check judges each record; those that are well formed come back by their keys.
func (s *Server) check(name string, set []field, list []map[string]any) (problems []problem, records map[string]string) {
	records = map[string]string{}
	for n, r := range list {
		key, record, err := s.record(name, set, r)
		if _, twice := records[key]; twice && err == nil {
			err = fmt.Errorf("%s is there twice", key)
		}
		if err != nil {
			s.violation("%s: record %d: %v", name, n, err)
		} else if unwanted := slices.ContainsFunc(s.o.Unwanted, func(id string) bool { return r["queueId"] == id || r["agentId"] == id }); unwanted {
			err = fmt.Errorf("%s is not known here", key)
		}
		if err != nil {
			problems = append(problems, problem{n, err.Error()})
			continue
		}
		records[key] = record
	}
	return problems, records
}

// record is a record's key and what it says.
func (s *Server) record(name string, set []field, r map[string]any) (key, record string, err error) {
	keys, values := []string{name}, []string{}
	for _, f := range set {
		v, there := r[f.name]
		if !there {
			return "", "", fmt.Errorf("field %s is missing", f.name)
		}
		text, err := s.field(f, v)
		if err != nil {
			return "", "", fmt.Errorf("field %s: %w", f.name, err)
		}
		if f.rule == start || f.rule == id {
			keys = append(keys, text)
		} else {
			values = append(values, f.name+"="+text)
		}
	}
	if len(r) != len(set) {
		return "", "", fmt.Errorf("it has fields that are not known: %v", r)
	}
	return strings.Join(keys, "/"), strings.Join(values, " "), nil
}

func (s *Server) field(f field, v any) (string, error) {
	switch f.rule {
	case start:
		text, _ := v.(string)
		at, err := time.Parse(time.RFC3339, text)
		if err != nil || !strings.HasSuffix(text, "Z") {
			return "", fmt.Errorf("%v is no instant in UTC", v)
		}
		if !at.Equal(at.Truncate(s.o.Interval)) {
			return "", fmt.Errorf("%s is off the grid of %s", text, s.o.Interval)
		}
		return at.Format(time.RFC3339), nil
	case id, text:
		text, ok := v.(string)
		if n := utf8.RuneCountInString(text); !ok || n == 0 || n > 100 {
			return "", fmt.Errorf("%v is no text of 1 to 100 characters", v)
		}
		return text, nil
	}
	if v == nil && f.rule == optional {
		return "null", nil
	}
	n, ok := v.(json.Number)
	if whole, err := n.Int64(); !ok || err != nil || whole < 0 || whole > math.MaxInt32 {
		return "", fmt.Errorf("%v is no whole number from 0 to %d", v, math.MaxInt32)
	}
	return n.String(), nil
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that went away
}
