package pipelines

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/spec"
)

func TestParse(t *testing.T) {
	p, err := Parse("p.yaml", []byte(head+rest[spec.Ingest]+"transform:\n  - filter: queue_id != nil\n  - intervals: {late: side, service_level: 30s}\n"+
		rest[spec.Sink]), nil)
	if err != nil {
		t.Fatal(err)
	}
	f := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	f("name", p.Name, "example")
	f("zone", p.Zone.String(), "Europe/Berlin")
	f("interval", p.Interval, 15*time.Minute)
	f("retention", p.Retention, 35*24*time.Hour)
	f("max session", p.MaxSession, 16*time.Hour)
	f("clock skew", p.ClockSkew, 5*time.Second)
	f("partitions", p.Partitions, 4)
	f("sources", len(p.Sources), 1)
	f("source", p.Sources[0].Name+" "+p.Sources[0].Registration.Type, "calls file")
	f("facts", p.Sources[0].Registration.Facts(p.Sources[0].Options), []string{"contact"})
	f("stages", len(p.Stages), 2)
	f("stage", p.Stages[1].Component.Type, "intervals")
	f("stage's place", p.Stages[1].At, spec.Position{File: "p.yaml", Line: 12, Column: 5})
	f("sink", p.Sinks[0].Name+" "+p.Sinks[0].Registration.Type, "warehouse clickhouse")
}

func TestProblems(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		_, err := Parse("p.yaml", []byte(text), spec.Environment{"CALLS": "x"})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(strings.Join(want, "\n"), got); diff != "" {
			t.Errorf("%s\n%s", text, diff)
		}
	}
	ingest, transform, sink := rest[spec.Ingest], rest[spec.Transform], rest[spec.Sink]
	all := ingest + transform + sink

	f(head + all)
	// Sections.
	f("a text", `p.yaml:1: the file is "a text", not a section`)
	f(head, `p.yaml:1: section "ingest" is missing: the sources, by name`,
		`p.yaml:1: section "transform" is missing: the list of stages, with one "intervals"`, `p.yaml:1: section "sinks" is missing: the destinations, by name`)
	f(head+strings.Replace(all, "sinks:", "sink:", 1), `p.yaml:12: unknown option "sink": did you mean "sinks"?`)
	f(head+transform+sink+"ingest:\n", `p.yaml:8: ingest is empty: at least one source is needed`)
	f(head+ingest+transform+"sinks: [clickhouse]\n", `p.yaml:12: sinks is a list, not a section of sinks by name`)
	f(head+ingest+transform+"sinks:\n  a b: {type: clickhouse}\n",
		`p.yaml:13: sinks: "a b" is not a name: use up to 100 letters, digits, - and _, starting with a letter or digit`)
	f(head+ingest+transform+sink+"  warehouse: {type: clickhouse}\n", `p.yaml:14: key "warehouse" is written twice, first on line 13`)
	f(head + all + "tests: []\n")
	f(head + all + "tests:\n")

	// Cases.
	f(head+all+"tests: {a: b}\n", `p.yaml:14: tests is a section, not a list of cases with name and script, or the path of a .qh file`)
	f(head+all+"tests: cases.txt\n", `p.yaml:14: tests: "cases.txt" is no file of cases: their names end in .qh`)
	f(head+all+"tests: .qh\n", `p.yaml:14: tests: ".qh" cannot be read: no such file or directory`)
	f(head+all+"tests:\n  - {name: a, script: expect rows quue=0}\n  - {nam: b, script: expect rows queue=0}\n",
		`p.yaml:15: expect: "quue=0" is no count: did you mean "queue"?`, `p.yaml:16: unknown option "nam" in tests[1]: did you mean "name"?`)
	f(head+all+"tests:\n  - name: a\n    script: |\n\n      # nothing\n      contact c1 source=cals\n",
		`p.yaml:19: contact: the pipeline has no source "cals": did you mean "calls"?`)
	f(head+strings.Replace(all, "late", "lat", 1)+"tests:\n  - {name: a, script: wrong}\n", // cases wait until the rest is in order
		`p.yaml:11: unknown option "lat" in transform[0].intervals: did you mean "late"?`)

	// Components.
	f(head+ingest+transform+"sinks:\n  w: {type: clickhuose}\n", `p.yaml:13: sinks.w: unknown sink "clickhuose": did you mean "clickhouse"?`)
	f(head+ingest+transform+"sinks:\n  w: {}\n", `p.yaml:13: sinks.w: required option "type" is missing: known are `+strings.Join(sinkTypes(), ", "))
	f(head+ingest+transform+"sinks:\n  w: {tpye: clickhouse}\n", `p.yaml:13: unknown option "tpye" in sinks.w: did you mean "type"?`)
	f(head+ingest+transform+"sinks:\n  w: clickhouse\n", `p.yaml:13: sinks.w is "clickhouse", not a section with the sink's options`)

	// Stages.
	f(head+ingest+sink+"transform: intervals\n", `p.yaml:12: transform is "intervals", not a list of stages`)
	f(head+ingest+sink+"transform: []\n", "p.yaml:12: transform has no \"intervals\" stage: add `- intervals: {late: revise}` as its last")
	f(head+ingest+sink+"transform:\n  - intervalls: {late: revise}\n", `p.yaml:13: transform[0]: unknown stage "intervalls": did you mean "intervals"?`)
	f(head+ingest+sink+"transform:\n  - intervals\n", "p.yaml:12: transform has no \"intervals\" stage: add `- intervals: {late: revise}` as its last",
		`p.yaml:13: transform[0] is "intervals", not one stage: known are filter, set, intervals`)
	f(head+ingest+sink+"transform:\n  - intervals: {}\n", `p.yaml:13: transform[0].intervals: required option "late" is missing: `+lateHelp(t))
	f(head+ingest+sink+transform[:len(transform)-1]+"\n  - intervals: {late: drop}\n",
		`p.yaml:14: transform[1]: a second "intervals": the first is on line 13, and a pipeline has one`)
	f(head+ingest+sink+transform+"  - filter: queue_id != nil\n", `p.yaml:14: transform[1]: "filter" after "intervals" has no facts left to work on: put it before`)

	// Settings.
	f("pipeline: a.b\ntenant: ' '\ntimezone: UTC\ninterval: 7m\nretention: 1h\nmax_session: 0s\nclock_skew: 2m\npartitions: 0\ngrace: -1s\n"+all,
		`p.yaml:1: pipeline: "a.b" is not a name: use up to 100 letters, digits, - and _, starting with a letter or digit`,
		`p.yaml:2: tenant: " " is not a tenant: use up to 100 characters, without blanks around them or line breaks`,
		`p.yaml:4: interval is "7m", and 5m, 10m, 15m, 20m, 30m or 60m are allowed: did you mean "5m"?`,
		`p.yaml:5: retention is "1h", less than a day: corrections of the day's facts would be too late`,
		`p.yaml:6: max_session must be above 0s, such as 16h`,
		`p.yaml:7: clock_skew is "2m", not between 0s and 1m: facts further backwards than that are wrong, not skewed`,
		`p.yaml:8: partitions is 0, not between 1 and 1024`,
		`p.yaml:9: grace is negative: write 0s for none`)
}

func lateHelp(t *testing.T) string {
	for _, f := range spec.FieldsOf(Stages[2].New()) {
		if f.Name == "late" {
			return f.Help
		}
	}
	t.Fatal("intervals has no option late")
	return ""
}

// sinkTypes are the types of all sinks, in the order of the list.
func sinkTypes() (types []string) {
	for _, s := range Sinks {
		types = append(types, s.Type)
	}
	return types
}
