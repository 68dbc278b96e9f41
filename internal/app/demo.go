package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/cli"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/internal/warehouse"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/pipelines/examples"
)

// demo is one run of the demo.
type demo struct {
	s       *cli.Session
	options cli.DemoOptions
	folder  string // of the exports
	day     *simulator.Day
	exports *simulator.Exports
	engines *engines
	tables  *warehouse.Warehouse
}

// Demo simulates a day, runs the main job on its exports, and compares the tables with what happened.
func (App) Demo(ctx context.Context, s *cli.Session, o cli.DemoOptions) (err error) {
	started := clock.Now()
	d := &demo{s: s, options: o, folder: filepath.Join(s.System.Data, "demo")}
	if err := d.simulate(); err != nil {
		return err
	}
	if d.engines, err = open(ctx, s, needs{kafka: true, clickhouse: true}, false); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.engines.close()) }()
	if err := d.load(ctx, simulator.OnTime, "Loading the day's exports, as they lie at midnight"); err != nil {
		return err
	}
	if err := d.load(ctx, simulator.Late, "Loading what came in afterwards: late rows, and corrections of final intervals"); err != nil {
		return err
	}
	if d.tables, err = warehouse.Open(ctx, warehouse.Config{URL: d.engines.ClickHouse}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.tables.Close()) }()
	if err := d.show(ctx); err != nil {
		return err
	}
	if err := d.check(ctx); err != nil {
		return err
	}
	d.next(clock.Since(started))
	if !o.Stay {
		return nil
	}
	p, err := d.pipeline()
	if err != nil {
		return err
	}
	return run(ctx, s, d.engines, []*pipelines.Pipeline{p}, cli.RunOptions{}, runtime.SnapshotPace{})
}

// simulate lets the day happen. What an earlier demo exported is replaced.
func (d *demo) simulate() error {
	o, err := simulator.DefaultOptions()
	if err != nil {
		return err
	}
	o.Contacts = o.Contacts * d.options.Agents / o.Agents
	o.Agents, o.Queues, o.Seed = d.options.Agents, d.options.Queues, d.options.Seed
	d.day = simulator.NewDay(o)
	d.exports = d.day.Exports()
	r := d.exports.Report()
	d.s.Screen.Heading("A day at a contact centre: %s", o.Date.Format("Monday, 2 January 2006"))
	d.s.Screen.Line("%d agents, %d queues, %s contacts, %s state changes; exported as %s rows, of which %s came late, %s twice, %s were corrected and %d withdrawn",
		o.Agents, o.Queues, console.Count(int64(r.Contacts)), console.Count(int64(r.States)), console.Count(int64(r.Rows)), console.Count(int64(r.Late)),
		console.Count(int64(r.Duplicated)), console.Count(int64(r.Corrected)), r.Withdrawn)
	if err := os.RemoveAll(d.folder); err != nil {
		return fmt.Errorf("remove the exports of an earlier demo: %w", err)
	}
	return nil
}

func (d *demo) pipeline() (*pipelines.Pipeline, error) {
	return pipelines.Parse("contact-centre-day.yaml", examples.ContactCentreDay, spec.Environment{"DAY": d.folder})
}

// load writes one delivery of the exports and runs the main job until it has all reached the tables.
func (d *demo) load(ctx context.Context, when simulator.Delivery, what string) error {
	d.s.Screen.Heading("%s", what)
	if err := d.exports.Write(filepath.Join(d.folder, []string{"day", "late"}[when]), when); err != nil {
		return err
	}
	p, err := d.pipeline()
	if err != nil {
		return err
	}
	started := clock.Now()
	if err := run(ctx, d.s, d.engines, []*pipelines.Pipeline{p}, cli.RunOptions{Drain: true}, runtime.SnapshotPace{}); err != nil {
		return err
	}
	d.s.Screen.Line("file → Kafka → intervals → ClickHouse: %s", clock.Since(started).Round(10*time.Millisecond))
	return nil
}

