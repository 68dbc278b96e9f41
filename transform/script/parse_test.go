package script

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// here is where the tests' scripts stand: their first line is line 10.
var here = spec.Position{File: "a.qh", Line: 10}

func TestProblems(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		_, err := Parse(Input{At: here, Text: text}, Alone())
		got := ""
		if err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(strings.Join(want, "\n"), got); diff != "" {
			t.Errorf("%s\n%s", text, diff)
		}
	}
	in := func(line string, want string) {
		t.Helper()
		f("case a\ncontact c1/1 queue=sales offered=09:00\n"+line+"\nexpect queue sales 09:00 offered=1\n", "a.qh:12: "+want)
	}
	// The script as a whole: every problem at once.
	f("# nothing\n", "a.qh:10: no case: begin each with a line `case TITLE`")
	f("contact c1\ncase a\nexpct x\n", `a.qh:10: "contact" before the first case: begin one with a line `+"`case TITLE`",
		`a.qh:12: unknown statement "expct": did you mean "expect"?`)
	f("case a\nexpect rows queue=0\ncase a\nexpect rows queue=0\n", `a.qh:12: a second case "a": the first is on line 10`)
	f("case a\nmark 10:00\n", `a.qh:10: case "a" expects nothing: say what the tables hold, as `+"`expect queue sales 09:00 offered=1`")
	f("case\n", "a.qh:10: a case without a title: say in one line what it shows")

	// Words.
	in(`contact c2 queue_name="x`, `a " is not closed: write \" for the character itself`)
	in("contact", "contact: write `contact ID[/SEGMENT] FIELD=VALUE...`")
	in("contact c2 queue", `contact: "queue" is not FIELD=VALUE`)
	in("contact c2 qeue=x", `contact: unknown field "qeue": did you mean "queue"?`)
	in("contact c2 outcome=transfered", `contact: outcome is "transfered": did you mean "transferred"?`)
	in("contact c2 retracted=yes", `contact: retracted is "yes": write true or false`)
	in("contact c2 revision=x", `contact: revision: "x" is not a whole number`)
	in("contact c2 hold=5", `contact: hold: "5" has no unit: did you mean "5s" or "5ms"?`)
	in("contact c2 hold=1:60", `contact: hold: "1:60" is not a duration: write 4:50 (minutes:seconds), 1:02:03, 12s or 345ms`)
	in("state ann 09:00 availble", `state: state is "availble": did you mean "available"?`)
	in("state ann available", "state: write `state AGENT[/ID] TIME[..TIME] STATE FIELD=VALUE...`")
	in("correct c1/2 queue=x", `correct: nothing was said of "c1/2" before: did you mean "c1/1"?`)
	in("mark chats 10:00 11:00 12:00", "mark: write `mark [SOURCE] [contacts|states|shifts] TIME`")
	in("mark acd contatcs 10:00", `mark: "contatcs" is no kind of fact: did you mean "contacts"?`)
	in("set interval=30m", "set: the options of a case come before its first record")
	in("order", "order: write `order matters` where what arrives first decides, as with late=side")

	// Times.
	in("mark 9:00", `mark: "9:00" is not a time: write 09:00, 09:00:05, 09:00+1d for the next day, 02:30+02:00 with its offset, or 2026-03-02T09:00`)
	f("set timezone=Europe/Berlin\ncase a\nday 2026-10-25\nmark 02:30\nexpect rows queue=0\n",
		`a.qh:13: mark: "02:30" is twice on 2026-10-25 in Europe/Berlin: write 02:30+02:00 or 02:30+01:00`)
	f("set timezone=Europe/Berlin\ncase a\nday 2026-03-29\nmark 02:30\nexpect rows queue=0\n",
		`a.qh:13: mark: "02:30" is left out on 2026-03-29 in Europe/Berlin: the clocks go forward over it`)

	// Options.
	f("set timezone=Europe/Berln\ncase a\nexpect rows queue=0\n", `a.qh:10: set: timezone is "Europe/Berln", not an IANA time zone: did you mean "Europe/Berlin"?`)
	f("set intervall=30m\ncase a\nexpect rows queue=0\n", `a.qh:10: set: intervall is no option: did you mean "interval"?`)
	f("set interval=7m\ncase a\nexpect rows queue=0\n", `a.qh:10: set: interval is "7m0s": use 5m, 10m, 15m, 20m, 30m or 60m`)

	// Expectations.
	in("expect queu sales 09:00 offered=1", `expect: "queu" is nothing to expect: did you mean "queue"?`)
	in("expect queue sales 09:00", "expect: write `expect queue QUEUE INTERVAL MEASURE=VALUE...`")
	in("expect queue sales 09:05 offered=1", `expect: no interval starts at "09:05": it lies in the one that starts at 2026-03-02 09:00`)
	in("expect queue sales nine offered=1", `expect: "nine" is no interval: write its start as 09:00, several as 09:00..10:00, a whole day as 2026-03-02 or day`)
	in("expect queue sales 10:00..09:00 offered=1", `expect: "10:00..09:00" is empty: the second time is not after the first`)
	in("expect queue sales 09:00 ofered=1", `expect: queue rows have no measure "ofered": did you mean "offered"?`)
	in("expect agent ann 09:00 login=900", `expect: login: "900" has no unit: did you mean "900s" or "900ms"?`)
	in("expect queue sales 09:00 offered=1 finall", `expect: "finall" is not MEASURE=VALUE: did you mean "final"?`)
	in("expect queue sales 09:00 none offered=1", "expect: `none` says that there is no row: nothing else can be said of it")
	in("expect queue sales 09:00 offered=1 offered=2", `expect: offered is said twice`)
	in("expect rejected c1/1 time_backward", `expect: "time_backward" is no reason: did you mean "time_backwards"?`)
	in("expect rejected c9 no_time", `expect: nothing was said of "c9" before`)
	in("expect counts aplied=1", `expect: "aplied=1" is no count: did you mean "applied"?`)
	in("expect complete", "expect: write `expect complete TIME|none`")
}

