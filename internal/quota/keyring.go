package quota

import (
	"context"
	"log/slog"
	"maps"
	"reflect"
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

	once sync.Once
	open *opened
}

// opened is the credentials that keyrings share.
type opened struct {
	mu sync.Mutex
	by map[string]*Credential
}

// With is a keyring of the same credentials: what is opened through it is kept in that store too.
func (k *Keyring) With(store Store) *Keyring {
	return &Keyring{Store: store, Watch: k.Watch, open: k.shared()}
}

func (k *Keyring) shared() *opened {
	k.once.Do(func() {
		if k.open == nil {
			k.open = &opened{by: map[string]*Credential{}}
		}
	})
	return k.open
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
	shared := k.shared()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	c := shared.by[name]
	if c == nil {
		c = newCredential(name, k.Watch, o)
		shared.by[name] = c
	}
	c.keepIn(k.Store)
	c.join(o)
	return c
}

// All lists the credentials that were opened, by name.
func (k *Keyring) All() map[string]*Credential {
	if k == nil {
		return nil
	}
	shared := k.shared()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	return maps.Clone(shared.by)
}

func newCredential(name string, watch clock.Watch, o Options) *Credential {
	if watch == nil {
		watch = clock.Wall
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return &Credential{
		name: name, watch: watch, log: o.Log.With("credential", name), zone: o.Zone, holds: map[string]time.Time{}, turn: make(chan struct{}, 1),
		began: watch.Now(),
	}
}

// keepIn adds a store, and takes on what it knows.
func (c *Credential) keepIn(store Store) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if store == nil || slices.ContainsFunc(c.stores, func(s Store) bool { return same(s, store) }) {
		return
	}
	c.dirty = c.dirty || len(c.stores) > 0
	c.stores = append(c.stores, store)
	stored := store.Load(Key(c.name))
	c.written = c.written || len(stored) > 0
	c.restore(stored)
}

// same says that two stores are one. Values that cannot be compared are taken for different ones: writing twice does no harm.
func same(a, b Store) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.ValueOf(a).Comparable() && a == b
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
	if l.Per == time.Second && len(c.stores) > 0 { // a process before this one may have spent this very second
		b.next = c.began.Add(time.Second)
	}
	c.budgets = append(c.budgets, b)
	return b
}

// save writes down the state. The lock is held.
func (c *Credential) save(ctx context.Context) error {
	value := c.encode()
	for _, store := range c.stores {
		if err := store.Save(ctx, Key(c.name), value); err != nil {
			return err
		}
	}
	c.dirty, c.written = false, true
	return nil
}
