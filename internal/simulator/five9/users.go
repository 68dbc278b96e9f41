package five9

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// configuration does an operation of the configuration service.
func (s *Server) configuration(ctx context.Context, op *operation, n *node) (body, *fault) {
	switch op.name {
	case "runReport":
		return s.runReport(n)
	case "isReportRunning":
		return s.isReportRunning(ctx, n)
	case "getReportResult":
		return s.result(n, false)
	case "getReportResultCsv":
		return s.result(n, true)
	case "getUsersGeneralInfo", "getUsersInfo":
		return s.users(n, "userNamePattern", op.name == "getUsersInfo")
	case "getUserGeneralInfo", "getUserInfo":
		return s.user(n, op.name == "getUserInfo")
	case "getSkills", "getSkillsInfo":
		return s.skills(n, op.name == "getSkillsInfo")
	case "getAgentGroups":
		return s.groups(n)
	case "getReasonCode", "getReasonCodeByType":
		return s.reasons(n)
	case "getCallCountersState":
		return func(w *writer) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.counters.state(w, s.watch.Now())
		}, nil
	case "getVCCConfiguration":
		return func(w *writer) {
			w.in("return", func() { w.number("domainId", 4711); w.leaf("domainName", "Example Contact Centre") })
		}, nil
	}
	return nil, nil // closeSession
}

// matching reads a pattern; an absent or empty one matches all.
func matching(n *node, name string) (func(string) bool, *fault) {
	text, _ := n.value(name)
	if text == "" {
		return func(string) bool { return true }, nil
	}
	pattern, err := regexp.Compile("^(?:" + text + ")$")
	if err != nil {
		return nil, failed("InvalidRegexpPattern", "Invalid pattern", [2]string{"pattern", text})
	}
	return pattern.MatchString, nil
}

// accounts are the agents and the user of the interface.
func (s *Server) accounts() []*centre.Account {
	own := &centre.Account{Person: &centre.Person{First: "WFM", Last: "Interface", Name: "WFM Interface"}, ID: s.o.User, Number: "300000000000001", Active: true}
	return append(s.agents(), own)
}

func (s *Server) users(n *node, pattern string, whole bool) (body, *fault) {
	match, f := matching(n, pattern)
	if f != nil {
		return nil, f
	}
	return func(w *writer) {
		for i, a := range s.accounts() {
			if match(a.ID) {
				w.in("return", func() { s.info(w, a, i, whole) })
			}
		}
	}, nil
}

func (s *Server) user(n *node, whole bool) (body, *fault) {
	name, _ := n.value("userName")
	accounts := s.accounts()
	i := slices.IndexFunc(accounts, func(a *centre.Account) bool { return a.ID == name })
	if i < 0 {
		return nil, failed("ObjectNotFound", "User "+name+" was not found", [2]string{"objectName", name}, [2]string{"objectType", "User"})
	}
	return func(w *writer) { w.in("return", func() { s.info(w, accounts[i], i, whole) }) }, nil
}

func (s *Server) info(w *writer, a *centre.Account, n int, whole bool) {
	if !whole {
		general(w, a, n)
		return
	}
	agent := a.Vendor == centre.Five9
	if agent {
		w.leaf("agentGroups", "Support Agents")
	}
	w.in("generalInfo", func() { general(w, a, n) })
	w.in("roles", func() {
		if agent {
			w.in("agent", func() {})
		} else {
			w.in("admin", func() {})
		}
	})
	if agent {
		for i, q := range s.centre.Queues(centre.Five9) {
			w.in("skills", func() {
				w.number("id", int64(2001+i))
				w.number("level", 1)
				w.leaf("skillName", q.Name)
				w.leaf("userName", a.ID)
			})
		}
	}
}

// general writes a user's fields in the vendor's order and spelling. Empty ones are left out for some users, and sent for others.
func general(w *writer, a *centre.Account, n int) {
	optional := w.some
	if n%2 == 0 {
		optional = w.leaf
	}
	w.flag("active", a.Active)
	w.flag("canChangePassword", true)
	optional("EMail", a.Email)
	w.number("extension", int64(1000+n))
	optional("federationId", "")
	w.leaf("firstName", a.First)
	w.leaf("fullName", a.Name)
	w.flag("IEXScheduled", false)
	w.leaf("id", a.Number)
	w.leaf("lastName", a.Last)
	w.leaf("locale", "en_US")
	w.in("mediaTypeConfig", func() {
		for i, kind := range []string{"VOICE", "CHAT", "EMAIL"} {
			w.in("mediaTypes", func() {
				w.flag("enabled", true)
				w.flag("intlligentRouting", i > 0)
				w.number("maxAlowed", int64(1+2*min(i, 1)))
				w.leaf("type", kind)
			})
		}
	})
	w.flag("mustChangePassword", false)
	optional("osLogin", "")
	optional("phoneNumber", "")
	w.leaf("startDate", "2024-05-06T00:00:00.000-07:00")
	w.leaf("userName", a.ID)
	w.leaf("userProfileName", "Support Agents")
}

func (s *Server) skills(n *node, whole bool) (body, *fault) {
	match, f := matching(n, "skillNamePattern")
	if f != nil {
		return nil, f
	}
	return func(w *writer) {
		for i, q := range s.centre.Queues(centre.Five9) {
			if !match(q.Name) {
				continue
			}
			fields := func() {
				w.some("description", strings.ToUpper(q.Channel[:1])+q.Channel[1:]+" skill")
				w.number("id", int64(2001+i))
				w.leaf("name", q.Name)
				w.flag("routeVoiceMails", false)
			}
			w.in("return", func() {
				if !whole {
					fields()
					return
				}
				w.in("skill", fields)
				for _, a := range s.centre.Accounts(centre.Five9) {
					w.in("users", func() { w.number("level", 1); w.leaf("skillName", q.Name); w.leaf("userName", a.ID) })
				}
			})
		}
	}, nil
}

func (s *Server) groups(n *node) (body, *fault) {
	match, f := matching(n, "groupNamePattern")
	if f != nil {
		return nil, f
	}
	return func(w *writer) {
		if !match("Support Agents") {
			return
		}
		w.in("return", func() {
			for _, a := range s.centre.Accounts(centre.Five9) {
				w.leaf("agents", a.ID)
			}
			w.number("id", 3001)
			w.leaf("name", "Support Agents")
		})
	}, nil
}

func (s *Server) reasons(n *node) (body, *fault) {
	name, named := n.value("reasonCodeName")
	kind, typed := n.value("type")
	return func(w *writer) {
		for i, r := range [][2]string{{"Break", "NotReady"}, {"Meal", "NotReady"}, {"No Reason", "NotReady"}, {"End of Shift", "Logout"}} {
			if named && r[0] != name || typed && r[1] != kind {
				continue
			}
			w.in("return", func() {
				w.flag("enabled", true)
				w.leaf("name", r[0])
				w.flag("paidTime", r[0] == "Break")
				w.number("shortcut", int64(i))
				w.leaf("type", r[1])
			})
		}
	}, nil
}
