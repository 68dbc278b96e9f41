package cli

import (
	"context"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/console"
)

func (echo) Simulate(_ context.Context, s *Session, o SimulateOptions) error {
	s.Screen.Line("%s, %d days, %d agents, seed %d, %g times, %s", o.From.Format("2006-01-02 15:04 -0700"), o.Days, o.Agents, o.Seed, o.Speed, o.Addr)
	return context.Canceled
}

func TestSimulate(t *testing.T) {
	f := func(wantCode int, want string, args ...string) {
		t.Helper()
		code, out := on(t, console.Look{}, "", append([]string{"simulate"}, args...)...)
		if code != wantCode || !strings.Contains(out, want) {
			t.Errorf("%v: code %d, %s", args, code, out)
		}
	}
	f(0, "2026-03-02 00:00 -0800, 7 days, 66 agents, seed 1, 60 times, 127.0.0.1:8095")
	f(0, "2026-10-26 00:00 +0100, 3 days, 12 agents, seed 9, 1000 times, 127.0.0.1:0",
		"--from", "2026-10-26", "--timezone", "Europe/Berlin", "--days", "3", "--agents", "12", "--seed", "9", "--speed", "1000", "--addr", "127.0.0.1:0")
	f(2, "--from \"today\" is no date", "--from", "today")
	f(2, "--timezone \"Mars\" is no time zone", "--timezone", "Mars")
	f(2, "--speed must be", "--speed", "0")
	f(2, "--agents at least 6", "--agents", "1")
}
