package app

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/cli"
	"github.com/quarterhour/quarterhour/internal/config"
	"github.com/quarterhour/quarterhour/internal/embedded"
)

// A process beside this one may have the folder without the engine that is needed, as a query has only ClickHouse.
func TestEnginesOfAnotherProcessAreUsedIfTheyAreEnough(t *testing.T) {
	dir := t.TempDir()
	holder, err := embedded.Start(t.Context(), embedded.Options{Dir: dir, Holder: "quarterhour something", Kafka: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Close() }()
	s := &cli.Session{Command: "quarterhour test", System: config.System{Data: dir}, Log: slog.New(slog.DiscardHandler)}
	f := func(n needs, share, enough bool) {
		t.Helper()
		e, err := open(t.Context(), s, n, share)
		switch {
		case enough && (err != nil || e.Registry != holder.Registry):
			t.Errorf("%+v: engines %+v, error %v, want those of the holder", n, e, err)
		case !enough && (!errors.Is(err, embedded.ErrHeld) || !strings.Contains(err.Error(), "quarterhour something")):
			t.Errorf("%+v: error %v, want one that names the holder", n, err)
		}
	}
	f(needs{kafka: true}, true, true)
	f(needs{clickhouse: true}, true, false)
	f(needs{kafka: true, clickhouse: true}, true, false)
	f(needs{kafka: true}, false, false)
}
