package clickhouse

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

func TestPing(t *testing.T) {
	s := server(t)
	for _, path := range []string{"/ping", "/", "/replicas_status"} {
		answer, err := http.Get("http://" + s.Addr() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != 200 || string(body) != "Ok.\n" {
			t.Errorf("GET %s: %d %q", path, answer.StatusCode, body)
		}
	}
	answer, err := http.Get("http://" + s.Addr() + "/nothing/here")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 404 {
		t.Errorf("GET of an unknown path: %d", answer.StatusCode)
	}
}

func TestFormats(t *testing.T) {
	s := server(t)
	f := func(parameters map[string]string, sql, want, contentType string, headers ...string) {
		t.Helper()
		status, body, header := send(t, s, "POST", parameters, sql, headers...)
		if status != 200 || body != want || header.Get("Content-Type") != contentType {
			t.Errorf("%s %v: %d %q %q; want %q %q", sql, parameters, status, body, header.Get("Content-Type"), want, contentType)
		}
	}
	type p = map[string]string
	f(nil, "SELECT 1, 'a'", "1\ta\n", "text/tab-separated-values; charset=UTF-8")
	f(nil, "SELECT 1, 'a' FORMAT CSV", "1,\"a\"\n", "text/csv; charset=UTF-8; header=absent")
	f(p{"default_format": "CSVWithNames"}, "SELECT 1 AS n", "\"n\"\n1\n", "text/csv; charset=UTF-8; header=present")
	f(p{"default_format": "CSV"}, "SELECT 1 AS n FORMAT JSONEachRow", "{\"n\":1}\n", "application/x-ndjson; charset=UTF-8")
	f(p{"default_format": "CSV"}, "SELECT 1 AS n", "{\"n\":1}\n", "application/x-ndjson; charset=UTF-8", "X-ClickHouse-Format", "JSONEachRow")
	f(nil, "SHOW DATABASES LIKE 'default' FORMAT JSONEachRow", "{\"name\":\"default\"}\n", "application/x-ndjson; charset=UTF-8")
	f(p{"query": "SELECT 1 +"}, " 2", "3\n", "text/tab-separated-values; charset=UTF-8") // the body goes on where the parameter ends
	f(p{"param_a": "x'y", "param_n": "3"}, "SELECT {a:String}, {n:UInt8}", "x\\'y\t3\n", "text/tab-separated-values; charset=UTF-8")
	f(p{"max_block_size": "7"}, "SELECT getSetting('max_block_size')", "7\n", "text/tab-separated-values; charset=UTF-8")
	f(p{"database": "system"}, "SELECT currentDatabase()", "system\n", "text/tab-separated-values; charset=UTF-8")
	f(nil, "SELECT currentDatabase()", "system\n", "text/tab-separated-values; charset=UTF-8", "X-ClickHouse-Database", "system")
	f(nil, "SELECT currentDatabase()", "default\n", "text/tab-separated-values; charset=UTF-8") // and is not left behind
	f(p{"user": "u", "password": "p"}, "SELECT 1", "1\n", "text/tab-separated-values; charset=UTF-8", "X-ClickHouse-User", "u", "X-ClickHouse-Key", "k")
}

func TestErrors(t *testing.T) {
	s := server(t)
	f := func(parameters map[string]string, sql string, status int, code string) {
		t.Helper()
		got, body, header := send(t, s, "POST", parameters, sql)
		if got != status || header.Get("X-ClickHouse-Exception-Code") != code || !strings.HasPrefix(body, "Code: "+code+". DB::Exception: ") {
			t.Errorf("%s: %d, code %q, %q; want %d, code %s", sql, got, header.Get("X-ClickHouse-Exception-Code"), body, status, code)
		}
	}
	type p = map[string]string
	f(nil, "SELECT * FROM no_such_table", 404, "60")
	f(nil, "SELECT no_such_column", 404, "47")
	f(nil, "SELEC 1", 400, "62")
	f(nil, "SELECT 1 FORMAT NoSuchFormat", 404, "73")
	f(nil, "SELECT throwIf(1)", 500, "395")
	f(p{"no_such_setting": "1"}, "SELECT 1", 404, "115")
	f(p{"database": "no_such_database"}, "SELECT 1", 404, "81")
	f(p{"client_protocol_version": "x"}, "SELECT 1", 400, "72")
	f(p{"max_execution_time": "0.05"}, "SELECT count() FROM system.numbers", 408, "159")
	f(p{"max_memory_usage": "1000000"}, "SELECT groupArray(number) FROM numbers(10000000)", 500, "241")
	f(p{"compress": "1", "network_compression_method": "rot13"}, "SELECT 1", 500, "89")
}

func TestGetChangesNothing(t *testing.T) {
	s := server(t)
	status, body, _ := send(t, s, "GET", map[string]string{"query": "SELECT 1"}, "")
	if status != 200 || body != "1\n" {
		t.Errorf("GET SELECT: %d %q", status, body)
	}
	status, body, header := send(t, s, "GET", map[string]string{"query": "CREATE TABLE got (a UInt8) ENGINE = Memory"}, "")
	if status != 500 || header.Get("X-ClickHouse-Exception-Code") != "164" {
		t.Errorf("GET CREATE: %d %q", status, body)
	}
}

func TestHeaders(t *testing.T) {
	s := server(t)
	_, _, header := send(t, s, "POST", map[string]string{"query_id": "mine"}, "SELECT number FROM numbers(10) FORMAT CSV")
	if header.Get("X-ClickHouse-Query-Id") != "mine" || header.Get("X-ClickHouse-Format") != "CSV" || header.Get("Content-Length") != "20" {
		t.Errorf("got %v", header)
	}
	var summary map[string]string
	if err := json.Unmarshal([]byte(header.Get("X-ClickHouse-Summary")), &summary); err != nil || summary["result_rows"] != "10" || summary["read_rows"] != "10" {
		t.Errorf("summary %v, %v", header.Get("X-ClickHouse-Summary"), err)
	}
}

func TestContentEncoding(t *testing.T) {
	s := server(t)
	encoded := map[string][]byte{}
	for _, encoding := range encodings {
		var buffer bytes.Buffer
		w, err := encoding.open(&buffer)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, "SELECT 'sent compressed'")
		w.Close()
		encoded[encoding.name] = buffer.Bytes()
	}
	decoders := map[string]func(io.Reader) (io.Reader, error){
		"gzip":    func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"deflate": func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) },
		"br":      func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
		"zstd":    func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
		"lz4":     func(r io.Reader) (io.Reader, error) { return lz4.NewReader(r), nil },
	}
	for name, body := range encoded {
		_, answer, header := send(t, s, "POST", nil, string(body), "Content-Encoding", name, "Accept-Encoding", "none;q=1, "+name)
		if header.Get("Content-Encoding") != name {
			t.Errorf("%s: answered in %q", name, header.Get("Content-Encoding"))
			continue
		}
		r, err := decoders[name](strings.NewReader(answer))
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(r); err != nil || string(text) != "sent compressed\n" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if _, answer, header := send(t, s, "POST", nil, "SELECT 1", "Accept-Encoding", "gzip;q=0"); answer != "1\n" || header.Get("Content-Encoding") != "" {
		t.Errorf("a refused encoding was used: %q %v", answer, header)
	}
	// An error is always plain.
	if status, answer, header := send(t, s, "POST", nil, "SELECT bad", "Accept-Encoding", "gzip"); status != 404 || header.Get("Content-Encoding") != "" || !strings.HasPrefix(answer, "Code: 47.") {
		t.Errorf("error: %d %q %v", status, answer, header)
	}
	if status, answer, _ := send(t, s, "POST", nil, "x", "Content-Encoding", "rot13"); status != 500 || !strings.HasPrefix(answer, "Code: 89.") {
		t.Errorf("unknown encoding: %d %q", status, answer)
	}
}

