package gladly

import (
	"net/http"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// person is an agent as GET /agents has them: nothing says whether they are active.
type person struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"emailAddress"`
}

func (s *Server) people() []person {
	var list []person
	for _, a := range s.centre.Accounts(centre.Gladly) {
		list = append(list, person{a.ID, a.Name, a.Email})
	}
	return list
}

func (s *Server) agents(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, s.people())
}

func (s *Server) agent(w http.ResponseWriter, r *http.Request) {
	for _, p := range s.people() {
		if p.ID == r.PathValue("id") {
			respond(w, http.StatusOK, p)
			return
		}
	}
	absent(w, "agent")
}

func (s *Server) organization(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, map[string]any{"id": s.centre.Slug("organization"), "name": "Simulated", "timezone": s.centre.Zone().String()})
}

func (s *Server) inboxes(w http.ResponseWriter, _ *http.Request) {
	list := []map[string]string{}
	for _, q := range s.centre.Queues(centre.Gladly) {
		list = append(list, map[string]string{"id": q.ID, "name": q.Name})
	}
	respond(w, http.StatusOK, list)
}

// name is an agent's name; "" for nobody.
func (s *Server) name(id string) string {
	for _, a := range s.centre.Accounts(centre.Gladly) {
		if a.ID == id {
			return a.Name
		}
	}
	return ""
}
