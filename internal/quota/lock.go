package quota

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"time"
)

// refusal is the vendor's no. The secret is kept as a digest, salted and slow, which tells only whether another is the same.
type refusal struct {
	At     time.Time `json:"at"`
	Why    string    `json:"why"`
	Salt   []byte    `json:"salt"`
	Digest []byte    `json:"digest"`
}

const digestRounds = 100_000

func digest(secret string, salt []byte) []byte {
	key, err := pbkdf2.Key(sha256.New, secret, salt, digestRounds, sha256.Size)
	if err != nil { // only of parameters that no policy allows
		sum := sha256.Sum256(append(append([]byte(nil), salt...), secret...))
		return sum[:]
	}
	return key
}

// about says whether it is this secret that was refused.
func (r *refusal) about(secret string) bool {
	return subtle.ConstantTimeCompare(digest(secret, r.Salt), r.Digest) == 1
}

// lookEvery is how often a locked credential looks whether somebody has unlocked it.
const lookEvery = 30 * time.Second

// locked is the error while the credential is refused. The lock is held.
func (c *Credential) locked(ctx context.Context, now time.Time) error {
	if c.refusal == nil {
		return nil
	}
	if now.Sub(c.looked) >= lookEvery || now.Before(c.looked) {
		c.looked = now
		if c.unlockedElsewhere(ctx) {
			c.log.Info("the credential was unlocked: calls are made again")
			c.refusal, c.dirty = nil, true
			return nil
		}
	}
	if c.dirty { // a store was added since
		if err := c.save(context.WithoutCancel(ctx)); err != nil {
			c.log.Error("it could not be written down everywhere that the credential was refused", "err", err)
		}
	}
	return fmt.Errorf("%w: %s (at %s)", ErrLocked, c.refusal.Why, c.refusal.At.UTC().Format(time.RFC3339))
}

// unlockedElsewhere says whether another process has taken the refusal out of a store.
func (c *Credential) unlockedElsewhere(ctx context.Context) bool {
	for _, store := range c.stores {
		r, ok := store.(Reloader)
		if !ok {
			continue
		}
		value, err := r.Reload(ctx, Key(c.name))
		if s, bad := parse(value); err == nil && bad == nil && len(value) > 0 && s.Refused == nil {
			return true
		}
	}
	return false
}

// Refused says that the vendor did not accept the password: no further call is made. The error is about writing that down.
func (c *Credential) Refused(ctx context.Context, why string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusal != nil {
		return nil
	}
	now := c.watch.Now()
	r := &refusal{At: now.UTC(), Why: why, Salt: make([]byte, 16)}
	_, _ = rand.Read(r.Salt) // it does not fail
	r.Digest = digest(c.secret, r.Salt)
	c.refusal, c.looked = r, now
	c.log.Error("the vendor refused the credential: no more calls are made with it, so that the account is not locked", "why", why,
		"then", "put the right password in place, or, if it was right, say `quarterhour sources reset FILE SOURCE --unlock`")
	if err := c.save(context.WithoutCancel(ctx)); err != nil { // a restart must know
		c.dirty = true
		return fmt.Errorf("write down that the credential %q was refused: %w", c.name, err)
	}
	return nil
}

// Reset makes a refused credential usable again.
func (c *Credential) Reset(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refusal = nil
	return c.save(ctx)
}

// Locked says since when, and why, no call is made; "" where calls are made.
func (c *Credential) Locked() (since time.Time, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusal == nil {
		return time.Time{}, ""
	}
	return c.refusal.At, c.refusal.Why
}
