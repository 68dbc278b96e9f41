package transform_test

import (
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// The same question and answer in both profiles: it arrives at 10:05, is answered from 10:14, and resolved at 10:31.
func TestProfiles(t *testing.T) {
	f := func(profile, want string) {
		t.Helper()
		got := table(t, transform.Options{StageOptions: transform.StageOptions{Profile: profile}},
			call("10:05", "10:14", "10:31", ""), call("10:06", "", "", "", lost),
			call("10:16", "10:16", "10:16", "", outbound), state("10:20", "10:25", schemas.StateAvailable))
		if want = strings.ReplaceAll(strings.TrimSpace(want), "\t", ""); got != want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", profile, got, want)
		}
	}
	f(transform.ProfileACD, `
		agent 10:00 concurrency=60
		agent 10:15 available=300 concurrency=900 direct_out=1 login=300
		agent 10:30 concurrency=60
		agent_queue 10:00 answered=1 contact=60 handle=60 talk=60
		agent_queue 10:15 contact=900 handle=900 talk=900
		agent_queue 10:15 direct_out=1
		agent_queue 10:30 contact=60 handle=60 talk=60
		queue 10:00 answered=1 contact=60 handle=60 max_wait=540 offered=2 talk=60 wait=540
		queue 10:15 contact=900 handle=900 talk=900
		queue 10:30 contact=60 handle=60 talk=60`)
	f(transform.ProfileMessaging, `
		agent 10:00 concurrency=60
		agent 10:15 available=300 concurrency=900 direct_out=1 login=600
		agent 10:30 concurrency=60
		agent_queue 10:00 answered=1
		agent_queue 10:15
		agent_queue 10:15 direct_out=1
		agent_queue 10:30 contact=1020 handle=1020 talk=1020
		queue 10:00 offered=2
		queue 10:30 answered=1 contact=1020 handle=1020 max_wait=540 talk=1020 wait=540`)
}

func TestShifts(t *testing.T) {
	shift := func(id, from, to, activity string, change ...func(*schemas.Shift)) any {
		s := &schemas.Shift{Tenant: "acme", Source: "wfm", AgentID: "a", ShiftID: id, Revision: 1, StartsAt: at(from), EndsAt: at(to), Activity: activity}
		for _, f := range change {
			f(s)
		}
		return s
	}
	f := func(what, want string, facts ...any) {
		t.Helper()
		if got := table(t, transform.Options{}, facts...); got != strings.ReplaceAll(strings.TrimSpace(want), "\t", "") {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", what, got, want)
		}
	}
	revised := func(s *schemas.Shift) { s.Revision = 2 }
	retracted := func(s *schemas.Shift) { s.Revision, s.Retracted = 2, true }
	const ready, away, out = schemas.StateAvailable, schemas.StateNotReady, schemas.StateLoggedOut
	f("late by two minutes, a break in time", `
		agent 10:00 adherent=780 available=600 login=780 not ready: lunch=180 not_ready=180 schedule known=1 scheduled=900
		agent 10:15 adherent=120 login=120 not ready: lunch=120 not_ready=120 schedule known=1 scheduled=120`,
		shift("1", "10:00", "10:17", ""), shift("2", "10:12", "10:17", "Lunch"), state("10:02", "", ready), state("10:12", "", away, reason("lunch")), state("10:17", "", out))
	f("available in a break, not ready at work", `
		agent 10:00 available=300 login=600 not ready: =300 not_ready=300 schedule known=1 scheduled=600`,
		shift("1", "10:00", "10:10", ""), shift("2", "10:00", "10:05", "Break"), state("10:00", "10:05", ready), state("10:05", "10:10", away))
	f("nobody came", `
		agent 10:00 schedule known=1 scheduled=900`, shift("1", "10:00", "10:15", ""))
	f("a corrected and a retracted shift", `
		agent 10:15 schedule known=1 scheduled=300`,
		shift("1", "10:00", "10:15", ""), shift("2", "11:00", "12:00", ""), shift("1", "10:15", "10:20", "", revised), shift("2", "11:00", "12:00", "", retracted))
	f("a shift of no length says nothing", ``, shift("1", "10:00", "10:00", ""))
	s := newShard(t, "agent_state/0", options(""))
	s.Arrived(at("12:00"))
	for _, bad := range []any{
		shift("1", "10:00", "", ""), shift("1", "", "10:00", ""), shift("1", "10:00", "09:00", ""), shift("", "", "", "", retracted),
		shift("1", "10:00", "11:00", "", func(s *schemas.Shift) { s.AgentID = "" }), shift("1", "10:00", "11:00", "", func(s *schemas.Shift) { s.EndsAt += 800 * 24 * 3600_000 }),
	} {
		if r := feed(s, bad, 0); r.Outcome != transform.Rejected || r.Detail() == "" {
			t.Errorf("%+v was %s", bad, r.Outcome)
		}
	}
	if r := feed(s, shift("1", "10:00", "11:00", "", func(s *schemas.Shift) { s.StartsAt += 300 * 24 * 3600_000; s.EndsAt += 300 * 24 * 3600_000 }), 0); r.Outcome != transform.Applied {
		t.Errorf("a shift of next year was %s: %s", r.Outcome, r.Detail())
	}
	if r := feed(newShard(t, "contact/0", options("")), shift("1", "10:00", "11:00", ""), 0); r.Reason != transform.ReasonWrongFact {
		t.Errorf("a shift among contacts: %s", r.Outcome)
	}
}

// The shares of an agent's row name the facts that they are of.
func TestSharesNameTheirFacts(t *testing.T) {
	s := newShard(t, "agent_state/0", options(""))
	a := state("10:02", "10:10", schemas.StateAvailable).(*schemas.AgentState)
	h := &schemas.Shift{Tenant: "acme", Source: "s", AgentID: "a", ShiftID: "1", StartsAt: at("10:00"), EndsAt: at("10:05")}
	feed(s, a, 0)
	feed(s, h, 1)
	shares := s.StateShares("a", at("10:00"))
	if len(shares) != 2 || shares[0].Identity != transform.ShiftIdentity(h) || shares[1].Identity != transform.StateIdentity(a) {
		t.Fatalf("shares: %+v", shares)
	}
	if shares[0].Scheduled != 300_000 || shares[0].Adherent != 180_000 || shares[1].Login != 480_000 {
		t.Errorf("shares: %+v", shares)
	}
}
