package iservice

import (
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// long is a name that is longer than the 100 characters which workforce management takes.
func (s *Server) long(n int, name string) string {
	if n == 0 && s.options.LongNames {
		return name + " " + strings.Repeat("and so on ", 12)
	}
	return name
}

func (s *Server) topics(*call) (answer, []string) {
	list := []map[string]any{}
	for n, q := range s.centre.Queues(centre.IService) {
		list = append(list, map[string]any{"id": q.ID, "name": s.long(n, q.Name), "segmentID": "2"})
	}
	return answer{"topics": list}, nil
}

// agents are all with an account; some have two addresses in their login list, of which the first counts.
func (s *Server) agents(c *call) (answer, []string) {
	in := s.present(c.now)
	list := []map[string]any{}
	for n, a := range s.centre.Accounts(centre.IService) {
		email := a.Email
		if n%3 == 1 {
			email += ", second." + strings.ToLower(a.Email)
		}
		list = append(list, map[string]any{
			"id": a.ID, "email": email, "isloggedin": in[a.ID], "name": strings.ToLower(a.Email), "displayname": s.long(n, a.Name), "doEmpty": false,
		})
	}
	return answer{"agents": list}, nil
}

// present are the agents who are logged in.
func (s *Server) present(now time.Time) map[string]bool {
	in := map[string]bool{}
	d := s.centre.Day(centre.IService, s.centre.DayOf(now))
	if d == nil {
		return in
	}
	for _, a := range d.Agents {
		from, to := hours(d.Date, a)
		in[a.ID] = from <= now.UnixMilli() && now.UnixMilli() < to
	}
	return in
}
