package http

import (
	"context"
	"errors"
	"log/slog"
	nethttp "net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// kept outlives processes.
type kept map[string][]byte

func (k kept) Load(key string) []byte { return k[key] }

func (k kept) Save(_ context.Context, key string, value []byte) error {
	k[key] = value
	return nil
}

// A token that is accepted again needs nobody's hand: neither the same process nor the next one is locked out.
func TestARefusedCredentialIsNotLocked(t *testing.T) {
	f := func(name, auth string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			var renewed atomic.Bool
			var asked atomic.Int64
			server := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, _ *nethttp.Request) {
				if asked.Add(1); !renewed.Load() {
					w.WriteHeader(nethttp.StatusUnauthorized)
				}
			}))
			defer server.Close()
			store := kept{}
			open := func(keyring *quota.Keyring) delivery.Destination {
				o, err := parsed(t, "url: ${URL}\nauth: "+auth+"\nlimits: [{count: 100, per: 1h}]\nrecords: {queue_interval: {path: rows, fields: {id: queue_id}}}\n", server.URL)
				if err != nil {
					t.Fatal(err)
				}
				d, err := Registration.Deliver(t.Context(), o, sinks.Deps{Tenant: "acme", Name: "wfm", Watch: clock.Wall, Keyring: keyring, Log: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = d.Destination.Close() })
				return d.Destination
			}
			ring := &quota.Keyring{Watch: clock.Wall, Store: store}
			d := open(ring)
			var fault *httpcall.Error
			for n := range int64(2) {
				if err := d.Send(t.Context(), awkward()); !errors.As(err, &fault) || fault.Kind != httpcall.Refused || fault.Status != 401 {
					t.Fatalf("send: %v, want what the destination said", err)
				}
				if asked.Load() != n+1 {
					t.Fatalf("%d requests, want %d", asked.Load(), n+1)
				}
			}
			renewed.Store(true)
			for name, d := range map[string]delivery.Destination{
				"the same": d, "after a reload": open(ring), "after a restart": open(&quota.Keyring{Watch: clock.Wall, Store: store}),
			} {
				if err := d.Send(t.Context(), awkward()); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	f("bearer", "{type: bearer, token: t0ken}")
	f("basic", "{type: basic, username: u, password: p}")
}

// Two tokens at one host are two credentials, and one token is one: quotas are the credential's.
func TestCredentialsOfTheirOwn(t *testing.T) {
	server := httptest.NewServer(nethttp.HandlerFunc(func(nethttp.ResponseWriter, *nethttp.Request) {}))
	defer server.Close()
	ring := &quota.Keyring{Watch: clock.Wall}
	for _, sink := range [][2]string{{"acme", "one"}, {"acme", "two"}, {"globex", "three"}, {"globex", "one"}} {
		o, err := parsed(t, "url: ${URL}\nauth: {type: bearer, token: "+sink[1]+"}\nlimits: [{count: 1, per: 24h}]\nrecords: {queue_interval: {path: rows, fields: {id: queue_id}}}\n", server.URL)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Registration.Deliver(t.Context(), o, sinks.Deps{Tenant: sink[0], Name: "wfm", Watch: clock.Wall, Keyring: ring, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		err = d.Destination.Send(t.Context(), awkward())
		var spent *quota.Exhausted
		if again := sink == [2]string{"globex", "one"}; errors.As(err, &spent) != again || !again && err != nil {
			t.Errorf("%s sends by token %s: %v", sink[0], sink[1], err)
		}
		_ = d.Destination.Close()
	}
	if n := len(ring.All()); n != 3 {
		t.Errorf("%d credentials of 3 tokens", n)
	}
}
