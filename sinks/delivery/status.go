package delivery

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/quarterhour/quarterhour/internal/httpcall"
)

type statusKey struct{}

// Answered is for a destination that is an HTTP interface: in Send it passes on what came of a request, so that the log of deliveries has the status
// by which records were taken or refused. Of several requests the last one counts. The status of an error that Send returns is its own.
func Answered(ctx context.Context, answer *httpcall.Response, err error) {
	to, ok := ctx.Value(statusKey{}).(*atomic.Int64)
	if !ok {
		return
	}
	var fault *httpcall.Error
	switch {
	case errors.As(err, &fault):
		to.Store(int64(fault.Status))
	case err == nil && answer != nil:
		to.Store(int64(answer.Status))
	}
}

// listening is a context in which Answered is heard.
func listening(ctx context.Context) (context.Context, *atomic.Int64) {
	said := new(atomic.Int64)
	return context.WithValue(ctx, statusKey{}, said), said
}
