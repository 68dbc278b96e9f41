package app

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// interval is a row of one of the interval tables, with the measures that destinations take. What a table does not have is zero.
type interval struct {
	Start                                                               int64 // seconds since 1970
	QueueID, QueueName, AgentID, AgentName, Channel                     string
	Offered, Answered, Abandoned, Overflowed, ShortAbandoned, DirectOut int64
	Completed                                                           *int64
	AnsweredInSl, AbandonedInSl                                         int64
	WaitMs, AbandonWaitMs, MaxWaitMs, TalkMs, ContactMs, WrapMs         int64
	LoginMs, AvailableMs, NotReadyMs                                    int64

	mail bool // it is of the pipeline for e-mail
}

func (i *interval) at() time.Time { return time.Unix(i.Start, 0).UTC() }

// queue and agent are their names at destinations that want one: the id, where there is none.
func (i *interval) queue() string { return cmp.Or(i.QueueName, i.QueueID) }
func (i *interval) agent() string { return cmp.Or(i.AgentName, i.AgentID) }

// key is the row's name in the log.
func key(parts ...string) string {
	for n := range parts {
		parts[n] = url.PathEscape(parts[n])
	}
	return strings.Join(parts, "/")
}

// written is the start as most destinations are told it.
func (i *interval) written() string { return i.at().Format(time.RFC3339) }

// seconds are whole seconds, halves to even.
func seconds(ms int64) int64 {
	whole, rest := ms/1000, ms%1000
	if rest > 500 || rest == 500 && whole%2 == 1 {
		whole++
	}
	return whole
}

// quarter is how long an interval is.
const quarter = 15 * time.Minute

// within are seconds of what cannot last longer than the interval.
func within(ms int64) int64 { return min(seconds(ms), int64(quarter.Seconds())) }

// intervals are the final rows of a table. Fields are read by the columns' names without their underscores.
func (d *demo) intervals(ctx context.Context, table string) (list []*interval, err error) {
	mail := map[string]bool{}
	for _, q := range d.centre.Queues(centre.IService) {
		mail[q.ID] = true
	}
	for _, a := range d.centre.Accounts(centre.IService) {
		mail[a.ID] = true
	}
	sql := "SELECT toUnixTimestamp(interval_start) AS start, * FROM " + table + " WHERE tenant = 'demo' AND final"
	err = d.rows(ctx, sql, func(line []byte) error {
		i := &interval{}
		if err := json.Unmarshal(line, i); err != nil {
			return err
		}
		i.mail = mail[i.QueueID] || mail[i.AgentID]
		list = append(list, i)
		return nil
	})
	return list, err
}

// rows hands over the rows of an answer as JSON objects, whose names have no underscores.
func (d *demo) rows(ctx context.Context, sql string, each func(line []byte) error) error {
	var answer bytes.Buffer
	sql += " SETTINGS output_format_json_quote_64bit_integers = 0, date_time_output_format = 'unix_timestamp'"
	if err := d.tables.Query(ctx, sql, "JSONEachRow", &answer); err != nil {
		return err
	}
	lines := bufio.NewScanner(&answer)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row map[string]json.RawMessage
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return fmt.Errorf("answer of ClickHouse: %w", err)
		}
		named := map[string]json.RawMessage{}
		for name, value := range row {
			named[strings.ReplaceAll(name, "_", "")] = value
		}
		line, err := json.Marshal(named)
		if err == nil {
			err = each(line)
		}
		if err != nil {
			return fmt.Errorf("a row of ClickHouse: %w", err)
		}
	}
	return lines.Err()
}

// filled adds rows of zeros: from a queue's or agent's first row on, until an instant, each has one for every interval.
func filled(list []*interval, until time.Time) []*interval {
	type series struct {
		first int64
		like  *interval
		there map[int64]bool
	}
	all := map[[3]string]*series{}
	var keys [][3]string
	for _, i := range list {
		key := [3]string{i.QueueID, i.AgentID, i.Channel}
		s := all[key]
		if s == nil {
			s = &series{first: i.Start, like: i, there: map[int64]bool{}}
			all[key], keys = s, append(keys, key)
		}
		s.first, s.there[i.Start] = min(s.first, i.Start), true
		if s.like.QueueName == "" && s.like.AgentName == "" || s.like.AgentID != "" && s.like.AgentName == "" {
			s.like = i // a row of what was taken back may have no names
		}
	}
	out := list
	for _, key := range keys {
		s := all[key]
		for at := s.first; at < until.Unix(); at += int64(quarter.Seconds()) {
			if !s.there[at] {
				out = append(out, &interval{
					Start: at, QueueID: s.like.QueueID, QueueName: s.like.QueueName, AgentID: s.like.AgentID, AgentName: s.like.AgentName, Channel: s.like.Channel, mail: s.like.mail,
				})
			}
		}
	}
	return out
}
