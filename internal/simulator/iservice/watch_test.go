package iservice_test

import (
	"context"
	"sync"
	"time"
)

// hand is a watch that a test moves.
type hand struct {
	mu    sync.Mutex
	now   time.Time
	moved chan struct{}
}

func newHand(t time.Time) *hand { return &hand{now: t, moved: make(chan struct{})} }

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) set(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = t
	close(h.moved)
	h.moved = make(chan struct{})
}

func (h *hand) add(d time.Duration) { h.set(h.Now().Add(d)) }

func (h *hand) Sleep(ctx context.Context, d time.Duration) error {
	end := h.Now().Add(d)
	for {
		h.mu.Lock()
		now, moved := h.now, h.moved
		h.mu.Unlock()
		if !now.Before(end) {
			return ctx.Err()
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
