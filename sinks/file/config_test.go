package file

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/quarterhour/quarterhour/internal/spec"
)

func parse(text string) (*Config, error) {
	node, list := spec.Document("p.yaml", []byte(text))
	c := new(Config)
	if len(list) == 0 {
		list = spec.Decode(node, c, spec.Source{File: "p.yaml", Path: "sinks.lake", Also: []string{"type"}})
	}
	return c, spec.Err(list)
}

func decoded(t *testing.T, text string) *Config {
	t.Helper()
	c, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestValidate(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := parse(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
	const good = "path: /lake/{kind}/{day}.csv\n"
	f(good, "")
	f("path: /lake/{kind}/{day}\nformat: jsonl", "")
	f("path: /lake/workers.parquet\nkinds: [worker]", "")
	f("path: /lake/{kind}/{day}.txt", `p.yaml:1: sinks.lake.format is auto`)
	f("path: /lake/{day}.csv", "sinks.lake.path has no {kind}")
	f("path: /lake/{kind}.csv", "sinks.lake.path has no {day}")
	f("path: /lake/{kind}/{date}.csv", "sinks.lake.path names {date}")
	f(good+"delimiter: ab", "p.yaml:2: sinks.lake.delimiter is \"ab\"")
	const columns = good + "columns:\n  agent_interval: {tenant: tenant, interval_start: interval_start, agent_id: agent_id, revision: revision, "
	f(columns+"paid: login_ms - not_ready_ms}", "")
	f(columns+"paid: logn_ms}", `p.yaml:3: sinks.lake.columns.agent_interval.paid`)
	f(strings.Replace(columns, "agent_id: agent_id", "agent_id: lower(agent_id)", 1)+"a: '1'}", `has no column "agent_id" that is the field`)
	f(strings.Replace(columns, ", revision: revision", "", 1)+"a: '1'}", `has no column "revision"`)
	f(strings.Replace(columns, "tenant: tenant, ", "", 1)+"a: '1'}", `has no column "tenant"`)
	f(strings.Replace(strings.Replace(columns, "tenant: tenant, ", "", 1), "/lake", "/lake/{tenant}", 1)+"a: '1'}", "")
}

// The example of the reference pages is a valid one.
func TestSample(t *testing.T) {
	node, list := spec.Document("sample.yaml", []byte(sample))
	if err := spec.Err(list); err != nil {
		t.Fatal(err)
	}
	var byName map[string]yaml.Node
	if err := node.Decode(&byName); err != nil {
		t.Fatal(err)
	}
	for name, n := range byName {
		if err := spec.Err(spec.Decode(&n, new(Config), spec.Source{File: "sample.yaml", Path: "sinks." + name, Also: []string{"type"}})); err != nil {
			t.Error(err)
		}
	}
}
