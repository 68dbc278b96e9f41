package clickhouse

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseOutput(t *testing.T) {
	f := func(sql, head, format, tail string) {
		t.Helper()
		s, err := parse(sql)
		if err != nil {
			t.Errorf("%q: %v", sql, err)
			return
		}
		if diff := cmp.Diff([]string{head, format, tail}, []string{strings.TrimSpace(s.head), s.format, strings.TrimSpace(s.tail)}); diff != "" {
			t.Errorf("%q: head, format, tail (-want +got):\n%s", sql, diff)
		}
	}
	f("SELECT 1", "SELECT 1", "", "")
	f("SELECT 1;", "SELECT 1", "", "")
	f("SELECT 1 FORMAT JSON", "SELECT 1", "JSON", "")
	f("SELECT 1 format json ;\n", "SELECT 1", "json", "")
	f("SELECT f(3) FORMAT CSV SETTINGS max_threads = 1", "SELECT f(3)", "CSV", "SETTINGS max_threads = 1")
	f("SELECT f(3) FORMAT CSV SETTINGS max_threads = 1;", "SELECT f(3)", "CSV", "SETTINGS max_threads = 1")
	f("SELECT * FROM t SETTINGS x = 1 FORMAT `CSV`", "SELECT * FROM t SETTINGS x = 1", "CSV", "")
	// format is also a function, a column and a text.
	f("SELECT format('{}', a) AS x FROM t", "SELECT format('{}', a) AS x FROM t", "", "")
	f("SELECT a, format b", "SELECT a, format b", "", "")
	f("SELECT a AS format FROM t FORMAT TSV", "SELECT a AS format FROM t", "TSV", "")
	f("SELECT ' FORMAT JSON' -- FORMAT CSV", "SELECT ' FORMAT JSON' -- FORMAT CSV", "", "")
	f("SELECT /* FORMAT /* x */ CSV */ 1 FORMAT XML # end", "SELECT /* FORMAT /* x */ CSV */ 1", "XML", "# end")
	f("SELECT 'it''s; \\' FORMAT' FORMAT CSV", "SELECT 'it''s; \\' FORMAT'", "CSV", "")
	f("SELECT $a$ ; FORMAT CSV $a$", "SELECT $a$ ; FORMAT CSV $a$", "", "")
	f("SELECT (SELECT 1 FORMAT CSV)", "SELECT (SELECT 1 FORMAT CSV)", "", "")
}

func TestParseRefuses(t *testing.T) {
	f := func(sql string, code int) {
		t.Helper()
		_, err := parse(sql)
		if err == nil || asException(err).code != code {
			t.Errorf("%q: got %v; want code %d", sql, err, code)
		}
	}
	f("", codeSyntax)
	f("  -- nothing\n", codeSyntax)
	f("SELECT 1; SELECT 2", codeSyntax)
	f("SELECT 1; DROP TABLE t", codeSyntax)
	f("INSERT INTO t SELECT 1; DROP TABLE t", codeSyntax)
	f("SELECT 1 INTO OUTFILE '/tmp/x'", codeIntoOutfile)
	f("SELECT 1 into /* */ outfile '/tmp/x' FORMAT CSV", codeIntoOutfile)
	f("INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV", codeSyntax)
	f("INSERT INTO t FORMAT ", codeSyntax)
}

func TestParseInsert(t *testing.T) {
	f := func(sql, head, format, data string) {
		t.Helper()
		s, err := parse(sql)
		if err != nil {
			t.Errorf("%q: %v", sql, err)
			return
		}
		got := "none"
		if s.data >= 0 {
			got = sql[s.data:]
		}
		if diff := cmp.Diff([]string{head, format, data}, []string{strings.TrimSpace(s.head), s.format, got}); diff != "" {
			t.Errorf("%q: head, format, data (-want +got):\n%s", sql, diff)
		}
	}
	f("INSERT INTO t VALUES (1), (2)", "INSERT INTO t", "Values", " (1), (2)")
	f("insert into t (a, b) values (';')", "insert into t (a, b)", "Values", " (';')")
	f("INSERT INTO t FORMAT JSONEachRow\n{\"a\":1}", "INSERT INTO t", "JSONEachRow", "{\"a\":1}")
	f("INSERT INTO t FORMAT CSV \r\n1;2", "INSERT INTO t", "CSV", "1;2")
	f("INSERT INTO t FORMAT TSV\n\n\t1", "INSERT INTO t", "TSV", "\n\t1")
	f("INSERT INTO t SETTINGS a = 1 FORMAT Native\n\x00\xff'", "INSERT INTO t SETTINGS a = 1", "Native", "\x00\xff'")
	f("INSERT INTO FUNCTION file('x', 'CSV') SELECT 1", "INSERT INTO FUNCTION file('x', 'CSV') SELECT 1", "", "none")
	f("INSERT INTO t SELECT format('{}', 1)", "INSERT INTO t SELECT format('{}', 1)", "", "none")
	f("INSERT INTO t (values) SELECT 1", "INSERT INTO t (values) SELECT 1", "", "none")
	f("WITH 1 AS x INSERT INTO t SELECT x", "WITH 1 AS x INSERT INTO t SELECT x", "", "none")
	f("INSERT INTO t SELECT a FROM input('a UInt8') FORMAT CSV\n1", "INSERT INTO t SELECT a FROM input('a UInt8')", "CSV", "1")
}

func TestStatementReads(t *testing.T) {
	f := func(sql string, reads bool) {
		t.Helper()
		s, err := parse(sql)
		if err != nil || s.reads() != reads {
			t.Errorf("%q: reads %v, %v; want %v", sql, s != nil && s.reads(), err, reads)
		}
	}
	f("/* x */ select 1", true)
	f("(SELECT 1)", true)
	f("WITH x AS (SELECT 1) SELECT * FROM x", true)
	f("SHOW TABLES", true)
	f("WITH 1 AS x INSERT INTO t SELECT x", false)
	f("DROP TABLE t", false)
	f("SET a = 1", false)
	f("SYSTEM SHUTDOWN", false)
}

// parse takes any text, and what it takes apart are parts of the text.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"SELECT 1 FORMAT CSV", "INSERT INTO t FORMAT X\n1", "INSERT INTO t SELECT * FROM input('a') FORMAT CSV", "$a$ ' \\", "WITH ((", "/*", "SELECT 1 FORMAT a;;"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		s, err := parse(sql)
		if err != nil {
			return
		}
		if !strings.HasPrefix(sql, s.head) || !strings.Contains(sql, s.tail) || s.data > len(sql) || s.settingsAt > len(s.head) {
			t.Errorf("%q taken apart wrongly: %+v", sql, s)
		}
		for _, call := range s.input {
			_ = sql[call.start:call.end]
		}
	})
}
