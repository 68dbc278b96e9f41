package books

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/warehouse"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// Shelf is where a sink keeps rows in ClickHouse.
type Shelf struct {
	Sink      string
	Warehouse *warehouse.Warehouse
}

// stored is a row as a table has it.
type stored struct {
	Start    int64            `ch:"start_ms"`
	Seconds  uint32           `ch:"seconds"`
	Agent    string           `ch:"agent"`
	Queue    string           `ch:"queue"`
	Chan     string           `ch:"chan"`
	Names    []string         `ch:"names"`
	Cells    []int64          `ch:"cells"`
	Reasons  map[string]int64 `ch:"reasons"`
	Final    bool             `ch:"is_final"`
	Revision uint64           `ch:"rev"`
	At       int64            `ch:"at_ms"`
}

func (s *stored) row(kind, tenant string) Row {
	r := Row{
		Key:     transform.Key{Kind: kind, Tenant: tenant, Start: s.Start, AgentID: s.Agent, QueueID: s.Queue, Channel: s.Chan},
		Seconds: int32(s.Seconds), Names: [2]string{s.Names[0], s.Names[1]}, Cells: s.Cells, Final: s.Final, Revision: int64(s.Revision),
	}
	for name, ms := range s.Reasons {
		r.Reasons = append(r.Reasons, schemas.NamedValue{Name: name, Value: ms})
	}
	slices.SortFunc(r.Reasons, func(a, b schemas.NamedValue) int { return cmp.Compare(a.Name, b.Name) })
	return r
}

// selection is the query of rows of a kind; suffix is _revisions for every revision.
func (s Shelf) selection(kind, suffix, where string) string {
	agent, queue, names, reasons := "''", "''", []string{"''", "''"}, "map()::Map(String, Int64)"
	channel := "''"
	if kind != transform.KindQueue {
		agent, names[0] = "agent_id", "agent_name"
	}
	if kind != transform.KindAgent {
		queue, names[1], channel = "queue_id", "queue_name", "channel"
	} else {
		reasons = "not_ready_by_reason"
	}
	var cells []string
	for _, c := range Columns(kind) {
		if optional[c] {
			c = "ifNull(" + c + ", -9223372036854775808)"
		}
		cells = append(cells, "toInt64("+c+")")
	}
	return fmt.Sprintf("SELECT toInt64(toUnixTimestamp(interval_start)) * 1000 AS start_ms, toUInt32(interval_seconds) AS seconds, toString(%s) AS agent, "+
		"toString(%s) AS queue, toString(%s) AS chan, [toString(%s), toString(%s)] AS names, [%s] AS cells, %s AS reasons, final AS is_final, "+
		"toUInt64(revision) AS rev, toUnixTimestamp64Milli(updated_at) AS at_ms FROM `%s`.%s%s WHERE %s",
		agent, queue, channel, names[0], names[1], strings.Join(cells, ", "), reasons, s.Warehouse.Database(), Table(kind), suffix, where)
}

// read hands over the rows of a tenant that start in the range, a day at a time.
func (s Shelf) read(ctx context.Context, kind, tenant string, r Range, each func(Row) error) error {
	var bounds []struct {
		N     uint64 `ch:"n"`
		First int64  `ch:"first"`
		Last  int64  `ch:"last"`
	}
	// Seconds of the calendar that DateTime has, so that a range without bounds stays in it.
	from, to := max(r.From, 0)/1000, min(r.To, 4_000_000_000_000)/1000
	sql := fmt.Sprintf("SELECT count() AS n, toInt64(toUnixTimestamp(min(interval_start))) AS first, toInt64(toUnixTimestamp(max(interval_start))) AS last "+
		"FROM `%s`.%s WHERE tenant = ? AND interval_start >= toDateTime(?, 'UTC') AND interval_start < toDateTime(?, 'UTC')", s.Warehouse.Database(), Table(kind))
	if err := s.Warehouse.Select(ctx, &bounds, sql, tenant, from, to); err != nil {
		return err
	}
	if len(bounds) == 0 || bounds[0].N == 0 {
		return nil
	}
	for at := bounds[0].First; at <= bounds[0].Last; at += dayMs / 1000 {
		var rows []stored
		where := "tenant = ? AND interval_start >= toDateTime(?, 'UTC') AND interval_start < toDateTime(?, 'UTC')"
		if err := s.Warehouse.Select(ctx, &rows, s.selection(kind, "", where), tenant, at, min(at+dayMs/1000, bounds[0].Last+1)); err != nil {
			return err
		}
		for i := range rows {
			if err := each(rows[i].row(kind, tenant)); err != nil {
				return err
			}
		}
	}
	return nil
}

// completeThrough is how far the table has the pipeline complete; schemas.Null where it has not heard of it.
func (s Shelf) completeThrough(ctx context.Context, tenant, pipeline string) (int64, error) {
	var rows []struct {
		At int64 `ch:"at_ms"`
	}
	sql := fmt.Sprintf("SELECT ifNull(toUnixTimestamp64Milli(complete_through), -9223372036854775808) AS at_ms FROM `%s`.completeness WHERE tenant = ? AND pipeline = ?", s.Warehouse.Database())
	if err := s.Warehouse.Select(ctx, &rows, sql, tenant, pipeline); err != nil || len(rows) == 0 {
		return schemas.Null, err
	}
	return rows[0].At, nil
}
