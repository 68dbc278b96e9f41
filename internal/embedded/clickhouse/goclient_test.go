package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"testing"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// everyType is a row with a column of each kind of type that tables of this project, or of a user, may have.
type everyType struct {
	ID      uint64              `ch:"id"`
	Small   int8                `ch:"small"`
	Name    string              `ch:"name"`
	Queue   string              `ch:"queue"`
	Maybe   *string             `ch:"maybe"`
	MaybeLC *string             `ch:"maybe_lc"`
	Final   bool                `ch:"final"`
	At      time.Time           `ch:"at"`
	Ms      time.Time           `ch:"ms"`
	Day     time.Time           `ch:"day"`
	Amount  decimal.Decimal     `ch:"amount"`
	Wide    decimal.Decimal     `ch:"wide"`
	Ratio   float64             `ch:"ratio"`
	Fixed   string              `ch:"fixed"`
	Key     uuid.UUID           `ch:"key"`
	State   string              `ch:"state"`
	Tags    []string            `ch:"tags"`
	Deep    [][]uint32          `ch:"deep"`
	Reasons map[string]uint64   `ch:"reasons"`
	MapLC   map[string][]string `ch:"map_lc"`
	Huge    *big.Int            `ch:"huge"`
	Maybes  []*int64            `ch:"maybes"`
}

const everyTypeColumns = `id UInt64, small Int8, name String, queue LowCardinality(String), maybe Nullable(String),
	maybe_lc LowCardinality(Nullable(String)), final Bool, at DateTime('UTC'), ms DateTime64(3, 'UTC'), day Date,
	amount Decimal(18, 4), wide Decimal(38, 10), ratio Float64, fixed FixedString(3), key UUID,
	state Enum8('ready' = 1, 'not ready' = 2), tags Array(LowCardinality(String)), deep Array(Array(UInt32)),
	reasons Map(LowCardinality(String), UInt64), map_lc Map(String, Array(LowCardinality(String))), huge UInt256,
	maybes Array(Nullable(Int64))`

func everyRow(i int) everyType {
	text, minus := fmt.Sprint("maybe ", i%7), int64(-i)
	row := everyType{
		ID: 1<<63 + uint64(i), Small: int8(i), Name: fmt.Sprint("name é ", i), Queue: fmt.Sprint("queue ", i%300), Final: i%2 == 0,
		At: time.Unix(1_700_000_000+int64(i), 0).UTC(), Ms: time.UnixMilli(1_700_000_000_123 + int64(i)).UTC(),
		Day: time.Date(2024, 3, 1+i%28, 0, 0, 0, 0, time.UTC), Amount: decimal.New(int64(i)*12345, -4),
		Wide: decimal.New(int64(i)*-98765, -10), Ratio: float64(i) / 3, Fixed: "abc", Key: uuid.NewSHA1(uuid.Nil, []byte{byte(i)}),
		State: []string{"ready", "not ready"}[i%2], Tags: []string{}, Deep: [][]uint32{{1, 2}, {}, {uint32(i)}},
		Reasons: map[string]uint64{"break": uint64(i)}, MapLC: map[string][]string{"a": {"x", "y"}}, Huge: big.NewInt(int64(i)),
		Maybes: []*int64{&minus, nil},
	}
	if i%3 == 0 {
		row.Maybe, row.MaybeLC, row.Tags = &text, &text, []string{text, "two"}
	}
	return row
}

