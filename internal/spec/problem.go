package spec

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing that is wrong with what a user wrote, and where.
type Problem struct {
	At      Position
	Message string // what is wrong, with the nearest right name where there is one
}

// String is file:line: message, as editors and terminals understand it.
func (p Problem) String() string { return p.At.String() + p.Message }

// String is "file:line: ", "file: " where the line is unknown, or nothing. The column is left to structured output.
func (p Position) String() string {
	switch {
	case p.File == "":
		return ""
	case p.Line == 0:
		return p.File + ": "
	default:
		return p.File + ":" + strconv.Itoa(p.Line) + ": "
	}
}

// Sort orders problems by file, line and column, as they would be read, and drops repetitions.
func Sort(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.At.File, b.At.File), a.At.Line-b.At.Line, a.At.Column-b.At.Column)
	})
	return slices.Compact(problems)
}

// Err is nil without problems, else an error that prints one line for each. The problems can be taken back with errors.As
// into *Invalid.
func Err(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &Invalid{Problems: problems}
}

// Invalid is the error of a file that cannot be used.
type Invalid struct{ Problems []Problem }

func (e *Invalid) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// IsInvalid says whether err is, or wraps, problems in what a user wrote rather than a failure of the work itself.
func IsInvalid(err error) bool {
	var e *Invalid
	return errors.As(err, &e)
}
