package warehouse_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/identity"
	"github.com/quarterhour/quarterhour/internal/warehouse"
	"github.com/quarterhour/quarterhour/internal/warehouse/warehousetest"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
)

// randomWorkers are records of few ids with few addresses, so that everything meets.
func randomWorkers(r *rand.Rand, n int) []schemas.Worker {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	all := make([]schemas.Worker, n)
	for i := range all {
		all[i] = schemas.Worker{
			Tenant: pick("acme", "acme", "other"), Source: pick("Five9", "gladly", "c"), WorkerID: pick("J1", "2", "3", "4"), Revision: r.Int64N(6),
			Retracted: r.IntN(5) == 0, Active: r.IntN(3) > 0, Email: pick("", "p@x", "q@x", "r@x", "é@x", "n/a", "a b@x", "@x", "a@b@x"),
			Tag: pick("", "", "", "17", "q@x"), Name: pick("", "N", "M"), System: pick("five9", "gladly"), AgentID: pick("", "a1", "a2", "a3"),
		}
	}
	return all
}

// TestWorkersAreMatchedByTheRule: the view says of every id what package identity says.
func TestWorkersAreMatchedByTheRule(t *testing.T) {
	w := warehousetest.Open(t)
	r := rand.New(rand.NewPCG(5, 9))
	all := randomWorkers(r, 300)
	one := identity.Settings{Aliases: map[string][]string{"p@x": {"17", "Five9/j1"}, "s@x": {"r@x"}}}
	two := identity.Settings{Aliases: map[string][]string{"z@x": {"É@x"}}}
	aliases := func(tenant, pipeline string, s identity.Settings) {
		if err := w.SetAliases(t.Context(), tenant, pipeline, identity.Of(s)); err != nil {
			t.Fatal(err)
		}
	}
	aliases("acme", "voice", identity.Settings{Aliases: map[string][]string{"old@x": {"p@x"}}})
	aliases("acme", "voice", one)
	aliases("acme", "mail", two)
	aliases("acme", "mail", two)
	insertWorkers(t, w, all)

	matched := func(tenant string, a identity.Aliases) (lines []string) {
		var facts []identity.Fact
		for _, f := range all {
			if f.Tenant == tenant {
				facts = append(facts, identity.Fact{Worker: f})
			}
		}
		m := identity.Match(tenant, facts, a)
		for _, p := range m.Persons {
			for _, id := range p.IDs {
				active := 0
				for _, other := range p.In(id.Source) {
					if other.Here() {
						active++
					}
				}
				lines = append(lines, line(tenant, id, p.Person, id.Here() && active > 1))
			}
		}
		return lines
	}
	both, err := identity.Join(one, two)
	if err != nil {
		t.Fatal(err)
	}
	want := append(matched("acme", both), matched("other", nil)...)
	slices.Sort(want)
	got := ask(t, w, `SELECT tenant, source, worker_id, agent_id, person, name, email, tag, toUInt8(active), toUInt8(retracted), toUInt8(ambiguous)
		FROM workers WHERE person != ''`)
	if diff := gocmp.Diff(want, got); diff != "" || len(got) < 8 {
		t.Errorf("%d rows\n%s", len(got), diff)
	}

	// What agents says is what all ids of that name say, and is certain.
	for _, row := range ask(t, w, "SELECT tenant, agent_id, person FROM agents") {
		tenant, rest, _ := strings.Cut(row, "\t")
		agent, person, _ := strings.Cut(rest, "\t")
		for _, l := range ask(t, w, fmt.Sprintf("SELECT person, toUInt8(ambiguous) FROM workers WHERE tenant = '%s' AND agent_id = '%s'", tenant, agent)) {
			if l != person+"\t0" {
				t.Errorf("agents says that %s is %s, and workers %q", agent, person, l)
			}
		}
	}
}

func line(tenant string, id identity.ID, person string, ambiguous bool) string {
	bit := map[bool]int{true: 1}
	return strings.Join([]string{tenant, id.Source, id.WorkerID, id.AgentID, person, id.Name, id.Email, id.Tag,
		fmt.Sprint(bit[id.Here()]), fmt.Sprint(bit[id.Retracted]), fmt.Sprint(bit[ambiguous])}, "\t")
}

func insertWorkers(t *testing.T, w *warehouse.Warehouse, all []schemas.Worker) {
	t.Helper()
	b := &sinks.Batch{Token: "w"}
	for i, f := range all {
		b.Workers = append(b.Workers, sinks.Logged[schemas.Worker]{Record: f, Topic: "p.worker", Offset: int64(i), ArrivedAt: 1_711_843_200_000 + int64(i)})
	}
	if err := w.Tables().Insert(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func ask(t *testing.T, w *warehouse.Warehouse, sql string) []string {
	t.Helper()
	var out strings.Builder
	if err := w.Query(t.Context(), sql, "TSV", &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	slices.SortFunc(lines, cmp.Compare)
	return lines
}

func TestAgentsAndTheirPersons(t *testing.T) {
	w := warehousetest.Open(t)
	worker := func(source, id, agent, email string) schemas.Worker {
		return schemas.Worker{Tenant: "acme", Source: source, WorkerID: id, AgentID: agent, Email: email, Active: true, Name: "N"}
	}
	insertWorkers(t, w, []schemas.Worker{
		worker("five9", "1", "jane", "jane@x"), worker("gladly", "g1", "agent-1", "jane@x"), // one person, two systems
		worker("five9", "2", "joe", "joe@x"), worker("gladly", "g2", "joe", "joe@x"), // one agent id in both
		worker("five9", "3", "kim", "kim@x"), worker("gladly", "g3", "kim", "other@x"), // one agent id of two persons
		worker("five9", "4", "t1", "team@x"), worker("five9", "5", "t2", "team@x"), // a shared address
		worker("five9", "6", "nobody", ""),
	})
	want := []string{"agent-1\tjane@x\t['gladly']", "jane\tjane@x\t['five9']", "joe\tjoe@x\t['five9','gladly']"}
	if diff := gocmp.Diff(want, ask(t, w, "SELECT agent_id, person, sources FROM agents")); diff != "" {
		t.Error(diff)
	}
}
