package playvox

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

const layout = "2006-01-02T15:04:05.000Z"

// read is the records of a request: a list in "data". A request that cannot be read is answered.
func (s *Server) read(w http.ResponseWriter, r *http.Request) ([]map[string]any, bool) {
	var body struct {
		Data []map[string]any `json:"data"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body.Data) == 0 {
		s.violate("%s %s: there is no list in data: %v", r.Method, r.URL.Path, err)
		refuse(w, http.StatusUnprocessableEntity, "there is no list in data")
		return nil, false
	}
	return body.Data, true
}

func (s *Server) violate(format string, args ...any) {
	s.violations = append(s.violations, fmt.Sprintf(format, args...))
}

// wrong says what is wrong with a record of any kind.
func (s *Server) wrong(record map[string]any) string {
	if s.o.Refuse != nil {
		if why := s.o.Refuse(record); why != "" {
			return why
		}
	}
	for name, value := range record {
		if at, ok := value.(string); ok && strings.HasSuffix(name, "Time") {
			if _, err := time.Parse(layout, at); err != nil {
				return fmt.Sprintf("%s is %q, not as in %s", name, at, layout)
			}
		}
	}
	start, end := text(record["startTime"]), text(record["endTime"])
	if end != "" && end < start {
		return fmt.Sprintf("endTime %s is before startTime %s", end, start)
	}
	if email := text(record["userEmail"]); email != "" && !s.emails[strings.ToLower(email)] {
		return fmt.Sprintf("there is no user %q", email)
	}
	return ""
}

func taskKey(record map[string]any) string { return whose(record) + "|" + text(record["startTime"]) }

// whose is the person and the integration that a task is of.
func whose(record map[string]any) string {
	return text(record["userEmail"]) + "|" + text(record["integrationAlias"])
}

// put replaces a task, or takes it away where it is nil.
func (s *Server) put(who, start string, record map[string]any) {
	key, starts := who+"|"+start, s.starts[who]
	at, there := slices.BinarySearch(starts, start)
	switch {
	case record != nil && !there:
		starts = slices.Insert(starts, at, start)
	case record == nil && there:
		starts = slices.Delete(starts, at, at+1)
	}
	if s.starts[who] = starts; record == nil {
		delete(s.tasks, key)
	} else {
		s.tasks[key] = record
	}
	s.listed = list{}
}

func (s *Server) wrongTask(record map[string]any) string {
	for _, name := range []string{"userEmail", "integrationAlias", "startTime", "taskIdentifier"} {
		if text(record[name]) == "" {
			return name + " is missing"
		}
	}
	for name, value := range record { // truth values are numbers in tasks
		if _, ok := value.(bool); ok {
			return name + " is a truth value, not 0 or 1"
		}
	}
	return s.wrong(record)
}

func (s *Server) writeTasks(w http.ResponseWriter, r *http.Request) {
	list, ok := s.read(w, r)
	if !ok {
		return
	}
	seen := map[string]bool{}
	for _, record := range list {
		if why := s.wrongTask(record); why != "" {
			refuse(w, http.StatusUnprocessableEntity, why)
			return
		}
		if key := taskKey(record); seen[key] {
			s.violate("task %s is twice in one request", key)
		} else {
			seen[key] = true
		}
	}
	for _, record := range list {
		who, start := whose(record), text(record["startTime"])
		if text(record["endTime"]) == start { // nothing is left of it
			s.put(who, start, nil)
			continue
		}
		s.put(who, start, record)
	}
	s.overlaps(list)
	answer(w, []any{}, "")
}

// overlaps looks for two tasks of one person and integration at one time, near those that were written.
func (s *Server) overlaps(written []map[string]any) {
	for _, record := range written {
		who, start := whose(record), text(record["startTime"])
		starts := s.starts[who]
		at, _ := slices.BinarySearch(starts, start)
		for n := max(at, 1); n < min(at+2, len(starts)); n++ {
			key := who + "|" + starts[n-1]
			if end := text(s.tasks[key]["endTime"]); end == "" || end > starts[n] {
				s.violate("task %s goes on until %q, when %s begins", key, end, starts[n])
			}
		}
	}
}

func (s *Server) deleteTasks(w http.ResponseWriter, r *http.Request) {
	list, ok := s.read(w, r)
	if !ok {
		return
	}
	for _, record := range list {
		s.put(whose(record), text(record["startTime"]), nil)
	}
	answer(w, []any{}, "")
}

func (s *Server) readTasks(w http.ResponseWriter, r *http.Request) {
	from, to := r.URL.Query().Get("taskStartTimeFrom"), r.URL.Query().Get("taskStartTimeTo")
	if _, err := time.Parse(layout, from); err != nil {
		refuse(w, http.StatusUnprocessableEntity, "taskStartTimeFrom is no instant")
		return
	}
	if s.listed.records == nil || s.listed.from != from || s.listed.to != to {
		s.listed = s.list(from, to)
	}
	s.page(w, r, s.listed.records)
}

// list is tasks as readers get them, page by page: kept until one is written.
type list struct {
	from, to string
	records  []map[string]any
}

func (s *Server) list(from, to string) list {
	l := list{from: from, to: to, records: []map[string]any{}}
	for _, who := range slices.Sorted(maps.Keys(s.starts)) {
		starts := s.starts[who]
		at, _ := slices.BinarySearch(starts, from)
		for _, start := range starts[at:] {
			if start >= to {
				break
			}
			l.records = append(l.records, s.tasks[who+"|"+start])
		}
	}
	return l
}

// recordKey is what tells contacts, sessions and identifiers apart.
func recordKey(what string, record map[string]any) string {
	if id := text(record["externalId"]); id != "" {
		return what + "|" + id
	}
	return what + "|" + text(record["integrationAlias"]) + "|" + text(record["integrationUserId"])
}

func (s *Server) write(w http.ResponseWriter, r *http.Request) {
	list, ok := s.read(w, r)
	if !ok {
		return
	}
	for _, record := range list {
		if why := s.wrong(record); why != "" {
			refuse(w, http.StatusUnprocessableEntity, why)
			return
		}
	}
	for _, record := range list {
		s.records[recordKey(r.PathValue("what"), record)] = record
	}
	answer(w, []any{}, "")
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request) {
	list, ok := s.read(w, r)
	if !ok {
		return
	}
	for _, record := range list {
		delete(s.records, recordKey(r.PathValue("what"), record))
	}
	answer(w, []any{}, "")
}
