package expression

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

var columns = []string{"date", "start", "exit", "outcome", "n", "vru+line", "empty", "type", "list"}

// row is the row that tests evaluate against: empty is absent, list is JSON.
func row() []Value {
	return []Value{TextOf("990201"), TextOf("7:02:47"), TextOf("0:01:10"), TextOf("AGENT"), TextOf("42"), TextOf("AA01"), {}, TextOf("PS"), JSONOf(`[{"a":1},{"a":5}]`)}
}

func zoneOf(t testing.TB, name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func compiler(t testing.TB, kind Kind) *Compiler {
	return &Compiler{Columns: Named{List: columns, Kind: kind}, Zone: zoneOf(t, "Asia/Jerusalem")}
}

// eval gives the value of an expression as text, or the error.
func eval1(t testing.TB, kind Kind, source string) string {
	p, err := compiler(t, kind).Compile(spec.Expr{Source: source})
	if err != nil {
		return "compile: " + err.Error()
	}
	v, err := p.Eval(&Env{Values: row()})
	if err != nil {
		return "run: " + err.Error()
	}
	if v.Kind == Nil {
		return "nil"
	}
	return v.String()
}

func TestValues(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		for _, kind := range []Kind{Text, Any} { // known before it runs, and only then
			if kind == Text && strings.Contains(source, "list") {
				continue
			}
			if got := eval1(t, kind, source); got != want {
				t.Errorf("%s (columns of %s): %s, want %s", source, kind, got, want)
			}
		}
	}
	// text
	f(`date`, "990201")
	f(`date + " " + start`, "990201 7:02:47")
	f(`row["vru+line"] + "/" + n`, "AA01/42")
	f(`type + ("-" + (n + "!"))`, "PS-42!")
	f(`lower(outcome) + upper("x") + trim(" y ")`, "agentXy")
	f(`outcome startsWith "AG" and outcome endsWith "NT" and outcome contains "GEN"`, "true")
	f(`outcome matches "^A.*T$"`, "true")
	f(`split(start, ":")[1]`, "02")
	f(`replace(start, ":", "") + type`, "70247PS")
	f(`{"PS": "regular", "NE": "stocks"}[type]`, "regular")
	f(`{"PS": "regular"}[outcome] ?? "other"`, "other")
	f(`{"PS": "regular"}[empty]`, "nil")
	f(`{"PS": int(n), "NE": 1}[type]`, "42") // not a table of constants
	f(`{"PS": nil, "NE": 1}.NE`, "1")
	f(`type in ["NW", "PS"]`, "true")
	f(`type not in ["NW", "PS"]`, "false")
	f(`outcome == "AGENT" ? "handled" : "abandoned"`, "handled")
	// numbers
	f(`int(n) + 1`, "43")
	f(`-int(n) % 5`, "-2")
	f(`int(n) / 4`, "10.5")
	f(`float(n) * 0.5`, "21")
	f(`int(n) > 41 && int(n) <= 42.0`, "true")
	f(`string(int(n)) + "x"`, "42x")
	// absence
	f(`empty`, "nil")
	f(`empty == nil`, "true")
	f(`empty != nil or n == nil`, "false")
	f(`empty + "x"`, "nil")
	f(`time(empty)`, "nil")
	f(`time(date + " " + empty, "060102 15:04:05")`, "nil")
	f(`int(empty) + 1`, "nil")
	f(`int(empty) < 1`, "false")
	f(`empty contains "x"`, "false")
	f(`empty ?? "none"`, "none")
	f(`lower(empty)`, "nil")
	f(`(empty != nil) ? 1 : nil`, "nil")
	// times: Jerusalem is two hours ahead of UTC in February
	f(`time(date + " " + start, "060102 15:04:05")`, "1999-02-01T05:02:47Z")
	f(`time("1999-02-01 07:02:47")`, "1999-02-01T05:02:47Z")
	f(`date(time("1999-02-01 07:02:47"))`, "1999-01-31T22:00:00Z")
	f(`date(date)`, "1999-01-31T22:00:00Z")
	f(`date("1999-02-01") + duration(start)`, "1999-02-01T05:02:47Z")
	f(`after(time(date + " " + exit), time(date + " 23:57:15"))`, "1999-02-01T22:01:10Z")
	f(`after(time(date + " 11:57:15"), time(date + " 23:57:15"))`, "1999-02-01T09:57:15Z")
	f(`after(time(date + " " + exit), time(empty))`, "1999-01-31T22:01:10Z")
	f(`after(time(empty), time(date + " 23:57:15"))`, "nil")
	f(`time("1999-02-01 08:00") - time("1999-02-01 07:00")`, "1h0m0s")
	f(`unix(917845367)`, "1999-02-01T05:02:47Z")
	f(`unix_ms(917845367250)`, "1999-02-01T05:02:47.25Z")
	f(`time("1999-02-01") < time("1999-02-02")`, "true")
	// durations
	f(`duration(exit)`, "1m10s")
	f(`duration("70s") == seconds(70) and seconds("70") == millis(70000)`, "true")
	f(`duration("1.5") + duration(2)`, "3.5s")
	f(`2 * seconds(3) - millis(1)`, "5.999s")
	f(`seconds(3) / seconds(2)`, "1.5")
	f(`-seconds(3)`, "-3s")
	// names
	f(`let x = int(n); let y = x + 1; x * y`, "1806")
	f(`let parts = split(start, ":"); parts[0]`, "7")
	// what expr-lang's machine runs
	f(`map(list, .a)[1] + int(n)`, "47")
	f(`sum(list, .a)`, "6")
	f(`len(filter([1, 2, 3], # > 1)) == 2 ? time("1999-02-01") : nil`, "1999-01-31T22:00:00Z")
	f(`max(int(n), 50)`, "50")
}

