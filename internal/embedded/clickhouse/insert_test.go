package clickhouse

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

func TestInsert(t *testing.T) {
	s := server(t)
	n := 0
	f := func(parameters map[string]string, body, want string) {
		t.Helper()
		n++
		table := fmt.Sprint("insert_", n)
		query(t, s, "CREATE TABLE "+table+" (a UInt64, b String DEFAULT 'none') ENGINE = MergeTree ORDER BY a")
		if q := parameters["query"]; q != "" {
			parameters["query"] = strings.ReplaceAll(q, "INTO T", "INTO "+table)
		}
		status, answer, _ := send(t, s, "POST", parameters, strings.ReplaceAll(body, "INTO T", "INTO "+table))
		if status != 200 {
			t.Errorf("%v %s: %d %s", parameters, body, status, answer)
			return
		}
		if got := strings.TrimSuffix(query(t, s, "SELECT * FROM "+table+" ORDER BY a FORMAT CSV"), "\n"); got != want {
			t.Errorf("%v %s:\ngot  %q\nwant %q", parameters, body, got, want)
		}
	}
	type p = map[string]string
	f(nil, "INSERT INTO T VALUES (1, 'x'), (2, 'y;')", "1,\"x\"\n2,\"y;\"")
	f(nil, "INSERT INTO T (a) VALUES (1 + 2)", "3,\"none\"")
	f(nil, "INSERT INTO T FORMAT JSONEachRow\n{\"a\":1}\n{\"a\":2,\"b\":\"é\"}", "1,\"none\"\n2,\"é\"")
	f(nil, "INSERT INTO T FORMAT JSONEachRow {\"a\":1}", "1,\"none\"")
	f(p{"query": "INSERT INTO T FORMAT CSVWithNames"}, "b,a\nx,1\n", "1,\"x\"")
	f(p{"query": "INSERT INTO T (b, a) FORMAT TabSeparated"}, "x\t1\n", "1,\"x\"")
	f(p{"query": "INSERT INTO T (a) VALUES"}, "(7)", "7,\"none\"")
	f(p{"query": "INSERT INTO T SETTINGS async_insert = 1, wait_for_async_insert = 0, max_insert_block_size = 10 FORMAT CSV"}, "7,z\n", "7,\"z\"")
	f(p{"query": "INSERT INTO T FORMAT CSV", "async_insert": "1", "wait_for_async_insert": "0", "max_insert_block_size": "10"}, "7,z\n", "7,\"z\"")
	f(p{"query": "INSERT INTO T SELECT a + 1, upper(b) FROM input('a UInt64, b String') FORMAT CSV"}, "7,z\n", "8,\"Z\"")
	f(p{"query": "INSERT INTO T SELECT number, 's' FROM numbers(2)"}, "", "0,\"s\"\n1,\"s\"")
	f(p{"query": "INSERT INTO T FORMAT CSV"}, "", "")
	f(p{"param_x": "9"}, "INSERT INTO T (a) SELECT {x:UInt64}", "9,\"none\"")
}

