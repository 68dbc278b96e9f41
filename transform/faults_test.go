package transform_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// faults break one rule of the engine at a time. Each replaces a piece of the source while the tests are compiled, so that the
// engine itself knows nothing of them; broken is true where the fault is the one chosen for the run.
var faults = []struct{ rule, file, from, to string }{
	{"the greater revision wins", "contact.go", "cmp.Compare(c.revision, n.Revision); d != 0 {", "cmp.Compare(c.revision, n.Revision); d != 0 && !broken(RULE) {"},
	{"on a tie the greater content wins", "contact.go", "cmp.Compare(f.channel(c), n.Channel),", "either(broken(RULE), -1, 1)*cmp.Compare(f.channel(c), n.Channel),"},
	{"a correction takes its old contribution back", "contactfold.go", "if !r.retracted() {", "if !r.retracted() && !broken(RULE) {"},
	{"parts of a span sum to the whole", "spans.go", "return share(total, from, to, end) - share(total, from, to, start)", "return share(total, from, to, end) - share(total, from, to, start) - either[int64](broken(RULE), 1, 0)"},
	{"a limit is inclusive", "cell.go", "v.wait <= queue.level,", "v.wait <= queue.level-either[int64](broken(RULE), 1, 0),"},
	{"the longest wait is found anew when it is taken back", "contribute.go", "r.stale = r.stale || wait >= r.maxWait", "r.stale = !broken(RULE) && (r.stale || wait >= r.maxWait)"},
	{"the state that starts later cuts the earlier", "timeline.go", "if i != skip && f.cuts(o, s) {", "if i != skip && f.cuts(o, s) && !broken(RULE) {"},
	{"an open state counts up to the mark", "timeline.go", "return max(s.started, min(end, mark))", "return max(s.started, min(end, mark+either[int64](broken(RULE), 1000, 0)))"},
	{"an open contact goes on with the mark", "contactfold.go", "f.contribute(n, mark, src.mark, 1)", "f.contribute(n, mark+either[int64](broken(RULE), 1000, 0), src.mark, 1)"},
	{"a missing logout ends at the longest session", "timeline.go", "end = s.started + f.set.maxSession\n", "end = s.started + f.set.maxSession*(1+either[int64](broken(RULE), 1, 0))\n"},
	{"the newest partial of a shard replaces the one before", "merged.go", "p.revision >= revision {", "p.revision >= revision && !broken(RULE) {"},
	{"every feed must be complete", "merge.go", "least, found = min(least, m.marks[i]), true", "least, found = either(broken(RULE), m.marks[i], min(least, m.marks[i])), true"},
	{"intervals wait for the grace", "merge.go", "m.queues.close(contacts - m.set.grace)", "m.queues.close(contacts - either(broken(RULE), 0, m.set.grace))"},
	{"a late fact changes no final row", "late.go", "if before.in(f, start, end) != after.in(f, start, end) {", "if before.in(f, start, end) != after.in(f, start, end) && !broken(RULE) {"},
	{"the name of a row is the greatest of its facts'", "naming.go", "greatest = max(greatest, s.names.text(n.pair))", "if greatest = max(greatest, s.names.text(n.pair)); broken(RULE) { greatest = s.names.text(n.pair) }"},
	{"adherent is whose state fits", "shift.go", "return state == schemas.StateNotReady\n", "return state == schemas.StateNotReady || broken(RULE)\n"},
	{"the attribution is the one that is set", "rules.go", "r[c], set[c] = rule, name", "if set[c] = name; !broken(RULE) { r[c] = rule }"},
	{"intervals begin on the wall clock of the zone", "grid.go", "in := (ms + o.ahead) % g.size", "in := (ms + either(broken(RULE), 0, o.ahead)) % g.size"},
	{"an interval before the horizon is not emitted again", "timeline.go", "s.from = max(s.from, f.horizon)", "s.from = max(s.from, f.horizon+either[int64](broken(RULE), 1<<22, 0))"},
}

// chosen is what the engine is compiled with to have the faults.
const chosen = `package transform

import "os"

var fault = os.Getenv("QUARTERHOUR_FAULT")

func broken(rule string) bool { return rule == fault }

func either[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}
`

// These rules are about what the oracle leaves out: late policies, shifts, attribution that is set, and retention.
var beyondTheOracle = []string{
	"a late fact changes no final row", "adherent is whose state fits", "the attribution is the one that is set",
	"an interval before the horizon is not emitted again",
}

// The properties catch every one of the faults, and find nothing where there is none; the oracle by itself catches those of its rules.
func TestEverySeededFaultIsCaught(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("compiles the tests once more")
	}
	binary := compileWithFaults(t)
	naive, oracle := []string{"TestTablesDependOnTheSetOfFactsAlone", "TestRetentionForgetsOldIntervalsOnly"}, []string{"TestTablesAgreeWithTheOracle"}
	run := func(rule, checks string, properties []string) error {
		for _, property := range properties {
			c := exec.Command(binary, "-test.run", "^"+property+"$", "-rapid.checks="+checks, "-rapid.seed=1", "-rapid.shrinktime=0s", "-rapid.nofailfile")
			c.Env = append(os.Environ(), "QUARTERHOUR_FAULT="+rule)
			out, err := c.CombinedOutput()
			if err == nil {
				continue
			}
			if !strings.Contains(string(out), "[rapid] failed") {
				t.Fatalf("%v: %s", err, out)
			}
			return err
		}
		return nil
	}
	if err := run("none", "50", slices.Concat(naive, oracle)); err != nil {
		t.Fatalf("without a fault: %v", err)
	}
	for _, f := range faults {
		t.Run(strings.ReplaceAll(f.rule, " ", "-"), func(t *testing.T) {
			var caught *exec.ExitError
			if err := run(f.rule, "1500", naive); !errors.As(err, &caught) {
				t.Errorf("nothing noticed that this rule is broken (%v)", err)
			}
			if slices.Contains(beyondTheOracle, f.rule) {
				return
			}
			if err := run(f.rule, "1500", oracle); !errors.As(err, &caught) {
				t.Errorf("the oracle did not notice that this rule is broken (%v)", err)
			}
		})
	}
}

// compileWithFaults compiles this package's tests with the faults in it.
func compileWithFaults(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{"fault.go": chosen}
	for _, f := range faults {
		text, ok := sources[f.file]
		if !ok {
			b, err := os.ReadFile(f.file)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		if strings.Count(text, f.from) != 1 {
			t.Fatalf("%s has %q %d times: the list of faults is to follow the engine", f.file, f.from, strings.Count(text, f.from))
		}
		sources[f.file] = strings.Replace(text, f.from, strings.ReplaceAll(f.to, "RULE", `"`+f.rule+`"`), 1)
	}
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	for name, text := range sources {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(here, name)] = path
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "faults.test")
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), list, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "test", "-c", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("compile with the faults: %v\n%s", err, out)
	}
	return binary
}