func TestErrors(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		got := eval1(t, Text, source)
		if !strings.Contains(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", source, got, want)
		}
	}
	f(``, "compile: the expression is empty")
	f(`outcom == "x"`, `unknown column "outcom": did you mean "outcome"?`)
	f(`vru_line`, `unknown column "vru_line": did you mean row["vru+line"]?`)
	f(`tiem(date)`, `unknown function "tiem": did you mean "time"?`)
	f(`now()`, `unknown function "now"`)
	f(`time`, `time is a function: call it as time(...)`)
	f(`len`, `len is a function: call it as len(...)`)
	f(`outcome ==`, "it ends too early")
	f(`lower(outcome`, "it ends too early")
	f(`n > 3`, `n is text, and 3 is a whole number: they cannot be compared; convert with int()`)
	f(`n + 3`, `they cannot be added; convert with string(), int()`)
	f(`n and true`, "n is text, where true or false is needed")
	f(`time(int(n))`, "unix(seconds) and unix_ms(milliseconds) read numbers")
	f(`time(date, "%Y-%m-%d")`, `has %: write the layout as`)
	f(`time(start, "15:04:05")`, "has no date: put the date column before the clock")
	f(`time(date, n)`, "must be a text written out")
	f(`after(start, exit)`, "after compares instants, not text: use time()")
	f(`time("1999-02-30")`, "no such date: 1999-02-30")
	f(`time("01/02/1999")`, "the order of day and month is not known: give the layout")
	f(`int("4x")`, `int of "4x": not a whole number`)
	f(`time(outcome)`, `run: "AGENT" is not a time as expected`)
	f(`time(date + " 25:00:00", "060102 15:04:05")`, "no such time of day")
	f(`int(n) / 0`, "run: 42 / 0")
	f(`9223372036854775807 + int(n)`, "too large")
	f(`split(date, outcom)[0]`, `unknown column "outcom": did you mean "outcome"?`)
	f(`filter(row, true)`, "row stands for all columns")
	f(`type in [1]`, "they are never equal")
	f(`{"1": 2}[int(n)]`, "int(n) is a whole number, and the table's names are text")
	f(`seconds(outcome)`, `float of "AGENT": not a number`)
	f(`int(n, 2)`, "")
}

