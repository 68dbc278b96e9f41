package file

import (
	"context"
	"fmt"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/spec"
)

// The words of the option complete.
const (
	completeDay  = "day"
	completeLast = "last"
	completeNone = "none"
)

// parseComplete reads the option complete: one of its words, or a time.
func parseComplete(text string, zone *time.Location) (word string, ms int64, err error) {
	switch text {
	case completeDay, completeLast, completeNone:
		return text, 0, nil
	}
	if ms, err = expression.ParseInstant(text, zone); err != nil {
		words := []string{completeDay, completeLast, completeNone}
		if near := spec.Nearest(text, words); near != "" {
			return "", 0, fmt.Errorf("is %q: did you mean %q?", text, near)
		}
		return "", 0, fmt.Errorf("is %q, not day, last, none or a time such as \"2026-01-31 00:00\"", text)
	}
	return "", ms, nil
}

// promise is how far the source is complete when everything there is has been read; false where it promises nothing.
//
// Draining, the files are what there is: complete through the end of the day that the last row begins in. Not the day of the
// last instant: a call past midnight does not mean that the next day's file has been read. While following, a row is written when
// its contact or state ends, up to lateness after it began.
func (s *source) promise(c *cursor) (int64, bool) {
	switch {
	case s.completeWord == completeNone || len(s.options.Options.Facts()) == 0:
		return 0, false
	case s.completeWord == "":
		return s.completeAt, true
	case c.Begins == nil:
		return 0, false
	case !s.deps.Drain:
		return *c.Begins - s.options.Lateness.Milliseconds(), true
	case s.completeWord == completeDay:
		return expression.EndOfDay(*c.Begins, s.zone), true
	case c.Latest == nil:
		return 0, false
	}
	return *c.Latest, true
}

// finish makes the promise, once: the cursor that says so is stored after it.
func (s *source) finish(ctx context.Context, c *cursor, out ingest.Out) error {
	through, ok := s.promise(c)
	if !ok || c.Marked != nil && *c.Marked >= through {
		return nil
	}
	if err := out.Mark(ctx, s.options.As, through); err != nil {
		return err
	}
	crash.Point(crash.PromiseMade)
	c.Marked = &through
	return out.Commit(ctx, c.encode())
}
