package deliverytest

import (
	"maps"
	"os"
	"strings"
	"testing"
	"time"
)

// scenario is a column of the matrix: something that happens between a sink and its destination.
type scenario struct {
	name string
	run  func(t *testing.T, s *suite)
	// can says whether it can be for a sink; nil: for any. Where it cannot, the case says why.
	can func(s *suite) bool
}

// scenarios are all there are. Every sink goes through every one of them, or says why it cannot.
var scenarios = []scenario{
	{name: "same write twice", run: on(sameWriteTwice)},
	{name: "correction after final", run: on(correction)},
	{name: "any order of requests", run: on(anyOrder)},
	{name: "partial failure", run: on(partialFailure)},
	{name: "poison", run: on(poison), can: func(s *suite) bool { return s.poison }},
	{name: "zero rows", run: on(zeroRows), can: func(s *suite) bool { return s.rows }},
	{name: "time-out after the server accepted", run: on(lostAnswers)},
	{name: "restart", run: restarts},
	{name: "kill -9", run: kills},
	{name: "cancel", run: on(cancelled)},
	{name: "clock skew", run: on(clockSkew)},
	{name: "expired token", run: expiredToken},
	{name: "outage", run: on(outage)},
	{name: "429", run: meets(throttled), can: byHTTP},
	{name: "429 with Retry-After", run: meets(throttledFor, throttledTill), can: byHTTP},
	{name: "5xx", run: meets(failing, unavailable, lostBehind), can: byHTTP},
	{name: "HTML", run: meets(page, gatewayPage), can: byHTTP},
	{name: "connection lost", run: connectionLost, can: overNetwork},
	{name: "silence", run: on(silence), can: overNetwork},
}

func byHTTP(s *suite) bool { return s.http }

func overNetwork(s *suite) bool { return s.http || s.bytes > 0 }

// on is a scenario that needs to know no more than the case.
func on(f func(t *testing.T, c *Case)) func(t *testing.T, s *suite) {
	return func(t *testing.T, s *suite) { f(t, s.c) }
}

// suite is one sink on its way through the scenarios.
type suite struct {
	c                  *Case
	requests, asked    int           // of a delivery without a fault: by the engine, and by HTTP
	took               time.Duration // a request of that
	bytes              int64         // of that, where it is not HTTP
	rows, poison, http bool
}

// Cannot says, by scenario, why it cannot be for a sink.
type Cannot map[string]string

// NoHTTP is why nothing can be for a sink that is a matter of HTTP.
func NoHTTP(why string) Cannot { return without(why, suite{poison: true, rows: true, bytes: 1}) }

// NoNetwork is why nothing can be for a sink that is a matter of HTTP or of connections.
func NoNetwork(why string) Cannot { return without(why, suite{poison: true, rows: true}) }

func without(why string, s suite) Cannot {
	c := Cannot{}
	for _, sc := range scenarios {
		if !sc.possible(&s) {
			c[sc.name] = why
		}
	}
	return c
}

// And is both.
func (c Cannot) And(other Cannot) Cannot {
	both := maps.Clone(c)
	maps.Copy(both, other)
	return both
}

func (sc *scenario) possible(s *suite) bool { return sc.can == nil || sc.can(s) }

// Run puts a sink through the suite.
func Run(t *testing.T, c Case) {
	t.Helper()
	c.complete()
	if path := os.Getenv(childVariable); path != "" {
		beKilled(t, &c, path)
		return
	}
	s := &suite{c: &c}
	s.whole(t)
	known := map[string]bool{}
	for n := range scenarios {
		known[scenarios[n].name] = true
		s.part(t, &scenarios[n])
	}
	for name := range c.Cannot {
		if !known[name] {
			t.Errorf("Cannot names %q, which is no scenario", name)
		}
	}
}

// part runs a scenario. What is left out without a word fails, and so does a word about what could be.
func (s *suite) part(t *testing.T, sc *scenario) {
	t.Helper()
	why, without := s.c.Cannot[sc.name]
	possible := sc.possible(s)
	switch {
	case without && strings.TrimSpace(why) == "":
		t.Errorf("Cannot does not say why there can be no %q", sc.name)
	case without && possible && sc.can != nil:
		t.Errorf("%q can be for this sink, and Cannot says that %s", sc.name, why)
	case !without && !possible:
		t.Errorf("%q is left out: say in Cannot why it cannot be for this sink", sc.name)
	case without:
		t.Logf("no %q: %s", sc.name, why)
	default:
		t.Run(sc.name, func(t *testing.T) {
			t.Cleanup(func() {
				if t.Skipped() {
					t.Errorf("%q was skipped: say in Cannot why it cannot be for this sink", sc.name)
				}
			})
			sc.run(t, s)
		})
	}
}