// Each way clickhouse-go can compress gives back what was inserted, in every type, over several blocks.
func TestGoClientEveryType(t *testing.T) {
	const rows = 700
	methods := map[string]driver.CompressionMethod{
		"none": driver.CompressionNone, "lz4": driver.CompressionLZ4, "zstd": driver.CompressionZSTD, "gzip": driver.CompressionGZIP,
		"deflate": driver.CompressionDeflate, "brotli": driver.CompressionBrotli,
	}
	s := server(t)
	for name, method := range methods {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			conn := connect(t, s, method)
			table := "every_" + name
			if err := conn.Exec(ctx, "CREATE TABLE "+table+" ("+everyTypeColumns+") ENGINE = MergeTree ORDER BY id"); err != nil {
				t.Fatal(err)
			}
			batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+table)
			if err != nil {
				t.Fatal(err)
			}
			var want []everyType
			for i := range rows {
				row := everyRow(i)
				want = append(want, row)
				if err := batch.AppendStruct(&row); err != nil {
					t.Fatal(err)
				}
			}
			if err := batch.Send(); err != nil {
				t.Fatal(err)
			}
			var got []everyType
			if err := conn.Select(ctx, &got, "SELECT * FROM "+table+" ORDER BY id SETTINGS max_block_size = 300"); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })); diff != "" {
				t.Errorf("rows read differ from those inserted (-want +got):\n%.2000s", diff)
			}
		})
	}
}

// database/sql works too.
func TestGoClientDatabaseSQL(t *testing.T) {
	db := driver.OpenDB(&driver.Options{Protocol: driver.HTTP, Addr: []string{server(t).Addr()}})
	defer db.Close()
	var n uint64
	if err := db.QueryRow("SELECT count() FROM numbers(?)", 12).Scan(&n); err != nil || n != 12 {
		t.Errorf("got %d, %v; want 12", n, err)
	}
	if err := db.Ping(); err != nil {
		t.Error(err)
	}
}

func TestGoClientParameters(t *testing.T) {
	conn := connect(t, server(t), driver.CompressionNone)
	ctx := driver.Context(context.Background(), driver.WithParameters(driver.Parameters{"name": `it's a \ "test"`, "n": "7"}),
		driver.WithSettings(driver.Settings{"max_block_size": 10}))
	var name, size string
	var n uint64
	err := conn.QueryRow(ctx, "SELECT {name:String}, {n:UInt64}, toString(getSetting('max_block_size'))").Scan(&name, &n, &size)
	if err != nil || name != `it's a \ "test"` || n != 7 || size != "10" {
		t.Errorf("got %q %d %q, %v", name, n, size, err)
	}
	// Neither parameters nor settings are left behind for the next query.
	if err := conn.QueryRow(context.Background(), "SELECT toString(getSetting('max_block_size'))").Scan(&size); err != nil || size == "10" {
		t.Errorf("setting of one query is seen by the next: %q, %v", size, err)
	}
	if err := conn.QueryRow(context.Background(), "SELECT {name:String}").Scan(&name); err == nil {
		t.Errorf("parameter of one query is seen by the next: %q", name)
	}
}

func TestGoClientErrors(t *testing.T) {
	conn := connect(t, server(t), driver.CompressionLZ4)
	var e *driver.Exception
	err := conn.Exec(context.Background(), "SELECT * FROM no_such_table")
	if !asError(err, &e) || e.Code != 60 {
		t.Errorf("got %v; want exception 60", err)
	}
	rows, err := conn.Query(context.Background(), "SELECT throwIf(number = 9000000, 'too far') FROM numbers(10000000) SETTINGS max_threads = 1")
	if err == nil {
		for rows.Next() {
		}
		err = rows.Err()
	}
	if !asError(err, &e) || e.Code != 395 {
		t.Errorf("got %v; want exception 395 from the middle of the stream", err)
	}
}

func asError[T error](err error, target *T) bool { return errors.As(err, target) }

// Data may look like the mark of an exception that broke an answer off.
func TestGoClientTakesDataForData(t *testing.T) {
	const text = "__exception__\r\nnot one"
	conn := connect(t, server(t), driver.CompressionNone)
	var got string
	if err := conn.QueryRow(context.Background(), "SELECT concat('__exception__', char(13), char(10), 'not one')").Scan(&got); err != nil || got != text {
		t.Errorf("got %q, %v", got, err)
	}
}
