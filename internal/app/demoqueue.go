package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/quarterhour/quarterhour/internal/simulator/vendors"
)

// kinds are the interval tables by the names of their records.
var kinds = map[string]string{"queue_interval": "queue_intervals", "agent_queue_interval": "agent_queue_intervals", "agent_interval": "agent_intervals"}

// record is a row with all its fields, by name.
type record map[string]any

// key tells records of a kind apart.
func (r record) key() string {
	return fmt.Sprint(r["interval_start"], " ", r["queue_id"], " ", r["agent_id"], " ", r["channel"])
}

func (r record) revision() int64 {
	n, _ := r["revision"].(json.Number)
	revision, _ := n.Int64()
	return revision
}

// text is all fields in the order of their names.
func (r record) text() string {
	line, _ := json.Marshal(r) // of what was JSON
	return string(line)
}

func readRecord(line []byte) (r record, err error) {
	in := json.NewDecoder(bytes.NewReader(line))
	in.UseNumber()
	return r, in.Decode(&r)
}

// records are the rows that a FROM clause has, with instants in milliseconds.
func (d *demo) records(ctx context.Context, columns, from string) (map[string]string, error) {
	var answer bytes.Buffer
	sql := "SELECT toUnixTimestamp(interval_start) * 1000 AS start, " + columns + " FROM " + from + " SETTINGS output_format_json_quote_64bit_integers = 0"
	if err := d.tables.Query(ctx, sql, "JSONEachRow", &answer); err != nil {
		return nil, err
	}
	all := map[string]string{}
	for line := range bytes.Lines(answer.Bytes()) {
		r, err := readRecord(line)
		if err != nil {
			return nil, fmt.Errorf("answer of ClickHouse: %w", err)
		}
		r["interval_start"] = r["start"]
		delete(r, "start")
		all[r.key()] = r.text()
	}
	return all, nil
}

const ofTable = " WHERE tenant = 'demo' AND final"

// withQueue is what was put into the queues, of every row its newest revision, and whether all of it was taken out again.
func (d *demo) withQueue(ctx context.Context) ([]*comparison, error) {
	newest, fields := map[string]map[string]record{}, 0
	for _, name := range vendors.Queues {
		sent, deleted := d.vendors.SQS.Sent(name)
		if deleted != len(sent) {
			return nil, fmt.Errorf("queue %s took %d messages, of which %d were posted and deleted", name, len(sent), deleted)
		}
		for _, body := range sent {
			var m struct {
				Kind   string          `json:"kind"`
				Record json.RawMessage `json:"record"`
			}
			if err := json.Unmarshal([]byte(body), &m); err != nil {
				return nil, fmt.Errorf("a message of queue %s: %w", name, err)
			}
			r, err := readRecord(m.Record)
			if err != nil {
				return nil, fmt.Errorf("a message of queue %s: %w", name, err)
			}
			if newest[m.Kind] == nil {
				newest[m.Kind] = map[string]record{}
			}
			if before, ok := newest[m.Kind][r.key()]; !ok || before.revision() <= r.revision() {
				newest[m.Kind][r.key()] = r
			}
		}
	}
	var list []*comparison
	for _, kind := range []string{"queue_interval", "agent_interval"} {
		c := &comparison{destination: "outbox (SQS)", what: kinds[kind], held: map[string]string{}}
		for key, r := range newest[kind] {
			c.held[key], fields = r.text(), len(r)
		}
		c.fields = fields
		var err error
		if c.want, err = d.records(ctx, "* EXCEPT (interval_start, business_day, updated_at)", kinds[kind]+ofTable); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// withLake is the files, read by ClickHouse.
func (d *demo) withLake(ctx context.Context) (list []*comparison, err error) {
	root, err := filepath.Abs(filepath.Join(d.s.System.Data, "lake"))
	if err != nil {
		return nil, err
	}
	for _, kind := range []string{"queue_interval", "agent_queue_interval", "agent_interval"} {
		c := &comparison{destination: "lake (Parquet)", what: kinds[kind]}
		files := filepath.Join(root, "demo", "*", kinds[kind], "*.parquet")
		if c.held, err = d.records(ctx, "* EXCEPT (interval_start)", "file('"+strings.ReplaceAll(files, "'", `\'`)+"', Parquet)"); err != nil {
			return nil, err
		}
		if c.want, err = d.records(ctx, "* EXCEPT (interval_start, business_day, updated_at)", kinds[kind]+ofTable); err != nil {
			return nil, err
		}
		for _, line := range c.want {
			if r, err := readRecord([]byte(line)); err == nil {
				c.fields = len(r)
			}
			break
		}
		list = append(list, c)
	}
	return list, nil
}
