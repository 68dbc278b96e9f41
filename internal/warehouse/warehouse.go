package warehouse

import (
	"context"
	"crypto/tls"
	"errors"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Config says where ClickHouse is.
type Config struct {
	// URL is clickhouse://user:password@host:9000/database for a server's native protocol, or http(s)://host:port/database for
	// its HTTP interface, which is how the embedded engine is reached. Parameters that clickhouse-go knows (secure, skip_verify,
	// compress, dial_timeout, ...) may follow; others are settings of ClickHouse. The database is quarterhour where none is named.
	URL string
	// Database goes before the one in URL.
	Database string
	// QueryURL is the HTTP interface that answers Query. Where empty, URL if that is HTTP, else port 8123 (8443 with TLS) of
	// the same host.
	QueryURL string
	// TLS is used for https and for clickhouse with secure=true; nil trusts the system's authorities.
	TLS *tls.Config
	// Product and Version name this program in the server's query log.
	Product, Version string
}

// Warehouse is an open connection pool. It is safe for concurrent use.
type Warehouse struct {
	database string
	http     bool // whether conn speaks HTTP
	conn     driver.Conn
	asking   *clickhouse.Options

	mu  sync.Mutex
	ask driver.Conn // answers Query; made at the first
}

// Open reads the configuration and checks that the server answers. The database need not exist yet: Migrate makes it.
func Open(ctx context.Context, c Config) (*Warehouse, error) {
	a, err := parseAddress(c)
	if err != nil {
		return nil, err
	}
	conn, err := clickhouse.Open(a.insert)
	if err != nil {
		return nil, failed("open ClickHouse", err)
	}
	w := &Warehouse{database: a.database, http: a.insert.Protocol == clickhouse.HTTP, conn: conn, asking: a.query}
	if err := w.Ping(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return w, nil
}

// Database is the name of the database that holds the tables.
func (w *Warehouse) Database() string { return w.database }

// Ping asks the server for a sign of life.
func (w *Warehouse) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return failed("reach ClickHouse", w.conn.Ping(ctx))
}

// Close ends the connections. Batches on their way fail.
func (w *Warehouse) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.conn.Close()
	if w.ask != nil {
		err = errors.Join(err, w.ask.Close())
	}
	return err
}

// Exec runs a statement that answers no rows. Tables are in the database's name space only where the statement says so.
func (w *Warehouse) Exec(ctx context.Context, sql string, args ...any) error {
	return failed("run a statement", w.conn.Exec(ctx, sql, args...))
}

// Select reads all rows of a query into a slice of structs whose fields have the tag ch:"column".
func (w *Warehouse) Select(ctx context.Context, into any, sql string, args ...any) error {
	return failed("read from ClickHouse", w.conn.Select(ctx, into, sql, args...))
}
