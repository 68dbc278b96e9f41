package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quarterhour/quarterhour/internal/cli"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	"github.com/quarterhour/quarterhour/internal/simulator/five9"
	"github.com/quarterhour/quarterhour/internal/simulator/vendors"
)

// hook is where a pipeline beside the simulation hears of conversations at Gladly.
var hook = [][2]string{
	{"GLADLY_WEBHOOK_URL", "http://127.0.0.1:8096/gladly"}, {"GLADLY_WEBHOOK_LISTEN", "127.0.0.1:8096"}, {"GLADLY_WEBHOOK_PASSWORD", "webhook-password"},
	{"GLADLY_WEBHOOK_HTTP", "true"},
}

// opening is when the clock of a simulation starts: a little before the first agent comes.
const opening = 6*time.Hour + 45*time.Minute

// Simulate serves the simulated vendors until ctx ends.
func (App) Simulate(ctx context.Context, s *cli.Session, o cli.SimulateOptions) (err error) {
	c, err := centre.New(centre.Options{Seed: o.Seed, From: o.From, Days: o.Days, Sizes: centre.Scaled(o.Agents)})
	if err != nil {
		return err
	}
	shown, at := o.From.Add(opening), clock.Now()
	options := vendors.Options{
		Centre: c, Watch: clock.Fast(shown, at, o.Speed), Clock: clock.FormatFast(shown, at, o.Speed), Addr: o.Addr, Log: s.Log,
	}
	if o.Calm {
		options.Five9.Faults = five9.Faults{Lag: time.Minute, LagMost: time.Minute}
		options.Gladly.ReportLatency, options.IService.Lag, options.IService.StatisticsLag = -1, -1, -1
	}
	h, err := vendors.Start(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	sizes := centre.Scaled(o.Agents)
	s.Screen.Heading("A contact centre from %s, %d days, %s, %g times as fast as real", o.From.Format("Monday, 2 January 2006"), o.Days, o.From.Location(), o.Speed)
	for _, v := range centre.Vendors {
		s.Screen.Line("%-9s %3d agents, %2d queues, about %s contacts a day", v, sizes[v].Agents, sizes[v].Queues, console.Count(int64(sizes[v].Contacts)))
	}
	s.Screen.Heading("What a pipeline needs to read them")
	for _, v := range append(h.Variables(), hook...) {
		s.Screen.Line("export %s='%s'", v[0], v[1])
	}
	s.Screen.Heading("Beside it")
	s.Screen.Line("curl %s/violations   # what a client must not cause\ncurl %s/clock", h.URL(), h.URL())
	s.Screen.Line(`curl -d '{"vendor":"five9","how":"unavailable","to":"%s"}' %s/faults   # an outage from now on`, shown.Add(12*time.Hour).Format(time.RFC3339), h.URL())
	s.Screen.Heading("The time there")
	return tick(ctx, s, h, options.Watch, o.From.Location(), c.Until())
}

// tick says every simulated hour how far things are.
func tick(ctx context.Context, s *cli.Session, h *vendors.Host, w clock.Watch, zone *time.Location, until time.Time) error {
	for over := false; ; {
		now := w.Now().In(zone)
		line := now.Format("Mon 2 Jan 2006 15:04")
		for _, v := range centre.Vendors {
			if n, ok := h.Requests(v); ok {
				line += fmt.Sprintf("   %s: %s requests", v, console.Count(n))
			}
		}
		if n := len(h.Violations()); n > 0 {
			line += fmt.Sprintf("   %d violations", n)
		}
		if s.Screen.Line("%s", line); !over && !now.Before(until) {
			s.Screen.Line("Nothing more happens from here on; the vendors keep answering.")
			over = true
		}
		next := now.Truncate(time.Hour).Add(time.Hour)
		if err := w.Sleep(ctx, next.Sub(now)); err != nil {
			violations := h.Violations()
			for _, v := range violations {
				s.Screen.Line("%s", v)
			}
			s.Screen.Line("%d violations", len(violations))
			return err
		}
	}
}
