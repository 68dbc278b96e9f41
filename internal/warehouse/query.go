package warehouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// formatClause is a FORMAT at the end of a statement.
var formatClause = regexp.MustCompile(`(?is)^(.*\s)FORMAT\s+([A-Za-z][A-Za-z0-9]*)\s*;?\s*$`)

// SplitFormat takes a FORMAT clause off a statement's end: it goes before the format given.
func SplitFormat(sql, format string) (string, string) {
	if m := formatClause.FindStringSubmatch(sql); m != nil {
		return m[1], m[2]
	}
	return sql, format
}

// Query runs one statement and streams the answer to out in a format of ClickHouse (TSV, JSONEachRow, Parquet, ...). A FORMAT
// clause at the end of the statement goes before the argument. Names without a database are tables of this one. If the
// statement fails after it began to answer, what was answered is in out and the error says so. It speaks HTTP: see
// Config.QueryURL for servers whose rows are inserted through the native protocol.
func (w *Warehouse) Query(ctx context.Context, sql, format string, out io.Writer) error {
	sql, format = SplitFormat(sql, format)
	conn, err := w.questions()
	if err != nil {
		return err
	}
	answer, err := conn.QueryFormat(ctx, format, sql)
	if err != nil {
		return w.explain(err)
	}
	defer func() { _ = answer.Close() }() // it has been read
	n, err := io.Copy(out, answer)
	if err != nil && n > 0 {
		return failed(fmt.Sprintf("query: after %d bytes of the answer", n), err)
	}
	return failed("query", err)
}

func (w *Warehouse) explain(err error) error {
	err = failed("query", err)
	if e := (*Error)(nil); errors.As(err, &e) && e.Code == 0 && !w.http {
		e.Advice = fmt.Sprintf("queries go to ClickHouse's HTTP interface, here %v: open it, or name its address", w.asking.Addr)
	}
	return err
}

// questions is the connection pool of Query.
func (w *Warehouse) questions() (driver.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ask == nil {
		conn, err := clickhouse.Open(w.asking)
		if err != nil {
			return nil, failed("open ClickHouse's HTTP interface", err)
		}
		w.ask = conn
	}
	return w.ask, nil
}