// Data longer than what is read to find out what a request is.
func TestInsertLong(t *testing.T) {
	s := server(t)
	query(t, s, "CREATE TABLE long_body (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
	var body strings.Builder
	body.WriteString("INSERT INTO long_body VALUES ")
	for i := range 60_000 {
		fmt.Fprintf(&body, "(%d, 'text'),", i)
	}
	if body.Len() < 2*headBytes {
		t.Fatalf("the body has only %d bytes", body.Len())
	}
	query(t, s, strings.TrimSuffix(body.String(), ","))
	if got := query(t, s, "SELECT count(), sum(a) FROM long_body"); got != "60000\t1799970000\n" {
		t.Errorf("got %q", got)
	}
	// A long query that is no INSERT arrives whole too, and the engine's own limit tells what to raise.
	status, answer, _ := send(t, s, "POST", map[string]string{"max_query_size": "9000000"}, "SELECT length('"+strings.Repeat("x", 600_000)+"')")
	if status != 200 || answer != "600000\n" {
		t.Errorf("long query: %d %.200s", status, answer)
	}
}

// Of a body that does not arrive whole nothing is inserted, however the transport marks its end.
func TestInsertHalfSent(t *testing.T) {
	s := server(t)
	query(t, s, "CREATE TABLE half (a UInt64) ENGINE = MergeTree ORDER BY a")
	f := func(request string) {
		t.Helper()
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /?query=INSERT+INTO+half+FORMAT+CSV HTTP/1.1\r\nHost: 127.0.0.1\r\n%s", request)
		conn.(*net.TCPConn).CloseWrite()
		answer := make([]byte, 200)
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, _ := conn.Read(answer)
		conn.Close()
		if strings.HasPrefix(string(answer[:n]), "HTTP/1.1 200") {
			t.Errorf("%q was acknowledged: %s", request, answer[:n])
		}
	}
	f("Content-Length: 100\r\n\r\n1\n2\n3\n")
	f("Transfer-Encoding: chunked\r\n\r\n6\r\n1\n2\n3\n\r\n")
	f("Transfer-Encoding: chunked\r\n\r\n6\r\n1\n2\n")
	if status, body, _ := send(t, s, "POST", map[string]string{"query": "INSERT INTO half FORMAT CSV", "decompress": "1"}, strings.Repeat("x", 25)); status == 200 {
		t.Errorf("damaged compressed block was acknowledged: %s", body)
	}
	if got := query(t, s, "SELECT count() FROM half"); got != "0\n" {
		t.Errorf("%s rows of half-sent bodies were inserted", strings.TrimSpace(got))
	}
}

// Neither data nor temporary files stay in the directory once a request has ended.
func TestInsertLeavesNoFiles(t *testing.T) {
	s := server(t)
	query(t, s, "CREATE TABLE files (a UInt64) ENGINE = MergeTree ORDER BY a")
	query(t, s, "INSERT INTO files FORMAT CSV\n1\n2\n")
	send(t, s, "POST", nil, "INSERT INTO files FORMAT CSV\nnot a number\n")
	entries, err := os.ReadDir(s.spool)
	if err != nil || len(entries) != 0 {
		t.Errorf("spool holds %v, %v", entries, err)
	}
}

// The same token inserts once, as the warehouse's idempotent batches need it; another token inserts again.
func TestInsertDeduplicationToken(t *testing.T) {
	s := server(t)
	conn := connect(t, s, driver.CompressionLZ4)
	query(t, s, "CREATE TABLE tokens (a UInt64) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100")
	for _, token := range []string{"one", "one", "two"} {
		ctx := driver.Context(context.Background(), driver.WithSettings(driver.Settings{"insert_deduplication_token": token}))
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO tokens")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			if err := batch.Append(uint64(i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
	}
	if got := query(t, s, "SELECT count() FROM tokens"); got != "20\n" {
		t.Errorf("got %s rows; want 20", strings.TrimSpace(got))
	}
}

func TestExternalTables(t *testing.T) {
	s := server(t)
	f := func(parameters map[string]string, sql, data, want string) {
		t.Helper()
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		form.WriteField("query", sql)
		part, err := form.CreateFormFile("ext", "ext")
		if err != nil {
			t.Fatal(err)
		}
		part.Write([]byte(data))
		form.Close()
		status, answer, _ := send(t, s, "POST", parameters, body.String(), "Content-Type", form.FormDataContentType())
		if got := fmt.Sprint(status, " ", answer); !strings.HasPrefix(got, want) {
			t.Errorf("%v: %s; want %s", parameters, got, want)
		}
	}
	type p = map[string]string
	f(p{"ext_structure": "v UInt32", "ext_format": "CSV"}, "SELECT sum(v) FROM ext", "1\n2\n", "200 3\n")
	f(p{"ext_types": "UInt32, String"}, "SELECT sum(_1), max(_2) FROM ext", "1\ta\n2\tb\n", "200 3\tb\n")
	f(p{"ext_structure": "v UInt32"}, "SELECT count() FROM ext", "", "200 0\n")
	f(p{}, "SELECT 1", "", "400 Code: 36.")
	if status, _, _ := send(t, s, "POST", nil, "SELECT * FROM ext"); status != 404 {
		t.Errorf("external table outlives its query: %d", status)
	}
}
