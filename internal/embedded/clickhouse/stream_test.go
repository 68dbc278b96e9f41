package clickhouse

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

// residentKiB is how much memory this process holds.
func residentKiB(t testing.TB) int {
	t.Helper()
	file, err := os.Open("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); fields[0] == "VmRSS:" {
			n, _ := strconv.Atoi(fields[1])
			return n
		}
	}
	t.Fatal("no VmRSS in /proc/self/status")
	return 0
}

func post(t testing.TB, ctx context.Context, s addressed, parameters, sql string) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, "POST", "http://"+s.Addr()+"/?"+parameters, strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	return (&http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}).Do(request)
}

// A result of 200 MB passes through without being held, in a format with one row after the other as in one with a frame around all.
func TestStreamLargeResults(t *testing.T) {
	s := server(t)
	query(t, s, "SELECT * FROM numbers(1000000) FORMAT JSON") // what the engine needs once
	for _, format := range []string{"RowBinary", "JSON"} {
		before := residentKiB(t)
		answer, err := post(t, context.Background(), s, "", "SELECT repeat('x', 100) x FROM numbers(2000000) FORMAT "+format)
		if err != nil {
			t.Fatal(err)
		}
		size, err := io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		grown := (residentKiB(t) - before) >> 10
		if err != nil || size < 200_000_000 {
			t.Errorf("%s: read %d bytes, %v", format, size, err)
		}
		if grown > 100 {
			t.Errorf("%s: the process grew by %d MiB for a result of %d MiB", format, grown, size>>20)
		}
	}
}

// The first rows arrive while the query still runs.
func TestStreamStartsEarly(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	answer, err := post(t, ctx, server(t), "max_block_size=65536&max_threads=1", "SELECT number FROM system.numbers FORMAT RowBinary")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if n, err := io.ReadFull(answer.Body, make([]byte, 4<<20)); err != nil {
		t.Errorf("read %d bytes of an endless result: %v", n, err)
	}
}

// running counts the queries that run, apart from the one that asks.
func running(t testing.TB, s addressed) string {
	t.Helper()
	return strings.TrimSpace(query(t, s, "SELECT count() - 1 FROM system.processes"))
}

func waitIdle(t testing.TB, s addressed) {
	t.Helper()
	for range 100 {
		if running(t, s) == "0" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("queries still run 5 s after their client went away:\n%s", query(t, s, "SELECT elapsed, query FROM system.processes FORMAT Vertical"))
}

// A client that goes away stops its query, whether the query is writing or still computing.
func TestDisconnectCancels(t *testing.T) {
	s := server(t)
	for _, sql := range []string{
		"SELECT number FROM system.numbers FORMAT RowBinary",
		"SELECT number FROM system.numbers FORMAT Native",
		"SELECT count() FROM system.numbers",
		"SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0",
	} {
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			for range 100 {
				if running(t, s) != "0" {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			time.Sleep(50 * time.Millisecond)
			cancel()
		}()
		if answer, err := post(t, ctx, s, "client_protocol_version=54460", sql); err == nil {
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
		waitIdle(t, s)
	}
}

// clickhouse-go cancels by its context.
func TestGoClientCancels(t *testing.T) {
	s := server(t)
	conn := connect(t, s, driver.CompressionNone)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	var n uint64
	if err := conn.QueryRow(ctx, "SELECT count() FROM system.numbers").Scan(&n); err == nil {
		t.Error("an endless query ended")
	}
	waitIdle(t, s)
}

// Queries run beside each other, more of them than there are connections, and each gets its own answer.
func TestConcurrentQueries(t *testing.T) {
	s := server(t)
	query(t, s, "CREATE TABLE busy (a UInt64) ENGINE = MergeTree ORDER BY a")
	var wait sync.WaitGroup
	for i := range 3 * maxConnections {
		wait.Go(func() {
			for k := range 3 {
				want := fmt.Sprint(i*10 + k)
				status, body, _ := send(t, s, "POST", map[string]string{"param_x": want, "max_block_size": fmt.Sprint(i + 1)}, "SELECT {x:UInt64}, getSetting('max_block_size')")
				if status != 200 || body != want+"\t"+fmt.Sprint(i+1)+"\n" {
					t.Errorf("got %d %q; want %s", status, body, want)
				}
				send(t, s, "POST", nil, "INSERT INTO busy VALUES ("+want+")")
			}
		})
	}
	wait.Wait()
	if got, want := query(t, s, "SELECT count() FROM busy"), fmt.Sprintln(9*maxConnections); got != want {
		t.Errorf("%s rows inserted; want %s", got, want)
	}
}

// Waiting is no work: as many sleeping queries as there are connections take as long as one.
func TestConcurrentQueriesOverlap(t *testing.T) {
	s := server(t)
	var wait sync.WaitGroup
	var overlap sync.Map
	for range 4 {
		wait.Go(func() {
			query(t, s, "SELECT sleep(0.5)")
		})
	}
	for range 20 {
		overlap.Store(running(t, s), true)
		time.Sleep(20 * time.Millisecond)
	}
	wait.Wait()
	if _, ok := overlap.Load("4"); !ok {
		t.Error("four queries of half a second never ran at once")
	}
}

// wait_end_of_query turns an error after a megabyte of output into a plain answer, and long output comes whole.
func TestWaitEndOfQuery(t *testing.T) {
	s := server(t)
	wait := map[string]string{"wait_end_of_query": "1", "max_threads": "1"}
	status, body, _ := send(t, s, "POST", wait, "SELECT throwIf(number = 3000000) FROM numbers(4000000)")
	if status != 500 || !strings.HasPrefix(body, "Code: 395.") {
		t.Errorf("error: %d %.100s", status, body)
	}
	status, body, header := send(t, s, "POST", wait, "SELECT 'x' FROM numbers(4000000)")
	if status != 200 || len(body) != 8_000_000 || header.Get("Content-Length") != "8000000" {
		t.Errorf("output: %d, %d bytes, length %q", status, len(body), header.Get("Content-Length"))
	}
}

// An error after the answer has begun breaks the connection off after a marked block that names it.
func TestErrorInTheMiddle(t *testing.T) {
	answer, err := post(t, context.Background(), server(t), "max_threads=1", "SELECT throwIf(number = 3000000) FROM numbers(4000000)")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	tag := answer.Header.Get("X-ClickHouse-Exception-Tag")
	if err == nil || len(tag) != 16 {
		t.Errorf("read to the end without an error; tag %q", tag)
	}
	tail := string(body[max(0, len(body)-600):])
	if !strings.Contains(tail, "\r\n__exception__\r\n"+tag+"\r\nCode: 395.") || !strings.HasSuffix(tail, " "+tag+"\r\n__exception__\r\n") {
		t.Errorf("the answer ends in %q", tail)
	}
}
