package script

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/schemas"
)

// fails runs one case and returns what did not hold.
func fails(t *testing.T, setting Setting, text string) string {
	t.Helper()
	cases, err := Parse(Input{At: here, Name: "a", Text: strings.TrimPrefix(text, "\n")}, setting)
	if err != nil {
		t.Fatal(err)
	}
	failures, err := cases[0].Run()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range failures {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

func TestFailures(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), fails(t, Alone(), text)); diff != "" {
			t.Errorf("%s\n%s", text, diff)
		}
	}
	const call = "contact c1 queue=sales agent=ann offered=09:00 answered=09:00:10 ended=09:05\nmark 10:00\n"
	f(call+"expect queue sales 09:00 offered=1 talk=4:50 final", "")
	f(call+"expect queue sales 09:00 offered=2 answered=1 talk=5:00 provisional", `
a.qh:12: queue sales 2026-03-02 09:00
    offered  want 2            got 1
    talk     want 5:00         got 4:50
    state    want provisional  got final
    the row is
      queue sales 2026-03-02 09:00 offered=1 answered=1 answered_in_sl=1 wait=10s max_wait=10s talk=4:50 contact=4:50 handle=4:50 facts=1 final
`)
	f(call+"expect queue sals 09:00 offered=1", `
a.qh:12: queue sals 2026-03-02 09:00
    rows     want 1 or more  got none
    offered  want 1          got 0
    there is no such row; there are
      queue sales 2026-03-02 09:00 offered=1 answered=1 answered_in_sl=1 wait=10s max_wait=10s talk=4:50 contact=4:50 handle=4:50 facts=1 final
`)
	f(call+"expect agent_queue ann sales 09:00 answered=1 talk=4:50 only agent_name=Ann", `
a.qh:12: agent_queue ann sales 2026-03-02 09:00
    contact     want 0      got 4:50
    handle      want 0      got 4:50
    agent_name  want "Ann"  got ""
    the row is
      agent_queue ann sales 2026-03-02 09:00 answered=1 contact=4:50 talk=4:50 handle=4:50 facts=1 final
`)
	f(call+"expect queue sales day none", `
a.qh:12: queue sales 2026-03-02
    rows  want none  got 1
    the rows are
      queue sales 2026-03-02 09:00 offered=1 answered=1 answered_in_sl=1 wait=10s max_wait=10s talk=4:50 contact=4:50 handle=4:50 facts=1 final
`)
	f(call+"expect agent ann 09:15 login=1:00\nexpect counts applied=2\nexpect rows queue=2\nexpect complete none", `
a.qh:12: agent ann 2026-03-02 09:15
    rows   want 1 or more  got none
    login  want 1:00       got 0
    there is no such row; there are
      agent ann 2026-03-02 09:00 concurrency=4:50 facts=1 final
a.qh:13: counts
    applied  want 2  got 1
a.qh:14: rows
    queue  want 2  got 1
a.qh:15: complete
    through  want none  got 2026-03-02 10:00
`)
}

func TestRefusalsAreExpectedOrFail(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), fails(t, Alone(), text)); diff != "" {
			t.Errorf("%s\n%s", text, diff)
		}
	}
	const backwards = "contact c1 offered=09:00 ended=08:00\n"
	f(backwards+"expect rejected c1 time_backwards", "")
	f(backwards+"expect rows queue=0", `
a.qh:10: contact c1
    was refused as time_backwards: ended_at "2026-03-02T08:00:00.000Z" is before offered_at "2026-03-02T09:00:00.000Z" by more than the clock skew allowed: correct the record at its source, or raise clock_skew; write `+"`expect rejected c1 time_backwards`"+` where that is meant
`)
	f("contact c1 offered=09:00\nexpect rejected c1 no_time", `
a.qh:11: rejected c1
    reason  want no_time  got none: it was taken
`)
}

// What depends on the order of arrival is found out, unless the case says so.
func TestOrderThatMattersIsFound(t *testing.T) {
	setting := Alone()
	setting.Options.Late = "drop"
	const text = "contact c1 queue=sales offered=09:00 ended=09:01\nmark 10:00\nexpect queue sales 09:00 offered=1\n"
	if got := fails(t, setting, text); !strings.Contains(got, "a.qh:11: the same records in another order\n    give other tables") {
		t.Errorf("got %s", got)
	}
	if got := fails(t, setting, "order matters\n"+text); got != "" {
		t.Errorf("got %s", got)
	}
}

// lower is a stage.
type lower struct{}

func (lower) Contact(c *schemas.Contact) error {
	c.QueueID = strings.ToLower(c.QueueID)
	c.Retracted = c.Retracted || c.QueueID == "test"
	return nil
}

func (lower) AgentState(*schemas.AgentState) error { return nil }

func TestStages(t *testing.T) {
	setting := Alone()
	setting.Stages = lower{}
	got := fails(t, setting, `
contact c1 queue=SALES offered=09:00 ended=09:01
contact c2 queue=Test offered=09:00 ended=09:01
mark 10:00
expect queue sales 09:00 offered=1
expect queue test 09:00 none
correct c1 queue=TEST
expect queue sales 09:00 none
expect rows queue=0`)
	if got != "" {
		t.Error(got)
	}
}
