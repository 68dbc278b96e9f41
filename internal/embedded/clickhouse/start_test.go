package clickhouse

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

// A process can only load the engine's data once, so the tests share one server; those that need their own stop it first.
var shared struct {
	sync.Mutex
	server *Server
	dir    string
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	code := m.Run()
	stopShared()
	os.Exit(code)
}

func stopShared() {
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		shared.server.Close()
		os.RemoveAll(shared.dir)
		shared.server = nil
	}
}

// server gives the shared server, starting it if need be.
func server(t testing.TB) *Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		dir, err := os.MkdirTemp("", "clickhouse-test-*")
		if err != nil {
			t.Fatal(err)
		}
		shared.dir, shared.server = dir, open(t, dir)
	}
	return shared.server
}

// address is a server in another process; it and *Server are what the tests send requests to.
type address struct{ hostport string }

func (a *address) Addr() string { return a.hostport }

type addressed interface{ Addr() string }

func open(t testing.TB, dir string) *Server {
	t.Helper()
	s, err := Start(context.Background(), Options{Dir: dir, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// get sends a request with the URL's parameters and the body, and gives status, body and headers.
func send(t testing.TB, s addressed, method string, parameters map[string]string, body string, headers ...string) (int, string, http.Header) {
	t.Helper()
	values := url.Values{}
	for name, value := range parameters {
		values.Set(name, value)
	}
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	request, err := http.NewRequest(method, "http://"+s.Addr()+"/?"+values.Encode(), reader)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Header
}

// query runs a query that must succeed and gives its output.
func query(t testing.TB, s addressed, sql string) string {
	t.Helper()
	status, body, _ := send(t, s, http.MethodPost, nil, sql)
	if status != http.StatusOK {
		t.Fatalf("%s\n%d %s", sql, status, body)
	}
	return body
}

// connect opens clickhouse-go over HTTP.
func connect(t testing.TB, s *Server, compression driver.CompressionMethod) driver.Conn {
	t.Helper()
	conn, err := driver.Open(&driver.Options{
		Protocol: driver.HTTP, Addr: []string{s.Addr()}, Compression: &driver.Compression{Method: compression, Level: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
