package gladly

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"
)

var entities = []string{"AGENT_AVAILABILITY", "AGENT_STATUS", "CONTACT", "CONVERSATION", "CUSTOMER", "CUSTOMER_PROFILE", "PAYMENT_REQUEST", "TASK"}

// events streams what was recorded in [startAt, endAt) and shows by now, one event per line.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	now := s.watch.Now()
	q := r.URL.Query()
	from, to, p := span(q.Get("startAt"), q.Get("endAt"), now)
	if p == nil && from.Before(now.Add(-24*time.Hour)) {
		p = &problem{"startAt", "invalid", "startAt must be within the last 24 hours"}
	}
	wanted := q["entities"]
	if p == nil && len(wanted) == 0 {
		p = &problem{"entities", "blank", "entities must be present"}
	}
	for _, e := range wanted {
		if p == nil && !slices.Contains(entities, e) {
			p = &problem{"entities", "invalid", "entities must be among " + strings.Join(entities, ", ")}
		}
	}
	if p != nil {
		refuse(w, http.StatusBadRequest, *p)
		return
	}
	w.Header().Set("Content-Type", "application/x-jsonlines")
	s.stream(w, s.recorded(from, to, now, func(e *event) bool { return slices.Contains(wanted, e.entity()) }))
}

// span reads the bounds of a request.
func span(startAt, endAt string, now time.Time) (from, to time.Time, p *problem) {
	if startAt == "" {
		return from, to, &problem{"startAt", "blank", "startAt must be present"}
	}
	from, err := time.Parse(time.RFC3339, startAt)
	if err != nil {
		return from, to, &problem{"startAt", "invalid", "startAt must be an ISO-8601 time"}
	}
	if to = now; endAt != "" {
		if to, err = time.Parse(time.RFC3339, endAt); err != nil {
			return from, to, &problem{"endAt", "invalid", "endAt must be an ISO-8601 time"}
		}
	}
	if !to.After(from) {
		return from, to, &problem{"startAt", "invalid", "endAt must occur after startAt"}
	}
	return from, to, nil
}

// recorded are the events of a stretch that show at an instant, in the order in which they were recorded.
func (s *Server) recorded(from, to, now time.Time, wanted func(*event) bool) []*event {
	var list []*event
	low, high, shown := from.UnixMilli(), to.UnixMilli(), now.UnixMilli()
	for _, p := range s.days(from.Add(-time.Minute), to) {
		at := sort.Search(len(p.events), func(i int) bool { return p.events[i].recorded >= low })
		for _, e := range p.events[at:] {
			if e.recorded >= high {
				break
			}
			if e.visible <= shown && wanted(e) {
				list = append(list, e)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *event) int { return cmp.Compare(a.recorded*1_000_000+a.nanos, b.recorded*1_000_000+b.nanos) })
	return list
}

// stream writes events, and cuts now and then.
func (s *Server) stream(w http.ResponseWriter, list []*event) {
	cut, broken := s.cut(len(list))
	var line bytes.Buffer
	for i, e := range list {
		text, err := e.line()
		if err != nil {
			panic(http.ErrAbortHandler) //nolint:forbidigo // how net/http breaks a connection
		}
		if i == cut {
			sever(w, text, broken)
			return
		}
		line.Reset()
		line.Write(text)
		line.WriteByte('\n')
		if _, err := w.Write(line.Bytes()); err != nil {
			return
		}
	}
}

// cut is the line at which a stream of so many is to end, -1 for none, and whether the connection is to break there.
func (s *Server) cut(lines int) (at int, broken bool) {
	n := s.faults.get().CutEvery
	if n <= 0 || lines == 0 {
		return -1, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams++; s.streams%n != 0 {
		return -1, false
	}
	return lines * 3 / 4, s.streams/n%2 == 0
}

// sever ends a stream in the middle of a line: the connection breaks, or the answer ends as if it were whole.
func sever(w http.ResponseWriter, line []byte, broken bool) {
	_, _ = w.Write(line[:len(line)*2/3])
	if f, ok := w.(http.Flusher); ok && broken {
		f.Flush()
		panic(http.ErrAbortHandler) //nolint:forbidigo // how net/http breaks a connection
	}
}
