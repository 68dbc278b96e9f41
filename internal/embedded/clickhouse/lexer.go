package clickhouse

import "strings"

// tokenKind tells what a token is, as far as this package needs to know.
type tokenKind byte

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a keyword, an unquoted identifier or a number
	tokenString           // 'text' or $tag$text$tag$
	tokenName             // `name` or "name"
	tokenMark             // one character of punctuation
)

// token is a piece of a query; depth counts the brackets open around it.
type token struct {
	kind       tokenKind
	start, end int
	depth      int
	text       string
}

// is tells whether the token is the keyword, in any case.
func (t token) is(keyword string) bool {
	return t.kind == tokenWord && strings.EqualFold(t.text, keyword)
}

func (t token) mark(c string) bool { return t.kind == tokenMark && t.text == c }

// lexer splits a query into tokens and skips space and comments. It never fails: what is unclosed ends with the text, and
// the engine's own parser says what is wrong.
type lexer struct {
	text  string
	at    int
	depth int
}

func (l *lexer) next() token {
	l.skip()
	t := token{start: l.at, depth: l.depth}
	if l.at >= len(l.text) {
		t.end = l.at
		return t
	}
	switch c := l.text[l.at]; {
	case c == '\'':
		t.kind = tokenString
		l.quoted(c)
	case c == '`' || c == '"':
		t.kind = tokenName
		l.quoted(c)
	case c == '$' && l.heredoc():
		t.kind = tokenString
	case wordByte(c):
		t.kind = tokenWord
		for l.at < len(l.text) && wordByte(l.text[l.at]) {
			l.at++
		}
	default:
		t.kind = tokenMark
		l.at++
		l.bracket(c, &t)
	}
	t.end = l.at
	t.text = l.text[t.start:t.end]
	return t
}

// bracket keeps the depth; a bracket has the depth outside it.
func (l *lexer) bracket(c byte, t *token) {
	switch c {
	case '(', '[', '{':
		l.depth++
	case ')', ']', '}':
		l.depth = max(0, l.depth-1)
		t.depth = l.depth
	}
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// quoted passes a quoted text: a backslash escapes, and the doubled quote stands for itself.
func (l *lexer) quoted(quote byte) {
	for l.at++; l.at < len(l.text); l.at++ {
		switch l.text[l.at] {
		case '\\':
			l.at++
		case quote:
			if l.at+1 >= len(l.text) || l.text[l.at+1] != quote {
				l.at++
				return
			}
			l.at++
		}
	}
	l.at = len(l.text)
}

// heredoc passes $tag$…$tag$ and tells whether there was one.
func (l *lexer) heredoc() bool {
	rest := l.text[l.at:]
	size := 1
	for size < len(rest) && wordByte(rest[size]) {
		size++
	}
	if size >= len(rest) || rest[size] != '$' {
		return false
	}
	tag := rest[:size+1]
	end := strings.Index(rest[len(tag):], tag)
	if end < 0 {
		return false
	}
	l.at += len(tag) + end + len(tag)
	return true
}

// skip passes space and comments: -- and # ! and // to the end of the line, /* */ nested.
func (l *lexer) skip() {
	for l.at < len(l.text) {
		rest := l.text[l.at:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v\x00", rest[0]) >= 0:
			l.at++
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "//"), strings.HasPrefix(rest, "# "), strings.HasPrefix(rest, "#!"):
			line := strings.IndexByte(rest, '\n')
			if line < 0 {
				line = len(rest) - 1
			}
			l.at += line + 1
		case strings.HasPrefix(rest, "/*"):
			l.comment()
		default:
			return
		}
	}
}

func (l *lexer) comment() {
	depth := 0
	for l.at < len(l.text) {
		switch rest := l.text[l.at:]; {
		case strings.HasPrefix(rest, "/*"):
			depth++
			l.at += 2
		case strings.HasPrefix(rest, "*/"):
			depth--
			l.at += 2
			if depth == 0 {
				return
			}
		default:
			l.at++
		}
	}
}
