package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/cli"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	"github.com/quarterhour/quarterhour/internal/simulator/vendors"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/internal/warehouse"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/pipelines/examples"
)

// demo is one run of the demo.
type demo struct {
	s       *cli.Session
	options cli.DemoOptions
	centre  *centre.Centre
	watch   *settable
	vendors *vendors.Host
	hook    string // address that Gladly's webhooks are received at
	engines *engines
	tables  *warehouse.Warehouse
}

// demoSpeed is how fast the demo's time runs: a quota of so many a minute is one of so many fifths of a second.
const demoSpeed = 300

// Demo lets the simulated vendors of a contact centre have a day, reads them, and compares the tables with what happened.
func (App) Demo(ctx context.Context, s *cli.Session, o cli.DemoOptions) (err error) {
	started := clock.Now()
	d := &demo{s: s, options: o}
	if err := d.simulate(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.vendors.Close()) }()
	if d.engines, err = open(ctx, s, needs{kafka: true, clickhouse: true}, false); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.engines.close()) }()
	if err := d.load(ctx, 15*time.Minute, "Reading the vendors, as they stand at a quarter past midnight"); err != nil {
		return err
	}
	if err := d.load(ctx, 6*time.Hour, "Reading what they have put right by six: late rows, and corrections of final intervals"); err != nil {
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
	if err := d.delivered(ctx); err != nil {
		return err
	}
	d.next(clock.Since(started))
	if !o.Stay {
		return nil
	}
	list, err := d.pipelines()
	if err != nil {
		return err
	}
	return d.run(ctx, list, cli.RunOptions{})
}

// simulate opens the contact centre, with a second day for those who stay.
func (d *demo) simulate(ctx context.Context) error {
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		return fmt.Errorf("time zone of the simulated day: %w", err)
	}
	from := time.Date(2026, 3, 2, 0, 0, 0, 0, zone)
	sizes := centre.Scaled(d.options.Agents)
	if d.centre, err = centre.New(centre.Options{Seed: d.options.Seed, From: from, Days: 2, Sizes: sizes}); err != nil {
		return err
	}
	d.watch = &settable{}
	d.watch.set(from)
	if d.vendors, err = vendors.Start(ctx, vendors.Options{Centre: d.centre, Watch: d.watch, Log: d.s.Log}); err != nil {
		return err
	}
	d.hook, err = freeAddress(ctx)
	d.s.Screen.Heading("A day at a contact centre: %s", from.Format("Monday, 2 January 2006"))
	for _, v := range centre.Vendors {
		d.s.Screen.Line("%-9s %3d agents, %2d queues, about %s contacts", v, sizes[v].Agents, sizes[v].Queues, console.Count(int64(sizes[v].Contacts)))
	}
	d.s.Screen.Line("Their simulated systems answer on %s, with the quotas of the real ones, and tell things late, twice and wrongly at first.", d.vendors.URL())
	return err
}

// freeAddress is a loopback address that nobody listens at.
func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("an address for webhooks: %w", err)
	}
	return l.Addr().String(), l.Close()
}