// An error says where in the pipeline file it is, also inside a text of several lines.
func TestErrorPosition(t *testing.T) {
	at := spec.Position{File: "p.yaml", Line: 7, Column: 5}
	f := func(source, want string) {
		t.Helper()
		_, err := compiler(t, Text).Compile(spec.Expr{Source: source, At: at})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s...", source, err, want)
		}
	}
	f(`x`, "p.yaml:7: ")
	f("outcome == \"a\" or\n  n == 3", "p.yaml:8: ")
	f("outcome == \"a\"\nor n == \"3\"\nor (", "p.yaml:9: ")
}

func TestLet(t *testing.T) {
	c := compiler(t, Text)
	for _, l := range [][2]string{{"served", `outcome == "AGENT"`}, {"text", `served ? "yes" : "no"`}} {
		if err := c.Let(l[0], spec.Expr{Source: l[1]}); err != nil {
			t.Fatal(err)
		}
	}
	p, err := c.Compile(spec.Expr{Source: `text + text`})
	if err != nil {
		t.Fatal(err)
	}
	e := &Env{Values: row()}
	for _, outcome := range []string{"AGENT", "HANG"} {
		e.Reset()
		e.Values[3] = TextOf(outcome)
		want := map[string]string{"AGENT": "yesyes", "HANG": "nono"}[outcome]
		if v, err := p.Eval(e); err != nil || v.String() != want {
			t.Errorf("%s: %v %v, want %s", outcome, v, err, want)
		}
	}
}

func TestLetNames(t *testing.T) {
	for _, name := range []string{"row", "a b", ""} {
		if err := compiler(t, Text).Let(name, spec.Expr{Source: "1"}); err == nil || !strings.Contains(err.Error(), "cannot be the name of an expression") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAssign(t *testing.T) {
	zone := zoneOf(t, "Asia/Jerusalem")
	f := func(field, source, want string) {
		t.Helper()
		var c schemas.Contact
		r := Bind(&c)
		comp := &Compiler{Columns: Named{List: columns, Kind: Any}, Zone: zone}
		a, err := comp.Assign(r, spec.NamedExpr{Name: field, Expr: spec.Expr{Source: source}}, "tenant")
		if err == nil {
			err = a.Run(&Env{Values: row()})
		}
		got := "nil"
		if err != nil {
			got = err.Error()
		} else if v := r.Field(field).Get(); v.Kind != Nil {
			got = v.String()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s: %s, want %s", field, source, got, want)
		}
	}
	f("queue_id", `type`, "PS")
	f("queue_id", `int(n)`, "42")
	f("queue_id", `empty`, "")
	f("offered_at", `date + " " + start`, "1999-02-01T05:02:47Z")
	f("offered_at", `917845367250`, "1999-02-01T05:02:47.25Z")
	f("offered_at", `empty`, "nil")
	f("offered_at", `outcome`, `"AGENT" is not a time for offered_at`)
	f("offered_at", `seconds(3)`, "is a duration, and field offered_at is an instant")
	f("talk_ms", `exit`, "1m10s")
	f("talk_ms", `70000`, "1m10s")
	f("talk_ms", `seconds(70)`, "1m10s")
	f("talk_ms", `outcome`, "is not a duration for talk_ms")
	f("revision", `n`, "42")
	f("revision", `time(date)`, "917820000000")
	f("retracted", `"True"`, "true")
	f("retracted", `n`, `"42" is not true or false, for retracted`)
	f("outcome", `"handled"`, "handled")
	f("outcome", `"handeld"`, `"handeld" is no outcome: did you mean "handled"?`)
	f("outcome", `empty`, "unknown")
	f("outcme", `n`, `unknown field "outcme": did you mean "outcome"?`)
	f("tenant", `n`, `field "tenant" is filled in by the pipeline`)
}

func TestBind(t *testing.T) {
	var a schemas.AgentState
	got := map[string]Kind{}
	r := Bind(&a)
	for _, f := range r.Fields {
		got[f.Name] = f.Kind
	}
	want := map[string]Kind{
		"tenant": Text, "source": Text, "agent_id": Text, "agent_name": Text, "state_id": Text, "revision": Int, "retracted": Bool,
		"started_at": Instant, "ended_at": Instant, "sequence": Int, "state": Text, "reason": Text, "channel": Text,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	r.Field("state").Clear()
	if a.State != schemas.StateNotReady {
		t.Errorf("a state that is not given is %s, want not_ready", a.State)
	}
}
