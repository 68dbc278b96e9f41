package app

import (
	"context"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// settable is the demo's watch: it runs at the demo's speed from where it was set last.
type settable struct {
	mu    sync.RWMutex
	watch clock.Watch
}

// set moves the watch on; it does not go back.
func (s *settable) set(to time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watch != nil && s.watch.Now().After(to) {
		return
	}
	s.watch = clock.Fast(to, clock.Now(), demoSpeed)
}

func (s *settable) now() clock.Watch {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.watch
}

func (s *settable) Now() time.Time { return s.now().Now() }

// Sleep waits by the speed alone: who sleeps while the watch is set does not wake the sooner.
func (s *settable) Sleep(ctx context.Context, d time.Duration) error { return s.now().Sleep(ctx, d) }