func TestInAPipelineOptionsAreFixed(t *testing.T) {
	setting := Alone()
	setting.Fixed, setting.Sources = true, []Source{{"calls", []string{contactFact}}}
	f := func(text, want string) {
		t.Helper()
		_, err := Parse(Input{At: here, Name: "a", Text: text + "\nexpect rows queue=0"}, setting)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	f("set interval=30m", "a.qh:10: set: a pipeline's tests run with its own options: change them in the pipeline file")
	f("source x", "a.qh:10: source: the sources of a pipeline are those of its file")
	f("contact c1 source=cals", `a.qh:10: contact: the pipeline has no source "cals": did you mean "calls"?`)
	f("state ann 09:00 available", `a.qh:10: state: no source of the pipeline writes facts of kind "agent_state"`)
	f("case b", "a.qh:10: a second case: this script is one, under its own name")
}

func TestLengths(t *testing.T) {
	f := func(text string, want int64, written string) {
		t.Helper()
		got, err := parseLength(text)
		if err != nil || got != want || formatLength(got) != written {
			t.Errorf("%s: %d %s %v, want %d %s", text, got, formatLength(got), err, want, written)
		}
	}
	f("0", 0, "0")
	f("4:50", 290_000, "4:50")
	f("0:12", 12_000, "12s")
	f("1:02:03", 3_723_000, "1:02:03")
	f("100:00:00.001", 360_000_001, "100:00:00.001")
	f("90m", 5_400_000, "1:30:00")
	f("12.345s", 12_345, "12.345s")
	f("0:00.5", 500, "500ms")
	f("-3s", -3000, "-3s")
	f("2d", 172_800_000, "48:00:00")
	for _, bad := range []string{"", ":", "1:", ":5", "1:2:3:4", "1:2", "1:-2", "x", "1e9h", "--1s", "1.5:00", "0:00.1234", "1us"} {
		if ms, err := parseLength(bad); err == nil {
			t.Errorf("%q is %d", bad, ms)
		}
	}
}

func TestInstants(t *testing.T) {
	f := func(zone, text, want string) {
		t.Helper()
		loc, _ := time.LoadLocation(zone)
		c, err := parseClock(text, date{2026, time.October, 25})
		ms := int64(schemas.Null)
		if err == nil {
			ms, err = c.in(loc)
		}
		if got := time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z"); err != nil || got != want {
			t.Errorf("%s in %s: %s %v, want %s", text, zone, got, err, want)
		}
	}
	f("UTC", "09:00", "2026-10-25T09:00:00Z")
	f("UTC", "24:00", "2026-10-26T00:00:00Z")
	f("UTC", "09:00:05.25+1d", "2026-10-26T09:00:05.25Z")
	f("UTC", "09:00-1d", "2026-10-24T09:00:00Z")
	f("UTC", "2026-01-31T09:00+1d", "2026-02-01T09:00:00Z")
	f("Europe/Berlin", "01:59", "2026-10-24T23:59:00Z")
	f("Europe/Berlin", "02:30+02:00", "2026-10-25T00:30:00Z")
	f("Europe/Berlin", "02:30+01:00", "2026-10-25T01:30:00Z")
	f("Europe/Berlin", "00:30Z", "2026-10-25T00:30:00Z")
	f("Europe/Berlin", "03:00", "2026-10-25T02:00:00Z")
	f("Europe/Berlin", "03:00-1d+02:00", "2026-10-24T01:00:00Z")
	f("Asia/Kathmandu", "00:00", "2026-10-24T18:15:00Z")
	for _, bad := range []string{"", "9:00", "09", "09:60", "24:01", "25:00", "09:00:60", "09:00+d", "09:00+1", "2026-02-30T09:00", "T09:00", "09:00+25:00", "x:00", "09:00+99999d"} {
		if _, err := parseClock(bad, firstDay); err == nil {
			t.Errorf("%q is a time", bad)
		}
	}
}

