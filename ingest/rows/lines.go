package rows

import (
	"bytes"
	"fmt"
	"io"

	"github.com/quarterhour/quarterhour/internal/expression"
)

// Lines reads JSON Lines: one object per line. Empty lines are passed over.
type Lines struct {
	*Window
	scanner Scanner

	first, next int64
	row         []byte
}

// NewLines reads the values at paths, each into the slot of its number.
func NewLines(w *Window, paths [][]string, nulls []string) *Lines {
	return &Lines{Window: w, next: 1, scanner: *NewScanner(paths, nulls)}
}

// Next is the line after the last row.
func (l *Lines) Next() int64 { return l.next }

// GoOn sets the line of the next row.
func (l *Lines) GoOn(line int64) { l.next = line }

func (l *Lines) Read(e *expression.Env) error {
	for {
		l.first = l.next
		end, ended, err := l.line(0)
		switch {
		case err != nil:
			return err
		case end < 0:
			l.row = bytes.Clone(l.rest()[:MaxPayload]) // the window moves on
			l.next++
			if err := l.skipLine(); err != nil {
				return err
			}
			return &Error{"too_long", fmt.Errorf("the row has more than %d bytes", MaxRow)}
		case ended && end == 0:
			return io.EOF
		}
		l.row = bytes.TrimSuffix(l.rest()[:end], []byte{'\r'})
		l.take(end, ended, l.first)
		l.next++
		if len(bytes.TrimSpace(l.row)) > 0 {
			break
		}
	}
	return l.scanner.Read(l.row, e)
}

// Position is the line of the last row.
func (l *Lines) Position() string { return fmt.Sprint(l.first) }

// Raw is the last row as it came.
func (l *Lines) Raw() []byte { return l.row }
