// Package quota keeps callers of a vendor within what the vendor allows a credential: so many operations a minute, hour and day, one
// request at a time, and no further attempt after a refused password. All who use a credential share one Credential. What was
// spent survives a restart: it is written down before it is spent, so that a crash costs quota, never a breach.
package quota

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Store keeps small values across restarts. Save returns once the value is safe. Safe for concurrent use.
type Store interface {
	Load(key string) []byte
	Save(ctx context.Context, key string, value []byte) error
}

// Reloader is a Store that other processes may write to: Reload is the newest value, whoever wrote it.
type Reloader interface {
	Reload(ctx context.Context, key string) ([]byte, error)
}

// Limit is how many of an operation a vendor allows in a stretch of time.
type Limit struct {
	Operation string
	Count     int64
	// Per is a second (spent smoothly), or a minute, hour or 24 h, which begin by the clock in Options.Zone; any other length
	// counts from the first operation.
	Per time.Duration
}

// Options are what a vendor asks of a credential.
type Options struct {
	Limits    []Limit
	Zone      *time.Location // of the clock the vendor counts by; UTC if nil
	Exclusive bool           // one request at a time
	// Secret is anything that changes when the password does: a refusal of the old one says nothing about the new one. Only a
	// digest is kept.
	Secret string
	Log    *slog.Logger
}

// Exhausted is the error of an operation whose budget is spent for so long that waiting in place makes no sense.
type Exhausted struct {
	Operation string
	Until     time.Time
}

func (e *Exhausted) Error() string {
	return fmt.Sprintf("the quota of operation %q is spent until %s", e.Operation, e.Until.Format(time.RFC3339))
}

// ErrLocked is the error of every operation after the vendor refused the credential, until the secret changes or a person says
// `quarterhour sources reset --unlock`: another try could lock the account.
var ErrLocked = errors.New("the vendor refused this credential, and no more calls are made with it")
