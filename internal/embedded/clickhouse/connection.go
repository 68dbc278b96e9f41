package clickhouse

import (
	"cmp"
	"runtime"
	"strings"
	"unsafe"
)

// connection is one session inside libchdb: it runs one query at a time and keeps settings, the current database and
// temporary tables between them.
type connection struct {
	lib      *symbols
	pointer  unsafe.Pointer // to the handle
	database string
}

// statistics of one query, as the engine counts them.
type statistics struct {
	readRows, readBytes       uint64
	writtenRows, writtenBytes uint64
	resultRows, resultBytes   uint64
	elapsedNanos              uint64
}

// parameter is the value of a {name:Type} placeholder, in the escaped form of TabSeparated.
type parameter struct{ name, value string }

// query runs one statement to its end and gives the output in the format. It blocks, with its thread, until then. The error
// is always an *exception.
func (c *connection) query(sql, format string, parameters []parameter) ([]byte, statistics, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	bytes := func(text string) unsafe.Pointer {
		text = cmp.Or(text, "\x00")
		p := unsafe.StringData(text)
		pin.Pin(p)
		return unsafe.Pointer(p)
	}
	n := len(parameters)
	arrays := make([]unsafe.Pointer, 2*n+2)
	lengths := make([]uintptr, 2*n+2)
	for i, p := range parameters {
		arrays[i], lengths[i] = bytes(p.name), uintptr(len(p.name))
		arrays[n+i], lengths[n+i] = bytes(p.value), uintptr(len(p.value))
	}
	pin.Pin(&arrays[0])
	result := c.lib.query(*(*unsafe.Pointer)(c.pointer), bytes(sql), uintptr(len(sql)), bytes(format), uintptr(len(format)),
		unsafe.Pointer(&arrays[0]), unsafe.Pointer(&lengths[0]), unsafe.Pointer(&arrays[n]), unsafe.Pointer(&lengths[n]), uintptr(n))
	if result == nil {
		return nil, statistics{}, &exception{code: codeUnknown, text: "ClickHouse's engine gave no result"}
	}
	defer c.lib.destroy(result)
	if message := cString(c.lib.resultError(result)); message != "" {
		return nil, statistics{}, parseException(message)
	}
	output := append([]byte(nil), unsafe.Slice((*byte)(c.lib.resultBuffer(result)), c.lib.resultLength(result))...)
	return output, c.statistics(result), nil
}

// statistics reads the counters of a result, which are only set where the query succeeded.
func (c *connection) statistics(result unsafe.Pointer) statistics {
	return statistics{
		readRows: c.lib.resultScanRows(result), readBytes: c.lib.resultScanBytes(result),
		writtenRows: c.lib.resultWroteRows(result), writtenBytes: c.lib.resultWroteSize(result),
		resultRows: c.lib.resultRowsRead(result), resultBytes: c.lib.resultBytesRead(result),
		elapsedNanos: uint64(c.lib.resultElapsed(result) * 1e9),
	}
}

// exec runs a statement whose output nobody reads.
func (c *connection) exec(sql string) error {
	_, _, err := c.query(sql, "TabSeparated", nil)
	return err
}

// settle ends a query that failed while its output was written: libchdb keeps it, with what it has locked and in memory, until
// the next query on the connection.
func (c *connection) settle() { _ = c.exec("SELECT 1 FORMAT Null") }

// use makes the database current.
func (c *connection) use(database string) error {
	if database == c.database {
		return nil
	}
	if err := c.exec("USE " + quoteName(database)); err != nil {
		return err
	}
	c.database = database
	return nil
}

func (c *connection) close() {
	connecting.Lock()
	defer connecting.Unlock()
	keepSignals(func() { c.lib.closeConn(c.pointer) })
	c.pointer = nil
}

// setting is a name and a value for SET.
type setting struct{ name, value string }

// set applies the settings at once: all of them, or none.
func (c *connection) set(settings []setting) error {
	return c.exec("SET " + join(settings, func(s setting) string { return quoteName(s.name) + " = " + quote(s.value) }))
}

// unset gives the settings the values again that they have in a new connection.
func (c *connection) unset(settings []setting) error {
	if len(settings) == 0 {
		return nil
	}
	return c.exec("SET " + join(settings, func(s setting) string {
		if value, ok := base[s.name]; ok {
			return quoteName(s.name) + " = " + quote(value)
		}
		return quoteName(s.name) + " = DEFAULT"
	}))
}

// base are the settings that differ from ClickHouse's defaults in every connection.
var base = map[string]string{
	// The engine takes its time zone from the machine; the same data must read the same on every machine.
	"session_timezone": "UTC",
}

func join[T any](list []T, text func(T) string) string {
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = text(item)
	}
	return strings.Join(texts, ", ")
}

var (
	escapes     = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`, "\n", `\n`, "\t", `\t`, "\r", `\r`)
	nameEscapes = strings.NewReplacer(`\`, `\\`, "`", "\\`", "\x00", `\0`)
)

// quote writes a string literal.
func quote(text string) string { return "'" + escapes.Replace(text) + "'" }

// quoteName writes a quoted identifier.
func quoteName(name string) string { return "`" + nameEscapes.Replace(name) + "`" }

func cString(p unsafe.Pointer) string {
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(p), n))
}