// A browser must not be made to query this server by a page of another site.
func TestForeignPages(t *testing.T) {
	s := server(t)
	f := func(status int, headers ...string) {
		t.Helper()
		request, _ := http.NewRequest("POST", "http://"+s.Addr()+"/", strings.NewReader("SELECT 1"))
		for i := 0; i < len(headers); i += 2 {
			if headers[i] == "Host" {
				request.Host = headers[i+1]
			}
			request.Header.Set(headers[i], headers[i+1])
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != status {
			t.Errorf("%v: %d; want %d", headers, answer.StatusCode, status)
		}
	}
	f(200)
	f(200, "Host", "localhost:8123")
	f(200, "Host", "[::1]:8123")
	f(200, "Origin", "http://localhost:3000")
	f(403, "Host", "evil.example")
	f(403, "Origin", "https://evil.example")
	f(403, "Origin", "null")
}

func TestSessions(t *testing.T) {
	s := server(t)
	f := func(parameters map[string]string, sql string, status int, want string) {
		t.Helper()
		got, body, _ := send(t, s, "POST", parameters, sql)
		if got != status || !strings.HasPrefix(body, want) {
			t.Errorf("%v %s: %d %q; want %d %q", parameters, sql, got, body, status, want)
		}
	}
	type p = map[string]string
	f(p{"session_id": "none", "session_check": "1"}, "SELECT 1", 500, "Code: 372.")
	f(p{"session_id": "a"}, "CREATE TEMPORARY TABLE mine (x UInt8)", 200, "")
	f(p{"session_id": "a"}, "INSERT INTO mine VALUES (5)", 200, "")
	f(p{"session_id": "a"}, "SET max_block_size = 77", 200, "")
	f(p{"session_id": "a", "session_check": "1"}, "SELECT x, getSetting('max_block_size') FROM mine", 200, "5\t77\n")
	f(p{"session_id": "b"}, "SELECT x FROM mine", 404, "Code: 60.")
	// Without a session nothing is left behind.
	f(nil, "CREATE TEMPORARY TABLE lost (x UInt8)", 200, "")
	f(nil, "SET max_block_size = 78", 200, "")
	for range 5 {
		f(nil, "SELECT getSetting('max_block_size') = 78", 200, "0\n")
		f(nil, "SELECT * FROM lost", 404, "Code: 60.")
	}
}
