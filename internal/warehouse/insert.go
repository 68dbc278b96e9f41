package warehouse

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/quarterhour/quarterhour/internal/crash"
)

// Inserter writes records of one kind into their storage table. It is safe for concurrent use.
type Inserter[T any] struct {
	w       *Warehouse
	table   string
	sql     string
	columns []column[T]
	wire    []clickhouse.ColumnNameAndType
	// asIs leaves it to later merges to find records of one key in a batch. It saves a tenth where there are few, as in facts;
	// rows come in many revisions at once, and most need not be stored.
	asIs   bool
	memory sync.Pool // of *gathered
}

// gathered is one batch by column.
type gathered struct {
	slots  []slot
	values []any
}

func newInserter[T any](w *Warehouse, table string, columns []column[T]) *Inserter[T] {
	names := make([]string, len(columns))
	i := &Inserter[T]{w: w, table: table, columns: columns}
	for n, c := range columns {
		names[n] = c.name
		i.wire = append(i.wire, clickhouse.ColumnNameAndType{Name: c.name, Type: c.wire})
	}
	i.sql = fmt.Sprintf("INSERT INTO %s (%s)", w.table(table), strings.Join(names, ", "))
	i.memory.New = func() any { return &gathered{slots: make([]slot, len(columns)), values: make([]any, len(columns))} }
	return i
}

// Insert writes the records in one block and returns when ClickHouse has them in the table and in everything fed from it.
//
// Writing records again changes nothing: the table keeps the greatest revision of each key. Where the token and the records
// are those of a batch written lately, ClickHouse does not even store them. After an error it is unknown whether they were
// written: write them again.
func (i *Inserter[T]) Insert(ctx context.Context, token string, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	g := i.memory.Get().(*gathered)
	defer i.memory.Put(g)
	defer g.forget()
	fingerprint := uint64(len(rows))
	for n := range i.columns {
		s := &g.slots[n]
		s.fingerprint = fingerprint
		g.values[n] = i.columns[n].gather(rows, s)
		fingerprint = s.fingerprint
	}
	// The content is part of the token, because a log that was made anew counts its offsets from 0 again: its records
	// must not be taken for those that had these offsets before.
	settings := clickhouse.Settings{"insert_deduplication_token": fmt.Sprintf("%s/%s/%016x", token, i.table, fingerprint)}
	for k, v := range insertSettings {
		settings[k] = v
	}
	if i.asIs {
		settings["optimize_on_insert"] = 0
	}
	options := []clickhouse.QueryOption{clickhouse.WithSettings(settings)}
	if i.w.http {
		options = append(options, clickhouse.WithColumnNamesAndTypes(i.wire))
	}
	err := i.send(clickhouse.Context(ctx, options...), g)
	crash.Point(crash.TableInserted)
	return failed("insert into "+i.table, err)
}

// insertSettings hold for every insert.
var insertSettings = clickhouse.Settings{
	"insert_deduplicate": 1,
	// A batch that failed between the table and its history is written to the history when it comes again.
	"deduplicate_blocks_in_dependent_materialized_views": 1,
	// The batch is the unit: no waiting for others, an answer when it is stored.
	"async_insert": 0,
	// A replay of years touches many months in one block.
	"max_partitions_per_insert_block": 10000,
}

func (i *Inserter[T]) send(ctx context.Context, g *gathered) error {
	// From here to Send a connection of the native protocol is held, which is why the columns are gathered before.
	batch, err := i.w.conn.PrepareBatch(ctx, i.sql)
	if err != nil {
		return err
	}
	defer func() { _ = batch.Close() }() // what matters is said by Send
	for n, v := range g.values {
		if err := batch.Column(n).Append(v); err != nil {
			return fmt.Errorf("column %q: %w", i.columns[n].name, err)
		}
	}
	return batch.Send()
}

func (g *gathered) forget() {
	for n := range g.slots {
		g.slots[n].forget()
	}
	clear(g.values)
}