// shown are the tables that the demo prints.
var shown = []struct{ title, sql string }{
	{"The day by half-hours: contacts offered, and how many were answered within 20 s",
		`SELECT formatDateTime(toStartOfInterval(q.interval_start, INTERVAL 30 MINUTE), '%H:%i', 'Europe/Berlin') AS time, sum(q.offered) AS offered,
		sum(q.answered) AS answered, sum(q.abandoned) AS abandoned, round(100 * sum(q.answered_in_sl) / greatest(sum(q.answered), 1)) AS "in 20 s, %",
		bar(sum(q.offered), 0, 1500, 30) AS "offered, drawn"
		FROM queue_intervals AS q WHERE q.tenant = 'demo' GROUP BY time HAVING sum(q.offered) > 0 ORDER BY time`},
	{"queue_intervals, at noon",
		`SELECT formatDateTime(interval_start, '%H:%i', 'Europe/Berlin') AS time, queue_id, queue_name, channel, offered, answered, abandoned, answered_in_sl,
		wait_ms, contact_ms, backlog, final FROM queue_intervals WHERE tenant = 'demo' AND formatDateTime(interval_start, '%H:%i', 'Europe/Berlin') = '12:00' AND offered > 0
		ORDER BY queue_id LIMIT 8`},
	{"agent_intervals, at noon",
		`SELECT formatDateTime(interval_start, '%H:%i', 'Europe/Berlin') AS time, agent_id, agent_name, login_ms, available_ms, on_contact_ms, wrap_ms, not_ready_ms,
		not_ready_by_reason, final FROM agent_intervals WHERE tenant = 'demo' AND formatDateTime(interval_start, '%H:%i', 'Europe/Berlin') = '12:00'
		ORDER BY agent_id LIMIT 8`},
}

func (d *demo) show(ctx context.Context) error {
	for _, t := range shown {
		var answer bytes.Buffer
		if err := d.tables.Query(ctx, t.sql, cli.TableFormat, &answer); err != nil {
			return err
		}
		d.s.Screen.Heading("%s", t.title)
		if err := cli.ShowTable(d.s.Screen, &answer); err != nil {
			return err
		}
	}
	return nil
}

// check compares every cell with what the simulator knows.
func (d *demo) check(ctx context.Context) error {
	truth := d.day.Truth(simulator.Rules{Interval: 15 * time.Minute, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second})
	d.s.Screen.Heading("Every cell, against what really happened")
	t := console.Table{Columns: console.Columns("table", "#rows", "#cells", "#different", "#not final")}
	var wrong []string
	for _, table := range truth.Tables() {
		c, err := d.checkTable(ctx, truth, table)
		if err != nil {
			return err
		}
		t.Rows = append(t.Rows, []string{table, console.Count(int64(c.Rows)), console.Count(int64(c.Cells)), console.Count(int64(len(c.Differences))),
			console.Count(int64(c.Provisional))})
		for _, diff := range c.Differences[:min(5, len(c.Differences))] {
			wrong = append(wrong, diff.String())
		}
		if c.Provisional > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %d rows are not final", table, c.Provisional))
		}
	}
	d.s.Screen.Table(t)
	if len(wrong) > 0 {
		return fmt.Errorf("the tables are not what happened:\n  %s", strings.Join(wrong, "\n  "))
	}
	d.s.Screen.Line("Equal.")
	return nil
}

func (d *demo) checkTable(ctx context.Context, truth simulator.Truth, table string) (simulator.Check, error) {
	out, in := io.Pipe()
	go func() {
		sql := "SELECT " + truth.Columns(table) + " FROM " + table + " WHERE tenant = 'demo' SETTINGS output_format_json_quote_64bit_integers = 0"
		in.CloseWithError(d.tables.Query(ctx, sql, "JSONEachRow", in))
	}()
	return truth.Check(table, out)
}

// next says where to look from here.
func (d *demo) next(took time.Duration) {
	data := ""
	if d.s.System.Data != ".quarterhour" {
		data = " --data " + d.s.System.Data
	}
	d.s.Screen.Heading("Where to look next (all this took %s)", took.Round(100*time.Millisecond))
	for _, line := range []string{
		"query" + data + ` "SELECT * FROM queue_intervals LIMIT 10"`,
		"query" + data + ` "SELECT * FROM series_offered LIMIT 10"              # gap-filled, for forecasting`,
		"query" + data + ` "SELECT * FROM queue_intervals_revisions LIMIT 10"   # what each row said before`,
		"deadletters list" + data,
		"list                                                    # sources, stages, sinks and measures",
	} {
		d.s.Screen.Line("  %s %s", os.Args[0], line)
	}
	d.s.Screen.Line("The exports lie in %s; pipelines/examples/contact-centre-day.yaml maps them.", d.folder)
	if d.options.Stay {
		d.s.Screen.Line("\nClickHouse answers on %s until you press Ctrl-C.", d.engines.ClickHouse)
	}
}
