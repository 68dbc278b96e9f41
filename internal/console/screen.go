package console

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Look is what the reader's side can show.
type Look struct {
	Terminal bool
	Width    int  // columns; 0 is unlimited
	Colour   bool // never where NO_COLOR is set, or on anything but a terminal
}

// defaultWidth is for terminals that do not tell theirs.
const defaultWidth = 80

// LookOf finds out what a file shows. env looks up environment variables.
func LookOf(f *os.File, env func(string) (string, bool)) Look {
	if !term.IsTerminal(int(f.Fd())) {
		return Look{}
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = defaultWidth
	}
	return terminal(width, env)
}

func terminal(width int, env func(string) (string, bool)) Look {
	refused, _ := env("NO_COLOR")
	kind, _ := env("TERM")
	return Look{Terminal: true, Width: width, Colour: refused == "" && kind != "dumb"}
}

// Screen is an output with a look. The first error of writing is kept, and ends all further output.
type Screen struct {
	Look
	out io.Writer
	err error
}

// NewScreen shows on out.
func NewScreen(out io.Writer, look Look) *Screen { return &Screen{Look: look, out: out} }

// Err is the first error of writing, such as a pipe whose reader has gone.
func (s *Screen) Err() error { return s.err }

// Write passes bytes through.
func (s *Screen) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.out.Write(p)
	s.err = err
	return n, err
}

// Line writes one formatted line.
func (s *Screen) Line(format string, args ...any) { _, _ = fmt.Fprintf(s, format+"\n", args...) }

// Prose writes paragraphs, which empty lines part. On a terminal their lines are broken to its width.
func (s *Screen) Prose(text string) {
	text = strings.TrimSpace(text)
	if s.Terminal && s.Width > 0 {
		paragraphs := strings.Split(text, "\n\n")
		for i, p := range paragraphs {
			paragraphs[i] = strings.Join(wrap(p, min(s.Width, proseWidth)), "\n")
		}
		text = strings.Join(paragraphs, "\n\n")
	}
	s.Line("%s", text)
}

// proseWidth is the longest line that reads well.
const proseWidth = 110

// Heading writes a title with an empty line before it.
func (s *Screen) Heading(format string, args ...any) {
	s.Line("\n%s", s.paint(bold, fmt.Sprintf(format, args...)))
}

// Table draws a table.
func (s *Screen) Table(t Table) { _ = t.Render(s, s.Look) }

const (
	bold   = "1"
	dim    = "2"
	green  = "32"
	yellow = "33"
	red    = "31"
	cyan   = "36"
)

// paint colours text. Tables measure what they draw before they paint it.
func (l Look) paint(code, text string) string {
	if !l.Colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Outcome is the word of an outcome in its colour, and blanks up to a width after it.
func (s *Screen) Outcome(word string, to int) string {
	code := map[string]string{"ok": green, "warning": yellow, "failed": red}[word]
	padded := pad(word, to, false)
	if code == "" {
		return padded
	}
	return s.paint(code, word) + padded[len(word):]
}
