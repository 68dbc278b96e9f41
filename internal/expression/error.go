package expression

import (
	"fmt"
	"strings"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// Error is what is wrong with an expression, and where in the pipeline file.
type Error struct {
	At      spec.Position
	Message string
	Unknown string // the column or field that does not exist, where that is what is wrong
	Nearest string // the name that was probably meant
}

// Error is "file:line: message".
func (e *Error) Error() string { return e.At.String() + e.Message }

// Problem is the error as the readers of pipeline files collect them.
func (e *Error) Problem() spec.Problem { return spec.Problem{At: e.At, Message: e.Message} }

// errorAt places a message at a character (counted from 0) of the expression's text.
func errorAt(e spec.Expr, character int, format string, args ...any) *Error {
	at := e.At
	if at.Line > 0 {
		runes := []rune(e.Source)
		before := string(runes[:min(max(character, 0), len(runes))])
		if lines := strings.Count(before, "\n"); lines > 0 {
			at.Line += lines
			at.Column = len(before) - strings.LastIndexByte(before, '\n')
		} else if at.Column > 0 {
			at.Column += len(before)
		}
	}
	return &Error{At: at, Message: fmt.Sprintf(format, args...)}
}
