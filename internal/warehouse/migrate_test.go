package warehouse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// testURL is set by the external tests' package, which starts the engine.
var testURL func(testing.TB) string

func empty(t *testing.T) *Warehouse {
	t.Helper()
	w, err := Open(context.Background(), Config{URL: testURL(t), Database: fmt.Sprintf("m%d_%s", os.Getpid(), t.Name())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(w.Exec(context.Background(), "DROP DATABASE IF EXISTS "+w.Database()), w.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

func scriptsOf(t *testing.T, files map[string]string) []script {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	all, err := loadScripts(tree)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

const (
	oneTable = "CREATE TABLE IF NOT EXISTS {{.Database}}.one (a Int64 COMMENT 'first') ENGINE = MergeTree ORDER BY a;\n"
	addB     = "ALTER TABLE {{.Database}}.one ADD COLUMN IF NOT EXISTS b Int64;\n"
	oneView  = "CREATE OR REPLACE VIEW {{.Database}}.seen AS SELECT * FROM {{.Database}}.one;\n"
)

func TestMigrateOutcomes(t *testing.T) {
	ctx, w := context.Background(), empty(t)
	f := func(files map[string]string, want ...string) {
		t.Helper()
		var got []string
		err := w.migrate(ctx, scriptsOf(t, files), func(m Migration) { got = append(got, m.Name+" "+m.Outcome) })
		if err != nil {
			got = append(got, err.Error())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: -want +got\n%s", files, diff)
		}
	}
	first := map[string]string{"migrations/0001_one.sql": oneTable, "views/seen.sql": oneView}
	f(first, "migrations/0001_one applied", "views/seen applied")
	f(first, "migrations/0001_one unchanged", "views/seen unchanged")
	// A new table script makes the views again: they may show its columns.
	second := map[string]string{"migrations/0001_one.sql": oneTable, "migrations/0002_b.sql": addB, "views/seen.sql": oneView}
	f(second, "migrations/0001_one unchanged", "migrations/0002_b applied", "views/seen applied")
	// An older program meets the tables of a newer one.
	f(first, "migrations/0001_one unchanged", "views/seen applied", "migrations/0002_b unknown")
	// A view may change, a script that made tables may not.
	f(map[string]string{"migrations/0001_one.sql": oneTable, "views/seen.sql": "-- again\n" + oneView},
		"migrations/0001_one unchanged", "views/seen applied", "migrations/0002_b unknown")
	err := w.migrate(ctx, scriptsOf(t, map[string]string{"migrations/0001_one.sql": oneTable + "-- more\n"}), nil)
	if !Permanent(err) || !strings.Contains(err.Error(), "migrations/0001_one has changed since it ran") {
		t.Errorf("a changed script: %v", err)
	}
}

func TestMigrateGoesOnAfterAFailure(t *testing.T) {
	ctx, w := context.Background(), empty(t)
	broken := scriptsOf(t, map[string]string{"migrations/0001_one.sql": oneTable + "CREATE TABLE nonsense;\n" + addB})
	if err := w.migrate(ctx, broken, nil); err == nil || !strings.Contains(err.Error(), `migrations/0001_one: "CREATE TABLE nonsense"`) {
		t.Fatalf("got %v", err)
	}
	// The script is not recorded, so it may be mended; its first statement meets its own table.
	mended := scriptsOf(t, map[string]string{"migrations/0001_one.sql": oneTable + addB})
	if err := w.migrate(ctx, mended, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Exec(ctx, "INSERT INTO "+w.table("one")+" (a, b) VALUES (1, 2)"); err != nil {
		t.Error(err)
	}
}

func TestMigrateInterruptedAnywhere(t *testing.T) {
	all, err := loadScripts(scripts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, w := context.Background(), empty(t)
	for n := range all {
		// Half of the statements of the n-th script have run, and none of it is recorded.
		half := all[n]
		parts := strings.SplitAfter(half.text, ";\n")
		half.text = strings.Join(parts[:len(parts)/2], "")
		if err := w.migrate(ctx, all[:n], nil); err != nil {
			t.Fatal(err)
		}
		if err := w.runScript(ctx, half); err != nil {
			t.Fatal(err)
		}
	}
	if pending, err := w.Pending(ctx); err != nil || !pending {
		t.Errorf("pending %v, %v; want true", pending, err)
	}
	if err := w.Migrate(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if pending, err := w.Pending(ctx); err != nil || pending {
		t.Errorf("pending %v, %v; want false", pending, err)
	}
}

func TestMigrateBySeveralAtOnce(t *testing.T) {
	w := empty(t)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if err := w.Migrate(context.Background(), nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestEverythingIsCommented(t *testing.T) {
	ctx, w := context.Background(), empty(t)
	if err := w.Migrate(ctx, nil); err != nil {
		t.Fatal(err)
	}
	var bare []described
	err := w.Select(ctx, &bare, `SELECT table, name, comment, false AS view FROM system.columns WHERE database = ? AND comment = '' AND table NOT LIKE '%_feed'
		UNION ALL SELECT name, '', comment, false FROM system.tables WHERE database = ? AND comment = ''`, w.Database(), w.Database())
	if err != nil {
		t.Fatal(err)
	}
	if len(bare) > 0 {
		t.Errorf("without a comment: %+v", bare)
	}
}

func TestStatements(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, statements(text)); diff != "" {
			t.Errorf("%q: -want +got\n%s", text, diff)
		}
	}
	f("")
	f("-- nothing\n")
	f("A;\n\nB\n  C ;\n", "A", "B\n  C ")
	f("A 'x;y',\n-- said; so;\nB", "A 'x;y',\nB")
	f(";\nA;", "A")
}
