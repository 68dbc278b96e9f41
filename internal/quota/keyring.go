package quota

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// Keyring holds the credentials of a process. Without a Store nothing survives a restart; without a Watch it goes by the machine's.
// Its methods may be called on nil, which holds credentials that nobody shares.
type Keyring struct {
	Store Store
	Watch clock.Watch

	mu sync.Mutex
	by map[string]*Credential
}

// Key is where a credential's state is stored.
func Key(name string) string { return keyPrefix + name }

const keyPrefix = "credential/"

// Open returns the credential of that name (as "five9/wfm-api@api.five9.com"), the same one to all who ask for it. Limits that the
// credential does not have yet are added; of a limit given twice, the lower count holds.
func (k *Keyring) Open(name string, o Options) *Credential {
	if k == nil {
		k = &Keyring{}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.by == nil {
		k.by = map[string]*Credential{}
	}
	c := k.by[name]
	if c == nil {
		c = newCredential(name, k.Store, k.Watch, o)
		k.by[name] = c
		return c
	}
	c.join(o)
	return c
}

// All lists the credentials that were opened, by name.
func (k *Keyring) All() map[string]*Credential {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make(map[string]*Credential, len(k.by))
	for name, c := range k.by {
		all[name] = c
	}
	return all
}

func newCredential(name string, store Store, watch clock.Watch, o Options) *Credential {
	if watch == nil {
		watch = clock.Wall
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	c := &Credential{name: name, store: store, watch: watch, log: o.Log.With("credential", name), zone: o.Zone, holds: map[string]time.Time{}}
	c.turn = make(chan struct{}, 1)
	now := watch.Now()
	if store != nil {
		c.restore(store.Load(Key(name)), now)
	}
	c.join(o)
	if store != nil { // another process may have spent this very second
		for _, b := range c.budgets {
			if b.Per == time.Second {
				b.next = now.Add(time.Second)
			}
		}
	}
	return c
}

// join takes on what another opener asks for.
func (c *Credential) join(o Options) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exclusive = c.exclusive || o.Exclusive
	for _, l := range o.Limits {
		b := c.budget(l.Operation, l.Per)
		switch {
		case b == nil:
			b = c.add(l)
		case !b.declared || l.Count < b.Count:
			b.Count = l.Count
		}
		if !b.declared {
			b.declared = true
			c.order = append(c.order, b)
		}
	}
	if o.Secret == "" || o.Secret == c.secret {
		return
	}
	c.secret = o.Secret
	if c.refusal != nil && !c.refusal.about(o.Secret) {
		c.log.Info("the password has changed since the vendor refused it: calls are made again")
		c.refusal, c.dirty = nil, true
	}
}

// add begins a budget, with what a process before this one spent of it.
func (c *Credential) add(l Limit) *budget {
	b := &budget{Limit: l}
	for i, kept := range c.kept {
		if kept.Operation == l.Operation && kept.Per == l.Per {
			b, b.Count = kept, l.Count
			c.kept = slices.Delete(c.kept, i, i+1)
			break
		}
	}
	c.budgets = append(c.budgets, b)
	return b
}

// save writes down the state. The lock is held.
func (c *Credential) save(ctx context.Context) error {
	if c.store == nil {
		c.dirty = false
		return nil
	}
	if err := c.store.Save(ctx, Key(c.name), c.encode()); err != nil {
		return err
	}
	c.dirty = false
	return nil
}
