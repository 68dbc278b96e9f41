package gladly

import (
	"cmp"
	"fmt"

	"github.com/quarterhour/quarterhour/internal/simulator"
)

// status is what Gladly says of an agent.
type status int

const (
	in status = iota
	away
	back
	out
)

// change is a change of status that Gladly tells.
type change struct {
	simulator.State
	status status
	since  int64 // when the agent went away; only of back
}

// statuses are the changes that Gladly tells of an agent's states. An agent who waits for a contact, is on one, or wraps one up is
// the same to it.
func statuses(a *simulator.Agent, o Options) []change {
	var list []change
	var was simulator.State
	loggedIn := false
	for _, s := range a.States {
		if s.State == "not_ready" && o.Idle > 0 && roll(a.ID, fmt.Sprint(s.At), int64(o.Idle)) == 0 {
			s.Reason = ""
		}
		switch {
		case s.State == "logged_out":
			if loggedIn {
				list = append(list, change{s, out, 0})
			}
			loggedIn, was = false, simulator.State{}
			continue
		case !loggedIn:
			list, loggedIn = append(list, change{simulator.State{At: s.At}, in, 0}), true
		}
		switch {
		case s.State == "not_ready" && (was.State != "not_ready" || was.Reason != s.Reason):
			list = append(list, change{s, away, 0})
		case s.State != "not_ready" && was.State == "not_ready":
			list = append(list, change{simulator.State{At: s.At, Reason: was.Reason}, back, was.At})
		}
		if s.State != "not_ready" || was.State != "not_ready" || was.Reason != s.Reason {
			was = s
		}
	}
	return list
}

// known are an agent's states as Gladly tells them: available, not_ready with the reason or "idle", logged_out.
func known(a *simulator.Agent, o Options) []simulator.State {
	var states []simulator.State
	for _, c := range statuses(a, o) {
		s := simulator.State{At: c.At, State: "available"}
		switch c.status {
		case away:
			s = simulator.State{At: c.At, State: "not_ready", Reason: cmp.Or(c.Reason, "idle")}
		case out:
			s.State = "logged_out"
		}
		if n := len(states); n > 0 && states[n-1].At == s.At {
			states = states[:n-1]
		}
		states = append(states, s)
	}
	return states
}
