package console

import (
	"strconv"
	"strings"
	"unicode"
)

// width is how many columns a terminal gives to text.
func width(text string) int {
	n := 0
	for _, r := range text {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115F, r >= 0x2E80 && r <= 0xA4CF, r >= 0xAC00 && r <= 0xD7A3, r >= 0xF900 && r <= 0xFAFF,
		r >= 0xFE30 && r <= 0xFE6F, r >= 0xFF00 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6, r >= 0x1F300 && r <= 0x1FAFF,
		r >= 0x20000 && r <= 0x3FFFD:
		return 2 // Korean, Chinese, Japanese, full-width forms, pictures
	}
	return 1
}

// cut shortens text to a width, with … at its end where something is missing.
func cut(text string, most int) string {
	if width(text) <= most {
		return text
	}
	var b strings.Builder
	left := most - 1
	for _, r := range text {
		if left -= runeWidth(r); left < 0 {
			break
		}
		b.WriteRune(r)
	}
	return b.String() + "…"
}

// wrap breaks text between words into lines of at most a width; a longer word is cut.
func wrap(text string, most int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = cut(word, most)
		case width(line)+1+width(word) <= most:
			line += " " + word
		default:
			lines = append(lines, line)
			line = cut(word, most)
		}
	}
	return append(lines, line)
}

// pad fills text with blanks, before it where it is to stand on the right.
func pad(text string, to int, right bool) string {
	blanks := strings.Repeat(" ", max(0, to-width(text)))
	if right {
		return blanks + text
	}
	return text + blanks
}

// Clean makes text safe to show: what would move the cursor or colour the screen is written out as an escape.
func Clean(text string) string {
	if !strings.ContainsFunc(text, unprintable) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unprintable(r) {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unprintable(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
