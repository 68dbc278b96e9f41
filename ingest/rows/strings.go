package rows

import (
	"unicode/utf16"
	"unicode/utf8"
)

// string reads a JSON string. Without escapes it aliases the row.
func (s *Scanner) string() (string, error) {
	if s.at >= len(s.in) || s.in[s.at] != '"' {
		return "", s.unexpected("where \" is needed")
	}
	from := s.at + 1
	for i := from; i < len(s.in); i++ {
		switch c := s.in[i]; {
		case c == '"':
			s.at = i + 1
			return text(s.in[from:i]), nil
		case c == '\\':
			return s.escaped(from, i)
		case c < ' ':
			s.at = i
			return "", s.unexpected("inside a string")
		}
	}
	return "", errEnd
}

// escaped reads the rest of a string from its first escape at i.
func (s *Scanner) escaped(from, i int) (string, error) {
	start := len(s.plain)
	s.plain = append(s.plain, s.in[from:i]...)
	for i < len(s.in) {
		c := s.in[i]
		switch {
		case c == '"':
			s.at = i + 1
			return text(s.plain[start:]), nil
		case c < ' ':
			s.at = i
			return "", s.unexpected("inside a string")
		case c != '\\':
			s.plain = append(s.plain, c)
			i++
			continue
		}
		if i+1 >= len(s.in) {
			return "", errEnd
		}
		switch e := s.in[i+1]; e {
		case '"', '\\', '/':
			s.plain = append(s.plain, e)
		case 'b':
			s.plain = append(s.plain, '\b')
		case 'f':
			s.plain = append(s.plain, '\f')
		case 'n':
			s.plain = append(s.plain, '\n')
		case 'r':
			s.plain = append(s.plain, '\r')
		case 't':
			s.plain = append(s.plain, '\t')
		case 'u':
			r, size := s.unicode(i)
			if size == 0 {
				s.at = i
				return "", s.unexpected("where \\uXXXX is needed")
			}
			s.plain = utf8.AppendRune(s.plain, r)
			i += size
			continue
		default:
			s.at = i + 1
			return "", s.unexpected("after \\")
		}
		i += 2
	}
	return "", errEnd
}

// unicode reads \uXXXX at i, and the second half of a pair after it. Half a pair is U+FFFD.
func (s *Scanner) unicode(i int) (rune, int) {
	r, ok := s.hex(i + 2)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if i+7 < len(s.in) && s.in[i+6] == '\\' && s.in[i+7] == 'u' {
		if second, ok := s.hex(i + 8); ok {
			if pair := utf16.DecodeRune(r, second); pair != utf8.RuneError {
				return pair, 12
			}
		}
	}
	return utf8.RuneError, 6
}

func (s *Scanner) hex(i int) (r rune, ok bool) {
	if i+4 > len(s.in) {
		return 0, false
	}
	for _, c := range s.in[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
