package playvox

import (
	"cmp"
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
	if email := text(record["userEmail"]); email != "" && !slices.ContainsFunc(s.o.Users, func(u User) bool { return strings.EqualFold(u.Email, email) && !u.Inactive }) {
		return fmt.Sprintf("there is no user %q", email)
	}
	return ""
}

func taskKey(record map[string]any) string {
	return strings.Join([]string{text(record["userEmail"]), text(record["integrationAlias"]), text(record["startTime"])}, "|")
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
		key := taskKey(record)
		if text(record["endTime"]) == text(record["startTime"]) { // nothing is left of it
			delete(s.tasks, key)
			continue
		}
		s.tasks[key] = record
	}
	s.overlaps()
	answer(w, []any{}, "")
}

// overlaps looks for two tasks of one person and integration at one time.
func (s *Server) overlaps() {
	before, key := map[string]any(nil), ""
	for _, k := range slices.Sorted(maps.Keys(s.tasks)) {
		task := s.tasks[k]
		if before != nil && before["userEmail"] == task["userEmail"] && before["integrationAlias"] == task["integrationAlias"] {
			if end := text(before["endTime"]); end == "" || end > text(task["startTime"]) {
				s.violate("task %s goes on until %q, when %s begins", key, end, k)
			}
		}
		before, key = task, k
	}
}

func (s *Server) deleteTasks(w http.ResponseWriter, r *http.Request) {
	list, ok := s.read(w, r)
	if !ok {
		return
	}
	for _, record := range list {
		delete(s.tasks, taskKey(record))
	}
	answer(w, []any{}, "")
}

func (s *Server) readTasks(w http.ResponseWriter, r *http.Request) {
	from, to := r.URL.Query().Get("taskStartTimeFrom"), r.URL.Query().Get("taskStartTimeTo")
	if _, err := time.Parse(layout, from); err != nil {
		refuse(w, http.StatusUnprocessableEntity, "taskStartTimeFrom is no instant")
		return
	}
	var list []map[string]any
	for _, task := range s.tasks {
		if start := text(task["startTime"]); start >= from && start < to {
			list = append(list, task)
		}
	}
	slices.SortFunc(list, func(a, b map[string]any) int { return cmp.Compare(taskKey(a), taskKey(b)) })
	s.page(w, r, list)
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
