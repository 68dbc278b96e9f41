package clickhouse

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
	"github.com/google/go-cmp/cmp"
)

// nativeColumns are expressions of every type that reframe must know, each with values of different lengths.
var nativeColumns = []string{
	"toInt8(number)", "toUInt64(number)", "toInt128(number)", "toUInt256(number)", "toFloat32(number)", "number % 2 = 0",
	"toBool(number % 2)", "toString(number)", "repeat('é', number % 9 * 9000)", "toFixedString(toString(number), 7)",
	"toDate(number)", "toDate32(number)", "toDateTime(number, 'Europe/Berlin')", "toDateTime64(number, 3, 'UTC')",
	"generateUUIDv4()", "toIPv4('1.2.3.4')", "toIPv6('::1')", "CAST(number % 2 + 1, 'Enum8(\\'a, b)\\' = 1, \\'c\\\\\\'\\' = 2)')",
	"CAST(number, 'Decimal(9, 2)')", "toDecimal64(number, 4)", "toDecimal128(number, 4)", "toDecimal256(number, 4)",
	"if(number % 3 = 0, NULL, number)", "if(number % 3 = 0, NULL, toString(number))", "NULL",
	"toLowCardinality(toString(number % 5))", "CAST(if(number % 3 = 0, NULL, toString(number)), 'LowCardinality(Nullable(String))')",
	"range(number % 4)", "arrayMap(x -> range(x), range(number % 4))", "CAST([], 'Array(LowCardinality(String))')",
	"CAST(arrayMap(x -> toString(x), range(number % 4)), 'Array(LowCardinality(Nullable(String)))')",
	"map('k', number)", "CAST(map('a', ['x', 'y']), 'Map(LowCardinality(String), Array(LowCardinality(String)))')",
	"tuple(number, toString(number), [number])", "CAST((number, 'x'), 'Tuple(`ab` UInt64, c LowCardinality(String))')",
	"CAST([(1, 'x')], 'Nested(a UInt8, b String)')", "(1.0, 2.0)::Point", "[(1.0, 2.0)]::Ring", "[[(1.0, 2.0)]]::Polygon",
	"INTERVAL number DAY", "CAST(number, 'SimpleAggregateFunction(sum, UInt64)')",
}

func native(t testing.TB, sql string) []byte {
	t.Helper()
	return []byte(query(t, server(t), sql+" FORMAT Native"))
}

// What reframe writes is what clickhouse-go's own decoder reads, with the same values as in the file format.
func TestReframe(t *testing.T) {
	for _, expression := range nativeColumns {
		t.Run(expression, func(t *testing.T) {
			file := native(t, "SELECT "+expression+" AS c, number AS after FROM numbers(700) SETTINGS max_block_size = 300")
			var framed bytes.Buffer
			if err := reframe(&framed, bytes.NewReader(file), serverRevision); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decodeBlocks(t, file, 0), decodeBlocks(t, framed.Bytes(), serverRevision)); diff != "" {
				t.Errorf("-file +framed:\n%.1000s", diff)
			}
		})
	}
}

// decodeBlocks gives the number of rows and the last value of the last column of each block: the latter is only right where
// every column before ended at the right place.
func decodeBlocks(t *testing.T, data []byte, revision uint64) (got []any) {
	t.Helper()
	reader := chproto.NewReader(bytes.NewReader(data))
	for {
		block := proto.NewBlock()
		err := block.Decode(reader, revision)
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatalf("revision %d: %v", revision, err)
		}
		got = append(got, block.ColumnsNames(), block.Rows(), block.Columns[1].Row(block.Rows()-1, false))
	}
}

// A stream that breaks off is an error wherever it does, except between blocks.
func TestReframeCutOff(t *testing.T) {
	file := native(t, "SELECT toString(number) s, toLowCardinality('x') l, [number] a FROM numbers(3)")
	for n := 1; n < len(file); n++ {
		if err := reframe(io.Discard, bytes.NewReader(file[:n]), serverRevision); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut after %d of %d bytes: %v", n, len(file), err)
		}
	}
	if err := reframe(io.Discard, bytes.NewReader(file), serverRevision); err != nil {
		t.Error(err)
	}
}

func TestReframeVariant(t *testing.T) {
	file := native(t, "SELECT if(number % 2 = 0, 'x', number)::Variant(String, UInt64) c, number AS after FROM numbers(1000)")
	var framed bytes.Buffer
	if err := reframe(&framed, bytes.NewReader(file), 1); err != nil {
		t.Fatal(err)
	}
	if got := framed.Bytes(); !bytes.Equal(got[len(blockInfo):], file) {
		t.Error("a column of type Variant is not passed as it is")
	}
}

func TestReframeUnknownType(t *testing.T) {
	s := server(t)
	status, body, _ := send(t, s, "POST", map[string]string{"client_protocol_version": "54460", "default_format": "Native"}, "SELECT sumState(number) FROM numbers(3)")
	if status != 404 || !strings.Contains(body, "Code: 50.") || !strings.Contains(body, "AggregateFunction(sum, UInt64)") {
		t.Errorf("got %d %s", status, body)
	}
}

func FuzzReframe(f *testing.F) {
	f.Add([]byte("\x01\x02\x01a\x06String\x01x\x02yy"))
	f.Add([]byte("\x01\x01\x01a\x0dArray(String)\x01\x00\x00\x00\x00\x00\x00\x00\x01x"))
	f.Add([]byte("\x01\x01\x01a\x16LowCardinality(String)\x01\x00\x00\x00\x00\x00\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		reframe(io.Discard, bytes.NewReader(data), serverRevision)
	})
}

func BenchmarkReframe(b *testing.B) {
	file := native(b, "SELECT number, toString(number) s, toLowCardinality('x') l FROM numbers(200000)")
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if err := reframe(io.Discard, bytes.NewReader(file), serverRevision); err != nil {
			b.Fatal(err)
		}
	}
}
