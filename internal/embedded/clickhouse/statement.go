package clickhouse

import "strings"

// statement is one query, taken apart as far as its transport needs: which format its output or its data has, and where the
// data of an INSERT starts.
type statement struct {
	first  string // first keyword, in upper case
	format string // from the FORMAT clause; of the output, or of an INSERT's data; "" where there is none

	head, tail string // the text before and after the FORMAT clause (tail: SETTINGS)

	data       int    // offset of an INSERT's data; -1 where it has none
	values     bool   // the data follows VALUES
	selects    bool   // an INSERT … SELECT
	settingsAt int    // offset of an INSERT's SETTINGS; -1 where it has none
	input      []span // input( … ) calls: where its arguments start and where they end
}

type span struct{ start, end int }

// readers are the statements that change nothing.
var readers = map[string]bool{
	"SELECT": true, "WITH": true, "FROM": true, "(": true, "SHOW": true, "DESCRIBE": true, "DESC": true, "EXPLAIN": true, "EXISTS": true, "VALUES": true,
}

// reads tells whether the statement changes nothing.
func (s *statement) reads() bool { return readers[s.first] }

// streams tells whether the output can be large, so that it must be passed on while the query runs.
func (s *statement) streams() bool {
	switch s.first {
	case "SELECT", "WITH", "FROM", "(":
		return true
	}
	return false
}

func (s *statement) inserts() bool { return s.first == "INSERT" }

// parse takes a query apart. The text of an INSERT may be cut off inside its data.
func parse(text string) (*statement, error) {
	l := &lexer{text: text}
	t := l.next()
	s := &statement{first: strings.ToUpper(t.text), head: text, data: -1, settingsAt: -1}
	if t.kind == tokenEnd {
		return nil, raise(codeSyntax, "Syntax error: failed at position 1 (end of query): the query is empty")
	}
	if s.first == "WITH" && insertsAfterWith(text) {
		s.first = "INSERT"
	}
	if s.inserts() {
		return s, s.parseInsert(text, l)
	}
	return s, s.parseOutput(text, l, t)
}

// insertsAfterWith tells WITH … INSERT from WITH … SELECT.
func insertsAfterWith(text string) bool {
	l := &lexer{text: text}
	for {
		switch t := l.next(); {
		case t.kind == tokenEnd, t.depth == 0 && t.is("SELECT"):
			return false
		case t.depth == 0 && t.is("INSERT"):
			return true
		}
	}
}

// parseOutput finds the FORMAT clause and refuses what no HTTP query may do.
func (s *statement) parseOutput(text string, l *lexer, first token) error {
	previous := first
	for t := first; t.kind != tokenEnd; t = l.next() {
		if t.depth > 0 {
			continue
		}
		switch {
		case t.mark(";"):
			if rest := l.next(); rest.kind != tokenEnd && !rest.mark(";") {
				return raise(codeSyntax, "Syntax error (Multi-statements are not allowed): failed at position %d (end of query)", t.start+1)
			}
			if s.format == "" {
				s.head = text[:t.start]
			} else {
				s.tail, _, _ = strings.Cut(s.tail, ";")
			}
			return nil
		case t.is("OUTFILE") && previous.is("INTO"):
			return raise(codeIntoOutfile, "INTO OUTFILE is not allowed")
		case t.is("FORMAT") && endsExpression(previous):
			s.formatClause(text, *l, t)
		}
		previous = t
	}
	return nil
}

// endsExpression tells whether a clause can follow the token.
func endsExpression(t token) bool {
	if t.kind == tokenMark {
		return strings.Contains(")]}*", t.text)
	}
	return !t.is("SELECT") && !t.is("DISTINCT") && !t.is("BY") && !t.is("WHERE")
}

// formatClause takes FORMAT name as a clause where the query, or SETTINGS, ends after it: format is also a function and a
// fine name for a column.
func (s *statement) formatClause(text string, l lexer, at token) {
	name := l.next()
	if name.kind != tokenWord && name.kind != tokenName {
		return
	}
	after := l.next()
	if after.kind != tokenEnd && !after.mark(";") && !after.is("SETTINGS") {
		return
	}
	s.format = strings.Trim(name.text, "`\"")
	s.head, s.tail = text[:at.start], text[name.end:]
}

// parseInsert finds where the data starts and what it is.
func (s *statement) parseInsert(text string, l *lexer) error {
	var previous token
	for t := l.next(); t.kind != tokenEnd; t = l.next() {
		switch {
		case t.is("input") && s.selects:
			s.inputCall(*l)
		case t.depth > 0:
		case t.is("SELECT") || t.is("WITH") && previous.kind != tokenEnd || t.mark("(") && previous.mark(")"):
			s.selects = true
		case t.is("INFILE") && previous.is("FROM"):
			return raise(codeSyntax, "Syntax error: FROM INFILE is not allowed over HTTP: send the file as the request's body")
		case t.is("SETTINGS") && !s.selects:
			s.settingsAt = t.start
		case t.is("VALUES") && !s.selects:
			s.format, s.values, s.head, s.data = "Values", true, text[:t.start], t.end
			return nil
		case t.is("FORMAT"):
			ahead := *l
			name := ahead.next()
			if s.selects && (name.kind != tokenWord || len(s.input) == 0) {
				break // the function, or a column
			}
			if name.kind != tokenWord && name.kind != tokenName {
				return raise(codeSyntax, "Syntax error: failed at position %d: FORMAT needs the name of a format", t.start+1)
			}
			s.format, s.head, s.data = strings.Trim(name.text, "`\""), text[:t.start], dataStart(text, name.end)
			return nil
		case t.mark(";"):
			s.head = text[:t.start]
			if rest := l.next(); rest.kind != tokenEnd {
				return raise(codeSyntax, "Syntax error (Multi-statements are not allowed): failed at position %d (end of query)", t.start+1)
			}
			return nil
		}
		previous = t
	}
	return nil
}

// inputCall remembers the arguments of input('structure').
func (s *statement) inputCall(l lexer) {
	open := l.next()
	if !open.mark("(") {
		return
	}
	for t := l.next(); t.kind != tokenEnd; t = l.next() {
		if t.mark(")") && t.depth == open.depth {
			s.input = append(s.input, span{start: open.end, end: t.start})
			return
		}
	}
}

// dataStart passes the space and at most one line end between FORMAT's name and the data, as ClickHouse does: any more is data.
func dataStart(text string, at int) int {
	for at < len(text) && strings.IndexByte(" \t\f;", text[at]) >= 0 {
		at++
	}
	if at < len(text) && text[at] == '\r' {
		at++
	}
	if at < len(text) && text[at] == '\n' {
		at++
	}
	return at
}
