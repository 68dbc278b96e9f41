package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

// Simulations runs vendors that are none.
type Simulations interface {
	// Simulate serves the simulated vendors of one contact centre until ctx ends, and says on s.Screen how to reach them.
	Simulate(ctx context.Context, s *Session, o SimulateOptions) error
}

// SimulateOptions are the flags of simulate.
type SimulateOptions struct {
	From   time.Time // midnight of the first day, in the centre's zone
	Days   int
	Agents int
	Seed   uint64
	Speed  float64
	Addr   string
	Calm   bool // vendors without faults of their own
}

func (c *command) simulate() *cobra.Command {
	var (
		o          SimulateOptions
		from, zone string
	)
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Serve simulated vendors: Five9, Gladly and iService over one contact centre",
		Long: "Lets a contact centre happen, faster than in reality, and serves the interfaces of its vendors on one local address, with\n" +
			"the rules of the real ones: passwords and lockout, quotas, late and corrected rows, webhooks. It prints the variables that a\n" +
			"pipeline needs to read them, QUARTERHOUR_CLOCK among them, by which a run beside it has the vendors' time, and then the\n" +
			"simulated time every hour of it. The first day begins at 06:45, before the first agent comes. What a well-behaved client\n" +
			"never causes is listed at the end, and at /violations; POST /faults makes a vendor fail, /truth says what the tables must.",
		Example: "  quarterhour simulate\n  quarterhour simulate --speed 600 --from 2026-10-26 --agents 20 --seed 7",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Days < 1 || o.Agents < 6 {
				return usage(cmd, "--days must be at least 1, --agents at least 6")
			}
			if !(o.Speed > 0 && o.Speed <= 1e6) {
				return usage(cmd, "--speed must be above 0 and at most a million")
			}
			in, err := time.LoadLocation(zone)
			if err != nil {
				return usage(cmd, "--timezone %q is no time zone such as Europe/Berlin", zone)
			}
			if o.From, err = time.ParseInLocation(time.DateOnly, from, in); err != nil {
				return usage(cmd, "--from %q is no date such as 2026-03-02", from)
			}
			s, err := c.session(cmd)
			if err != nil {
				return err
			}
			if err = c.app.Simulate(cmd.Context(), s, o); isCanceled(err) {
				return nil
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.Float64Var(&o.Speed, "speed", 60, "how many times as fast as in reality time runs")
	flags.StringVar(&from, "from", "2026-03-02", "first day")
	flags.StringVar(&zone, "timezone", "America/Los_Angeles", "time zone of the contact centre")
	flags.IntVar(&o.Days, "days", 7, "days on which something happens")
	flags.IntVar(&o.Agents, "agents", 66, "agents at all vendors together")
	flags.Uint64Var(&o.Seed, "seed", 1, "the same seed simulates the same contact centre")
	flags.StringVar(&o.Addr, "addr", "127.0.0.1:8095", "address to listen on")
	flags.BoolVar(&o.Calm, "calm", false, "reports are complete within a minute, and right at once: no late, doubled or corrected rows")
	addSystem(cmd, false)
	return cmd
}
