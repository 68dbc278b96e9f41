package warehouse

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"text/template"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/quarterhour/quarterhour/internal/crash"
)

//go:embed migrations/*.sql views/*.sql
var scripts embed.FS

// Migration is one step of Migrate, as it is reported.
type Migration struct {
	Name string // migrations/0001_intervals or views/series
	// Outcome is applied, unchanged, or unknown: the last is a step of a newer version of this program, which is left as it is.
	Outcome string
}

// script is one file: a versioned one, which runs once and must never change, or one of views, which runs whenever it or the
// tables are not what they were when it last ran.
type script struct {
	name, text, checksum string
	versioned            bool
}

// recorded is a row of the table migrations.
type recorded struct {
	Name     string `ch:"name"`
	Checksum string `ch:"checksum"`
}

// Migrate creates the database, its tables and views, or brings them up to date. It may be run again at any time, by several
// processes at once, and after an interruption: every statement can be repeated, and a script is recorded once all of it ran.
// A versioned script that is not what it was when it ran is an error: tables made from it are not what this version expects.
func (w *Warehouse) Migrate(ctx context.Context, report func(Migration)) error {
	all, err := loadScripts(scripts)
	if err != nil {
		return err
	}
	return w.migrate(ctx, all, report)
}

// Pending says whether Migrate has something to do.
func (w *Warehouse) Pending(ctx context.Context) (bool, error) {
	all, err := loadScripts(scripts)
	if err != nil {
		return false, err
	}
	var n uint64
	if err := w.conn.QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = ? AND name = 'migrations'", w.database).Scan(&n); err != nil {
		return false, failed("look for the tables", err)
	}
	if n == 0 {
		return true, nil
	}
	ran, err := w.recorded(ctx)
	if err != nil {
		return false, err
	}
	for _, s := range all {
		if ran[s.name] != s.checksum {
			return true, nil
		}
	}
	return false, nil
}

func (w *Warehouse) migrate(ctx context.Context, all []script, report func(Migration)) error {
	if report == nil {
		report = func(Migration) {}
	}
	for _, s := range []string{createDatabase, createMigrations} {
		if err := w.runScript(ctx, script{name: "database", text: s}); err != nil {
			return err
		}
	}
	ran, err := w.recorded(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		checksum, known := ran[s.name]
		delete(ran, s.name)
		if known && checksum == s.checksum {
			report(Migration{s.name, "unchanged"})
			continue
		}
		if known && s.versioned {
			return &Error{Doing: "migrate", Permanent: true, Err: fmt.Errorf("%s has changed since it ran on database %q (then %.12s, now %.12s)", s.name, w.database, checksum, s.checksum),
				Advice: "a script that ran is never changed: put the change into a new one, or use a database of its own"}
		}
		if err := w.runScript(ctx, s); err != nil {
			return err
		}
		if !s.versioned {
			if err := w.comment(ctx); err != nil {
				return err
			}
		}
		crash.Point(crash.MigrationRan)
		if err := w.record(ctx, s); err != nil {
			return err
		}
		crash.Point(crash.MigrationRecorded)
		report(Migration{s.name, "applied"})
	}
	for name := range ran {
		report(Migration{name, "unknown"})
	}
	return nil
}

const createDatabase = "CREATE DATABASE IF NOT EXISTS {{.Database}};"

const createMigrations = `CREATE TABLE IF NOT EXISTS {{.Database}}.migrations
(
    name String COMMENT 'Script',
    checksum String COMMENT 'SHA-256 of its text',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it had run'
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY name
COMMENT 'Scripts that made the tables and views';`

func (w *Warehouse) recorded(ctx context.Context) (map[string]string, error) {
	var rows []recorded
	if err := w.conn.Select(ctx, &rows, "SELECT name, checksum FROM "+w.table("migrations")+" FINAL"); err != nil {
		return nil, failed("read which migrations ran", err)
	}
	ran := make(map[string]string, len(rows))
	for _, r := range rows {
		ran[r.Name] = r.Checksum
	}
	return ran, nil
}

func (w *Warehouse) record(ctx context.Context, s script) error {
	sql := fmt.Sprintf("INSERT INTO %s (name, checksum) SELECT '%s', '%s'", w.table("migrations"), s.name, s.checksum)
	return failed("record that "+s.name+" ran", w.conn.Exec(ctx, sql))
}

func (w *Warehouse) runScript(ctx context.Context, s script) error {
	t, err := template.New(s.name).Parse(s.text)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, map[string]any{"Database": "`" + w.database + "`", "Series": series}); err != nil {
		return err
	}
	for _, statement := range statements(text.String()) {
		if err := w.repeat(ctx, statement); err != nil {
			return failed(fmt.Sprintf("migrate: %s: %q", s.name, firstLine(statement)), err)
		}
		crash.Point(crash.MigrationBegun)
	}
	return nil
}

// repeatTries bounds how often a statement is repeated, repeatPause how soon.
const (
	repeatTries = 20
	repeatPause = 50 * time.Millisecond
)

// repeat runs a statement again where another process replaced the same view in the same instant.
func (w *Warehouse) repeat(ctx context.Context, statement string) error {
	for try := 1; ; try++ {
		err := w.conn.Exec(ctx, statement)
		var x *clickhouse.Exception
		if try == repeatTries || !errors.As(err, &x) || int(x.Code) != cannotRename {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(repeatPause):
		}
	}
}

// firstLine tells which statement of a script is meant.
func firstLine(statement string) string {
	line, _, _ := strings.Cut(statement, "\n")
	return line[:min(len(line), 120)]
}

// table is the name of a table in full.
func (w *Warehouse) table(name string) string { return "`" + w.database + "`." + name }

// loadScripts reads the versioned scripts in order of their numbers, then the views in the order of their names.
func loadScripts(files fs.FS) ([]script, error) {
	var all []script
	tables := sha256.New()
	for _, pattern := range []string{"migrations/*.sql", "views/*.sql"} {
		names, err := fs.Glob(files, pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			text, err := fs.ReadFile(files, name)
			if err != nil {
				return nil, err
			}
			s := script{name: strings.TrimSuffix(name, ".sql"), text: string(text), versioned: pattern == "migrations/*.sql"}
			sum := sha256.New()
			sum.Write(text)
			if s.versioned {
				tables.Write(text)
			} else {
				sum.Write(tables.Sum(nil))
				fmt.Fprint(sum, series)
			}
			s.checksum = hex.EncodeToString(sum.Sum(nil))
			all = append(all, s)
		}
	}
	return all, nil
}

// statements splits a script at the semicolons that end a line, and leaves comment lines out.
func statements(text string) []string {
	var all []string
	var one strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "--") {
			continue
		}
		one.WriteString(line)
		if s := strings.TrimSpace(one.String()); strings.HasSuffix(strings.TrimSpace(line), ";") {
			if s = strings.TrimSuffix(s, ";"); s != "" {
				all = append(all, s)
			}
			one.Reset()
		}
	}
	if s := strings.TrimSpace(one.String()); s != "" {
		all = append(all, s)
	}
	return all
}
