package iservice

import "testing"

// A tag says who a person is in place of the address; an agent without one has its address.
func TestTag(t *testing.T) {
	s := newTenant(t)
	s.says(agents, "agents.json")
	out := s.reading("streams: {agents: {every: 1h, tag: displayname}}").must()
	if len(out.workers) != 2 || out.workers[0].Tag != "dana ortiz" || out.workers[0].Email != "dana.ortiz@example.test" || out.workers[1].Tag != "" {
		t.Errorf("%+v", out.workers)
	}
}
