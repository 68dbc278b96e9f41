package script

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// word is one word of a line. Quotes hold blanks and signs together: queue_name="Sales EU", "a/b"/2.
type word struct {
	text   string
	equals int  // where the first = outside quotes is, -1 none
	slash  int  // where the last / outside quotes is, -1 none
	quoted bool // some of it was in quotes
}

// option splits KEY=VALUE.
func (w word) option() (key, value string, ok bool) {
	if w.equals < 0 {
		return "", "", false
	}
	return w.text[:w.equals], w.text[w.equals+1:], true
}

// identity splits ID/PART.
func (w word) identity() (id, part string) {
	if w.slash < 0 {
		return w.text, ""
	}
	return w.text[:w.slash], w.text[w.slash+1:]
}

// is says whether the word is a keyword: one in quotes is a name.
func (w word) is(keyword string) bool { return !w.quoted && w.text == keyword }

// split cuts a line into words. What follows a # at the beginning of a word is a comment.
func split(line string) ([]word, error) {
	var words []word
	for {
		line = strings.TrimLeftFunc(line, unicode.IsSpace)
		if line == "" || line[0] == '#' {
			return words, nil
		}
		w, rest, err := cutWord(line)
		if err != nil {
			return nil, err
		}
		words, line = append(words, w), rest
	}
}

func cutWord(line string) (w word, rest string, err error) {
	w = word{equals: -1, slash: -1}
	var text strings.Builder
	for inside := false; ; {
		r, size := utf8.DecodeRuneInString(line)
		switch {
		case size == 0 && inside:
			return w, "", fmt.Errorf("a \" is not closed: write \\\" for the character itself")
		case size == 0 || !inside && unicode.IsSpace(r):
			w.text = text.String()
			return w, line, nil
		case r == '"':
			inside, w.quoted = !inside, true
		case r == '\\' && inside && len(line) > 1:
			line = line[1:]
			_, size = utf8.DecodeRuneInString(line)
			text.WriteString(line[:size])
		default:
			if r == '=' && !inside && w.equals < 0 {
				w.equals = text.Len()
			} else if r == '/' && !inside {
				w.slash = text.Len()
			}
			text.WriteString(line[:size])
		}
		line = line[size:]
	}
}
