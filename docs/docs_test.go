// Package docs holds the tests of the pages: what they show can be run, what they name exists, and what exists is named.
package docs

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quarterhour/quarterhour/internal/config"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/internal/warehouse/warehousetest"
	"github.com/quarterhour/quarterhour/pipelines"
)

func TestMain(m *testing.M) { warehousetest.Main(m) }

const root = ".."

// pages are the Markdown files of the repository, by their paths below its root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata"):
			return fs.SkipDir
		case filepath.Ext(name) == ".md":
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			relative, err := filepath.Rel(root, path)
			all[relative] = string(text)
			return err
		}
		return nil
	})
	if err != nil || len(all) == 0 {
		t.Fatal("no pages", err)
	}
	return all
}

var fence = regexp.MustCompile("(?ms)^```(\\w*)\\n(.*?)^```")

// blocks are the pieces of code in one language.
func blocks(text, language string) (found []string) {
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		if m[1] == language {
			found = append(found, m[2])
		}
	}
	return found
}

func TestLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading := regexp.MustCompile(`(?m)^#+ (.*)$`)
	anchors := func(text string) (list []string) {
		for _, h := range heading.FindAllStringSubmatch(text, -1) {
			plain := regexp.MustCompile("[^a-z0-9 _-]").ReplaceAllString(strings.ToLower(h[1]), "")
			list = append(list, strings.ReplaceAll(plain, " ", "-"))
		}
		return list
	}
	for page, text := range all {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			target := filepath.Join(filepath.Dir(page), path)
			if path == "" {
				target = page
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: %q leads nowhere", page, m[1])
			} else if anchor != "" && !slices.Contains(anchors(all[target]), anchor) {
				t.Errorf("%s: %q: the page has no such heading", page, m[1])
			}
		}
	}
}

func TestPipelinesAndConfigurationsAreValid(t *testing.T) {
	read := 0
	for page, text := range pages(t) {
		for _, block := range blocks(text, "yaml") {
			switch {
			case strings.HasPrefix(block, "pipeline:"):
				if _, err := pipelines.Parse(page, []byte(block), setAll(block)); err != nil {
					t.Error(err)
				}
			case strings.HasPrefix(block, "ingest:"), strings.HasPrefix(block, "identity:"):
				if _, err := pipelines.Parse(page, []byte(whole(block)), setAll(block)); err != nil {
					t.Errorf("%v\n%s", err, block)
				}
			case strings.HasPrefix(block, "kafka:"):
				dir := t.TempDir()
				secret := filepath.Join(dir, "secret")
				block = strings.ReplaceAll(block, "/run/secrets/kafka", secret)
				file := filepath.Join(dir, "config.yaml")
				if err := errors.Join(os.WriteFile(secret, []byte("x"), 0o600), os.WriteFile(file, []byte(block), 0o600)); err != nil {
					t.Fatal(err)
				}
				if _, err := config.Load(file, []string{"REGISTRY_PASSWORD=x", "CLICKHOUSE_PASSWORD=x"}, nil); err != nil {
					t.Errorf("%s: %v", page, err)
				}
			default:
				continue
			}
			read++
		}
	}
	if read < 3 {
		t.Errorf("%d files were found in the pages: are they no longer fenced as yaml?", read)
	}
}

// whole is a pipeline file around a part of one.
func whole(part string) string {
	if !strings.HasPrefix(part, "ingest:") {
		part += "ingest: {calls: {type: file, path: x.csv, as: worker}}\n"
	}
	return part + "pipeline: p\ntenant: t\ntimezone: UTC\ntransform: [{intervals: {late: revise}}]\nsinks: {warehouse: {type: clickhouse}}\n"
}

// setAll gives every variable a value.
func setAll(text string) spec.Environment {
	env := spec.Environment{}
	for _, m := range regexp.MustCompile(`\$\{(\w+)[:}]`).FindAllStringSubmatch(text, -1) {
		env[m[1]] = "0123456789abcdef"
	}
	return env
}

func TestQueriesRun(t *testing.T) {
	w := warehousetest.Open(t)
	tables := pages(t)["docs/tables.md"]
	for _, sql := range blocks(tables, "sql") {
		if err := w.Query(context.Background(), sql, "Null", &bytes.Buffer{}); err != nil {
			t.Errorf("%v\n%s", err, sql)
		}
	}

	var views bytes.Buffer
	err := w.Query(context.Background(), "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View' ORDER BY name", "TSV", &views)
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(views.String())
	if len(names) < 20 {
		t.Fatalf("views: %q", names)
	}
	for _, name := range names {
		if !strings.Contains(tables, "`"+name+"`") {
			t.Errorf("docs/tables.md says nothing of the view %s", name)
		}
	}
}

func TestMetricsAreExplained(t *testing.T) {
	operating := pages(t)["docs/operating.md"]
	registry := prometheus.NewRegistry()
	p := observe.NewMetrics(registry).Pipeline("p")
	s := p.Stage("sink", "s")
	s.Error("write")
	s.Lag("t", 0, 1)
	p.Outcome("contact", "applied")
	p.Rejected("ingest", "columns")
	d := p.Delivery("api")
	d.Records("delivered", 1)
	d.Request("ok", 0)
	d.Pause()
	d.State(1, 1, 1)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		names = append(names, f.GetName())
		if short := strings.TrimPrefix(f.GetName(), "quarterhour_"); !strings.Contains(operating, "`"+short+"`") {
			t.Errorf("docs/operating.md says nothing of the metric %s", short)
		}
	}
	for _, used := range regexp.MustCompile(`quarterhour_[a-z_]+[a-z]`).FindAllString(operating, -1) {
		if !slices.Contains(names, used) {
			t.Errorf("docs/operating.md asks for %s, which is no metric", used)
		}
	}
}

func TestDependenciesAreJustified(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	why := pages(t)["docs/adr/0009-dependencies.md"]
	direct := regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(string(mod), -1)
	if len(direct) < 10 {
		t.Fatalf("go.mod: %q", direct)
	}
	for _, m := range direct {
		parts := strings.Split(m[1], "/")
		name := parts[1]
		if len(parts) > 2 && (parts[0] == "github.com" || parts[1] == "x") {
			name = parts[2]
		}
		if !strings.Contains(why, name) {
			t.Errorf("decision 9 does not say why %s is there", m[1])
		}
	}
}
