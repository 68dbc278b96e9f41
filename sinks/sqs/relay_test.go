package sqs_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/deliverytest"
	"github.com/quarterhour/quarterhour/sinks/sqs"
	"github.com/quarterhour/quarterhour/sinks/sqs/sqstest"
)

// The suite's records travel through a queue to a destination that fails now and then, while the worker is told to end and begun again.
func relay(t *testing.T, fifo bool) {
	t.Parallel()
	sqstest.Start(t)
	var w *world
	r := sqs.Registration
	r.Deliver = func(ctx context.Context, options any, d sinks.Deps) (sinks.Delivering, error) {
		o := options.(*sqs.Config)
		o.Queue, o.Endpoint = w.URL, w.options.Endpoint
		return sqs.Registration.Deliver(ctx, options, d)
	}
	deliverytest.Run(t, deliverytest.Case{
		Registration: r, Batch: 8, Patience: time.Minute,
		YAML: "queue: set-later\nregion: us-east-1\naccess_key_id: AKID\nsecret_access_key: hunter2\ngroup: queue\nkinds: [queue_interval, contact]\n",
		// These are about the outbox, whose own cases have them.
		Without: []string{"restart", "cancel", "clock skew", "expired token", "outage", "same write twice"},
		Destination: func(t *testing.T, _ deliverytest.Setting) deliverytest.Destination {
			w = newWorld(t, sqstest.Options{FIFO: fifo, MaxReceives: 20})
			mine := w
			mine.place.fault = func([]delivery.Item) error {
				if rand.IntN(10) == 0 {
					return errAway
				}
				return nil
			}
			mine.deps.Watch = fast()
			mine.options.Inbox.Visibility = 8 * time.Second
			k := mine.work(t, false)
			return deliverytest.Destination{
				Holds: func() map[string]string {
					if k != nil {
						k.stop(t)
						k = nil
					}
					mine.work(t, true).await(t) // another process goes on
					return mine.place.held()
				},
				Shows: func(i delivery.Item) map[string]string { return map[string]string{i.Key: said(i)} },
			}
		},
	})
}

func TestRelayStandard(t *testing.T) { relay(t, false) }

func TestRelayFIFO(t *testing.T) { relay(t, true) }
