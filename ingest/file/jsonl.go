package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/quarterhour/quarterhour/internal/expression"
)

// lines reads JSON Lines: one object per line. Empty lines are passed over.
type lines struct {
	*window
	scanner scanner
	slots   int

	first, next int64
	row         []byte
}

func newLines(w *window, paths [][]string, nulls []string) *lines {
	l := &lines{window: w, slots: len(paths), next: 1, scanner: scanner{nulls: nulls}}
	l.scanner.root = branch{slot: -1}
	for slot, p := range paths {
		l.scanner.root.add(p, slot)
	}
	return l
}

func (l *lines) read(e *expression.Env) error {
	for {
		l.first = l.next
		end, ended, err := l.line(0)
		switch {
		case err != nil:
			return err
		case end < 0:
			l.row = bytes.Clone(l.rest()[:maxPayload]) // the window moves on
			l.next++
			if err := l.skipLine(); err != nil {
				return err
			}
			return &rowError{"too_long", fmt.Errorf("the row has more than %d bytes", maxRow)}
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
	clear(e.Values[:l.slots])
	if err := l.scanner.object(l.row, e.Values); err != nil {
		if errors.Is(err, errEncoding) {
			return &rowError{"encoding", err}
		}
		return &rowError{"json", err}
	}
	return nil
}

func (l *lines) position() string { return fmt.Sprint(l.first) }
func (l *lines) raw() []byte      { return l.row }
