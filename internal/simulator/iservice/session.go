package iservice

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"time"
)

const cookie = "iServiceSession"

// mostLogins is how many logins in an hour are no storm.
const mostLogins = 120

// login begins a session.
func (s *Server) login(c *call) (answer, []string) {
	username, _ := c.body[s.options.UsernameField].(string)
	password, _ := c.body[s.options.PasswordField].(string)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.storm(c.now)
	if s.faults.get().Refuse || !same(username, s.options.Username) || !same(password, s.options.Password) {
		return nil, []string{"Invalid user name or password."}
	}
	id := s.centre.Slug("session", fmt.Sprint(len(s.logins), s.calls))
	s.sessions[id] = c.now
	http.SetCookie(c.w, &http.Cookie{Name: cookie, Value: id, Path: "/", HttpOnly: true})
	return answer{"contactID": "109", "loggedin": true}, nil
}

// storm notes where a client logs in again and again.
func (s *Server) storm(now time.Time) {
	s.logins = append(s.logins, now)
	if n := len(s.logins) - mostLogins; n > 0 && now.Sub(s.logins[n-1]) < time.Hour {
		s.violate(now, "%d logins in an hour", mostLogins+1)
	}
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// admit says whether a call has a session, and keeps it alive.
func (s *Server) admit(c *call) bool {
	sent, err := c.r.Cookie(cookie)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	used, ok := s.sessions[sent.Value]
	if !ok || c.now.Sub(used) >= s.options.Session {
		delete(s.sessions, sent.Value)
		return false
	}
	s.sessions[sent.Value] = c.now
	return true
}

// Expire ends all sessions.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

func (s *Server) loggedIn(c *call) (answer, []string) {
	if !s.admit(c) {
		return answer{"loggedin": false}, nil
	}
	return answer{"loggedin": true, "contactID": "109", "email": s.options.Username, "rights": []string{"Search", "ManageMessages", "Reports"}}, nil
}

func (s *Server) logout(c *call) (answer, []string) {
	if sent, err := c.r.Cookie(cookie); err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.sessions, sent.Value)
	}
	http.SetCookie(c.w, &http.Cookie{Name: cookie, Path: "/", MaxAge: -1})
	return answer{"loggedin": false}, nil
}
