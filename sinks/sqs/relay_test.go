package sqs_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/deliverytest"
	"github.com/quarterhour/quarterhour/sinks/sqs"
	"github.com/quarterhour/quarterhour/sinks/sqs/sqstest"
)

// The suite's records travel through a queue to a destination that fails now and then, while the worker is told to end and begun again.
func relay(t *testing.T, fifo bool) {
	t.Parallel()
	env := map[string]string{}
	deliverytest.Run(t, deliverytest.Case{
		Registration: sqs.Registration, Batch: 8, Patience: 2 * time.Minute, Env: env, Secrets: []string{"hunter2"},
		YAML: outboxYAML + "group: queue\nkinds: [queue_interval, contact]\n",
		Destination: func(t *testing.T, _ deliverytest.Setting) deliverytest.Destination {
			w := newWorld(t, sqstest.Options{FIFO: fifo, MaxReceives: 100})
			env["QUEUE"] = w.Name
			w.place.fault = func([]delivery.Item) error {
				if rand.IntN(10) == 0 {
					return errAway
				}
				return nil
			}
			w.deps.Watch = fast()
			w.options.Inbox.Visibility = 8 * time.Second
			k := w.work(t, false)
			return deliverytest.Destination{
				Handler: proxy(t, sqstest.Start(t)), Poison: large,
				Holds: func() map[string]string {
					if k != nil {
						k.stop(t)
						k = nil
					}
					w.work(t, true).await(t) // another process goes on
					return w.place.held()
				},
				Shows: func(i delivery.Item) map[string]string { return map[string]string{i.Key: said(i)} },
			}
		},
	})
}

func TestRelayStandard(t *testing.T) { relay(t, false) }

func TestRelayFIFO(t *testing.T) { relay(t, true) }
