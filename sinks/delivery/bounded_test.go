package delivery_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Of what a destination says only a beginning is kept, and nothing that goes by the name of a secret.
func TestWhatADestinationSaysIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, l := newPlace(), &ledger{}
		d := saying{p, func(context.Context, []delivery.Item) error {
			return &delivery.Refused{Items: []delivery.RefusedItem{{Reason: "refused", Detail: "password=hunter22 é" + strings.Repeat("é", 100_000)}}}
		}}
		e := delivery.New(d, plan, delivery.Options{When: "final", Attempts: 8}, deps())
		lane := e.Lane(t.Context(), l, 0, nil)
		defer lane.Leave()
		lane.Take(item(record{"k", 1, true}), 0)
		lane.Passed(1)
		lane.Caught()
		for range 10 {
			lane.Turn()
			_ = clock.Sleep(t.Context(), time.Second)
		}
		if len(l.letters) != 1 || len(l.attempts) != 1 {
			t.Fatalf("%d letters, %d attempts", len(l.letters), len(l.attempts))
		}
		for _, text := range []string{l.letters[0].Detail, l.attempts[0].Error} {
			if len(text) > 510 || len(text) < 400 || strings.Contains(text, "hunter22") || !utf8.ValidString(text) {
				t.Errorf("%d bytes: %.100s", len(text), text)
			}
		}
	})
}
