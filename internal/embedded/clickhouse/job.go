package clickhouse

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/google/uuid"

	"github.com/quarterhour/quarterhour/internal/crash"
)

// job is one query on its way through the engine.
type job struct {
	server *Server
	req    *request
	query  *statement
	text   string
	answer *response
	data   *os.File // of an INSERT
	tag    string
}

// run takes a connection, runs the query on it and leaves the connection as it was.
func (j *job) run(ctx context.Context) (statistics, error) {
	conn, release, err := j.server.sessions.acquire(ctx, j.req)
	if err != nil {
		return statistics{}, err
	}
	j.tag = uuid.NewString()
	spoiled := true
	defer func() { release(spoiled) }()
	if err := j.prepareConnection(conn); err != nil {
		return statistics{}, err
	}
	for _, table := range j.req.tables {
		if err := table.create(conn, j.req.describe); err != nil {
			return statistics{}, err
		}
		defer func() { _ = conn.exec("DROP TEMPORARY TABLE " + quoteName(table.name)) }()
	}
	stats, err := j.dispatch(ctx, conn)
	if err != nil {
		conn.settle()
	}
	spoiled = conn.unset(j.req.settings) != nil || len(j.req.tables) > 0 || j.changesSession()
	return stats, err
}

// changesSession tells whether the query leaves something behind in its connection.
func (j *job) changesSession() bool {
	switch j.query.first {
	case "SET", "USE", "BEGIN":
		return true
	case "CREATE":
		l := &lexer{text: j.text}
		l.next()
		for range 3 { // CREATE OR REPLACE TEMPORARY
			if l.next().is("TEMPORARY") {
				return true
			}
		}
	}
	return false
}

func (j *job) dispatch(ctx context.Context, conn *connection) (statistics, error) {
	switch {
	case j.data != nil:
		_, stats, err := conn.query(j.insertFromFile(), "TabSeparated", j.req.parameters)
		crash.Point(crash.InsertRan)
		return stats, err
	case j.query.streams():
		return j.stream(ctx, conn)
	case j.query.inserts():
		_, stats, err := conn.query(j.text, "TabSeparated", j.req.parameters)
		return stats, err
	}
	format := j.outputFormat()
	output, stats, err := conn.query(j.text, format, j.req.parameters)
	if err != nil {
		return stats, err
	}
	j.answer.format(format)
	return stats, j.pass(format, bytes.NewReader(output))
}

// outputFormat is the FORMAT clause's, else the request's.
func (j *job) outputFormat() string {
	if j.query.format != "" {
		return j.query.format
	}
	return j.req.format
}

// stream runs a query whose output the engine writes into a pipe, so that no more of it is in memory than is on its way.
func (j *job) stream(ctx context.Context, conn *connection) (statistics, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return statistics{}, fmt.Errorf("open a pipe for the output: %w", err)
	}
	defer func() { _ = reader.Close() }()
	format := j.outputFormat()
	sql := fmt.Sprintf("%s\nINTO OUTFILE '%s' TRUNCATE FORMAT %s %s", j.query.head, fdPath(writer), quoteName(format), j.query.tail)
	j.answer.format(format)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := j.server.engine.killWhenDone(ctx, j.tag)
	type outcome struct {
		stats statistics
		err   error
	}
	ended := make(chan outcome, 1)
	go func() {
		_, stats, err := conn.query(sql, format, j.req.parameters)
		_ = writer.Close()
		ended <- outcome{stats, err}
	}()
	passed := j.pass(format, reader)
	if passed != nil {
		// The client has gone, or the output cannot be passed on. The pipe must be read to its end all the same: a write
		// into a closed pipe would end the process.
		cancel(passed)
		_, _ = io.Copy(io.Discard, reader)
	}
	result := <-ended
	stop()
	if passed != nil && !errors.Is(passed, io.ErrUnexpectedEOF) {
		return result.stats, passed
	}
	if result.err != nil {
		return result.stats, cancelled(ctx, result.err)
	}
	if passed == nil && format == "Native" && !j.answer.wrote {
		passed = j.noRows(conn)
	}
	return result.stats, passed
}

// noRows writes the Native block that says which columns a result without rows has. The engine writes nothing then.
func (j *job) noRows(conn *connection) error {
	output, _, err := conn.query("DESCRIBE ("+j.query.head+"\n) SETTINGS describe_compact_output = 1", "RowBinary", j.req.parameters)
	if err != nil {
		return nil // no answer is an answer too, to a query that cannot stand in brackets
	}
	var columns uint64
	var list []byte
	for rest := output; len(rest) > 0; columns++ {
		for range 2 { // name, type
			size, n := binary.Uvarint(rest)
			list, rest = append(list, rest[:n+int(size)]...), rest[n+int(size):]
		}
	}
	block := append(binary.AppendUvarint(nil, columns), 0)
	return j.pass("Native", bytes.NewReader(append(block, list...)))
}

// pass writes the output to the answer; Native in the form the client understands.
func (j *job) pass(format string, output io.Reader) error {
	if format == "Native" && j.req.revision > 0 {
		return reframe(j.answer, output, j.req.revision)
	}
	_, err := io.CopyBuffer(onlyWriter{j.answer}, onlyReader{output}, make([]byte, 64<<10))
	return err
}

// onlyWriter and onlyReader hide the shortcuts of io.Copy, which would take buffers of their own.
type (
	onlyWriter struct{ io.Writer }
	onlyReader struct{ io.Reader }
)

// insertFromFile is the INSERT with the spooled file in place of the data.
func (j *job) insertFromFile() string {
	q, path := j.query, fdPath(j.data)
	if len(q.input) > 0 {
		return j.insertFromInput(path)
	}
	head, settings := q.head, ""
	if q.settingsAt >= 0 {
		head, settings = q.head[:q.settingsAt], q.head[q.settingsAt:]
	}
	return fmt.Sprintf("%s\nFROM INFILE '%s' COMPRESSION 'none' %s FORMAT %s", head, path, settings, quoteName(q.format))
}

// insertFromInput is an INSERT … SELECT … FROM input('structure') with file() in place of input(): libchdb's input() gives no rows.
func (j *job) insertFromInput(path string) string {
	var sql strings.Builder
	at := 0
	for _, call := range j.query.input {
		before := strings.LastIndex(strings.ToLower(j.text[:call.start]), "input")
		fmt.Fprintf(&sql, "%sfile('%s', %s, %s)", j.text[at:before], path, quote(j.query.format), j.text[call.start:call.end])
		at = call.end + 1
	}
	return sql.String() + j.query.head[at:]
}