// FuzzParse holds the parser to its word: cases that run, or problems that all have a line and a message.
func FuzzParse(f *testing.F) {
	f.Add("case a\ncontact c1/1 queue=\"a b\" offered=09:00 ended=\nstate ann 09:00..10:00 available sequence=1\ncorrect c1/1 queue=x\nretract c1/1\nmark 10:00\nexpect queue x 09:00 none\n")
	f.Add("set timezone=Europe/Berlin interval=60m queues.a.b.service_level=1s attribution.talk_ms=ended_at\nday 2026-10-25\nsource x states\ncase b\norder matters\nnow 02:30+02:00\nexpect agent * day not_ready.=1ms only\n")
	f.Add("case c\nmark acd states 0001-01-01T00:00\nmark 9999-12-31T24:00\nexpect complete none\nexpect counts marks=1\nexpect rejected none\nexpect agent_queue a \"\" 00:00..24:00+1d rows=1")
	f.Fuzz(func(t *testing.T, text string) {
		cases, err := Parse(Input{At: here, Text: text}, Alone())
		var invalid *spec.Invalid
		switch {
		case err == nil && len(cases) == 0:
			t.Error("neither cases nor problems")
		case err != nil && !errors.As(err, &invalid):
			t.Errorf("%T: %v", err, err)
		case err != nil:
			for _, p := range invalid.Problems {
				if p.At.File != "a.qh" || p.At.Line < 10 || p.Message == "" {
					t.Errorf("%+v", p)
				}
			}
		}
		for _, c := range cases {
			if len(text) < 300 && short(c) {
				if _, err := c.Run(); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// short says whether a case can be run while fuzzing: it spans few intervals.
func short(c *Case) bool {
	from, to := int64(1<<62), int64(-1<<62)
	see := func(instants ...int64) {
		for _, ms := range instants {
			if ms != schemas.Null {
				from, to = min(from, ms), max(to, ms)
			}
		}
	}
	for _, s := range c.steps {
		switch {
		case s.event == nil:
		case s.event.contact != nil && s.event.contact.WrapMs > 1e9:
			return false
		case s.event.contact != nil:
			see(s.event.contact.OfferedAt, s.event.contact.AnsweredAt, s.event.contact.EndedAt, s.event.contact.WrapEndedAt)
		case s.event.state != nil:
			see(s.event.state.StartedAt, s.event.state.EndedAt)
		default:
			see(s.event.mark.CompleteThrough)
		}
	}
	return to-from < 3*24*3600*1000 && c.setting.Options.MaxSession < 100*time.Hour
}