func (d *demo) pipelines() ([]*pipelines.Pipeline, error) {
	env := spec.Environment{
		"STATE": d.s.System.Data, "LAKE": filepath.Join(d.s.System.Data, "lake"), "CALABRIO_FILES": filepath.Join(d.s.System.Data, "calabrio"),
		"GLADLY_WEBHOOK_URL": "http://" + d.hook + "/gladly", "GLADLY_WEBHOOK_LISTEN": d.hook, "GLADLY_WEBHOOK_PASSWORD": "demo", "GLADLY_WEBHOOK_HTTP": "true",
	}
	for _, v := range d.vendors.Variables() {
		env[v[0]] = v[1]
	}
	if err := writeVariables(d.variables(), env); err != nil {
		return nil, err
	}
	var list []*pipelines.Pipeline
	for name, text := range map[string][]byte{"contact-centre.yaml": examples.ContactCentre, "contact-centre-mail.yaml": examples.ContactCentreMail} {
		p, err := pipelines.Parse(name, text, env)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func (d *demo) run(ctx context.Context, list []*pipelines.Pipeline, o cli.RunOptions) error {
	return run(ctx, d.s, d.engines, list, runOptions{RunOptions: o, watch: d.watch})
}

// load sets the clock to so long after the day and reads the vendors until all they have has reached the tables.
func (d *demo) load(ctx context.Context, after time.Duration, what string) error {
	d.s.Screen.Heading("%s", what)
	d.watch.set(d.end().Add(after))
	list, err := d.pipelines()
	if err != nil {
		return err
	}
	started := clock.Now()
	if err := d.run(ctx, list, cli.RunOptions{Drain: true}); err != nil {
		return err
	}
	d.s.Screen.Line("Five9, Gladly, iService → Kafka → intervals → ClickHouse and destinations: %s", clock.Since(started).Round(10*time.Millisecond))
	return nil
}

// end is the end of the day that is shown.
func (d *demo) end() time.Time { return d.centre.From.AddDate(0, 0, 1) }

// shown are the tables that the demo prints.
var shown = []struct{ title, sql string }{
	{"The day by half-hours: contacts offered, and how many were answered within 20 s",
		`SELECT formatDateTime(toStartOfInterval(q.interval_start, INTERVAL 30 MINUTE), '%H:%i', 'America/Los_Angeles') AS time, sum(q.offered) AS offered,
		sum(q.answered) AS answered, sum(q.abandoned) AS abandoned, round(100 * sum(q.answered_in_sl) / greatest(sum(q.answered), 1)) AS "in 20 s, %",
		bar(sum(q.offered), 0, 1200, 30) AS "offered, drawn"
		FROM queue_intervals AS q WHERE q.tenant = 'demo' AND q.business_day = '2026-03-02' GROUP BY time HAVING sum(q.offered) > 0 ORDER BY time`},
	{"queue_intervals, at noon",
		`SELECT formatDateTime(interval_start, '%H:%i', 'America/Los_Angeles') AS time, queue_id, queue_name, channel, offered, answered, abandoned, answered_in_sl,
		wait_ms, contact_ms, backlog, final FROM queue_intervals WHERE tenant = 'demo' AND business_day = '2026-03-02' AND formatDateTime(interval_start, '%H:%i', 'America/Los_Angeles') = '12:00' AND offered > 0
		ORDER BY queue_id LIMIT 8`},
	{"agent_intervals, at noon",
		`SELECT formatDateTime(interval_start, '%H:%i', 'America/Los_Angeles') AS time, agent_id, agent_name, login_ms, available_ms, on_contact_ms, wrap_ms, not_ready_ms,
		not_ready_by_reason, final FROM agent_intervals WHERE tenant = 'demo' AND business_day = '2026-03-02' AND formatDateTime(interval_start, '%H:%i', 'America/Los_Angeles') = '12:00'
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

// check compares every cell with what the simulator knows, and asks the vendors whether they were treated as they ask to be.
func (d *demo) check(ctx context.Context) error {
	truth := d.vendors.Truth(simulator.Rules{Interval: 15 * time.Minute, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second}, d.end())
	d.s.Screen.Heading("Every cell, against what really happened")
	t := console.Table{Columns: console.Columns("table", "#rows", "#cells", "#different", "#not final")}
	wrong := d.vendors.Violations()
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
	if n := len(wrong); n > 0 {
		return fmt.Errorf("it is not what happened, in %d places:\n  %s", n, strings.Join(wrong[:min(n, 20)], "\n  "))
	}
	d.s.Screen.Line("Equal. No vendor's quota was exceeded.")
	return nil
}

func (d *demo) checkTable(ctx context.Context, truth simulator.Truth, table string) (simulator.Check, error) {
	out, in := io.Pipe()
	go func() {
		sql := fmt.Sprintf("SELECT %s FROM %s WHERE tenant = 'demo' AND interval_start < fromUnixTimestamp(%d) SETTINGS output_format_json_quote_64bit_integers = 0",
			truth.Columns(table), table, d.end().Unix())
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
		"simulate                                                # the same vendors, for a pipeline of your own",
	} {
		d.s.Screen.Line("  %s %s", os.Args[0], line)
	}
	d.s.Screen.Line("The pipelines are pipelines/examples/contact-centre.yaml and contact-centre-mail.yaml. With the variables that they had here:")
	d.s.Screen.Line("  . %s", d.variables())
	for _, command := range []string{"deliveries", "audit", "sources list"} {
		d.s.Screen.Line("  %s %s%s pipelines/examples/contact-centre.yaml", os.Args[0], command, data)
	}
	if d.options.Stay {
		d.s.Screen.Line("\nThe next day goes on at %d times real speed. ClickHouse answers on %s until you press Ctrl-C.", demoSpeed, d.engines.ClickHouse)
	}
}
