package five9

import (
	"fmt"
	"maps"
	"slices"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// Violations are what a well-behaved client never causes, in order: exceeded quotas, concurrent calls, a locked account, requests
// that the vendor's description does not allow.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// Unlock does what the vendor's support does about locked accounts.
func (s *Server) Unlock() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.logins {
		l.locked, l.wrong = false, 0
	}
}

// SetPassword changes a user's password.
func (s *Server) SetPassword(user, password string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.logins[user]
	if l == nil {
		return fmt.Errorf("the simulated Five9 has no user %q", user)
	}
	l.password = password
	return nil
}

// SetLimits changes the quotas, as the vendor's support may. What is counted stays.
func (s *Server) SetLimits(limits ...Limit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counters.limits = limits
}

// SetReport replaces a report, adds it, or, without columns, removes it: users can edit reports at any time.
func (s *Server) SetReport(r Report) error {
	if len(r.Columns) > 0 {
		if err := r.check(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reports = slices.DeleteFunc(s.reports, func(o Report) bool { return o.Folder == r.Folder && o.Name == r.Name })
	if len(r.Columns) > 0 {
		s.reports = append(s.reports, r)
	}
	return nil
}

// Delete takes away a user or a skill: users do not list it any more, and reports call it [Deleted] wherever it was.
func (s *Server) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deleted[name] = true
}

// agents are the users who are agents.
func (s *Server) agents() []*centre.Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.centre.Accounts(centre.Five9)), func(a *centre.Account) bool { return s.deleted[a.ID] })
}

// Fail gives each of the next calls the named fault ("ServiceUnavailable"), in order, instead of an answer.
func (s *Server) Fail(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		s.faults = append(s.faults, failed(name, "The "+name+" fault was asked for"))
	}
}

// Forget ends all statistics sessions, and lets all results of reports be unknown.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
	clear(s.results)
}

// Sessions are the users whose statistics sessions take a supervisor licence now.
func (s *Server) Sessions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open()
}

// Calls says how often each operation was called.
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}
