package sinks

import (
	"context"
	"time"

	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Inbox is a queue that Deliver's destination has filled, read back for a sink that says via.
type Inbox interface {
	// Run posts what is in the queue to a destination until ctx ends, or, draining, until the queue is empty. One process at a time runs it
	// for a sink.
	Run(ctx context.Context, to Onward) error
}

// Onward is a destination that is served from a queue instead of the log.
type Onward struct {
	Delivering
	Deps delivery.Deps
	Log  delivery.Log // of the attempts; dead letters are the queue's to put aside
	// Delivered lists what has been delivered since, the newest revision of each key at least.
	Delivered func(ctx context.Context, since time.Time, each func(key string, revision int64)) error
	// Fed is closed, in a run that ends once everything is delivered, when nothing more comes into the queue; nil otherwise.
	Fed  <-chan struct{}
	Show func(delivery.State) // tells the metrics what the engine is doing, where not nil
}
