package cli

import (
	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/console"
)

func (c *command) demo() *cobra.Command {
	var o DemoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the whole system on this machine, against simulated vendors",
		Long: "Simulates a day at a contact centre and the systems that record it (Five9, Gladly, iService), with their quotas, and with\n" +
			"late, doubled and corrected records. Reads them as a pipeline reads the real ones, shows the interval tables, and checks\n" +
			"them against what the simulator knows to be true. On a terminal it then stays, and reads the next day as it happens,\n" +
			"until it is interrupted.",
		Example: "  quarterhour demo\n  quarterhour demo --agents 50 --seed 7 --stay=false",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("stay") {
				o.Stay = c.screen.Terminal
			}
			if o.Agents < 1 {
				return usage(cmd, "--agents must be at least 1")
			}
			if !cmd.Flags().Changed("log-level") {
				must(cmd.Flags().Set("log-level", "warn")) // the demo tells its own story
			}
			s, err := c.session(cmd)
			if err != nil {
				return err
			}
			err = c.app.Demo(cmd.Context(), s, o)
			if o.Stay && isCanceled(err) {
				return nil
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&o.Agents, "agents", 200, "agents at work")
	flags.Uint64Var(&o.Seed, "seed", 1, "the same seed simulates the same day")
	flags.BoolVar(&o.Stay, "stay", false, "keep running for queries until interrupted (default: on a terminal)")
	addSystem(cmd, true)
	return cmd
}

func (c *command) migrate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Create or upgrade the warehouse's tables and views",
		Long: "Brings the ClickHouse schema to the version of this program. It can be repeated: what is there already is left alone.\n" +
			"`quarterhour run` does the same on its embedded engine by itself.",
		Example: "  quarterhour migrate --config production.yaml",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.session(cmd)
			if err != nil {
				return err
			}
			steps, err := c.app.Migrate(cmd.Context(), s)
			if err != nil {
				return err
			}
			t := console.Table{Columns: console.Columns("step", "outcome")}
			for _, step := range steps {
				t.Rows = append(t.Rows, []string{step.Name, step.Outcome})
			}
			c.screen.Table(t)
			return nil
		},
	}
	addSystem(cmd, false)
	return cmd
}

func (c *command) bench() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench [WORD...]",
		Short: "Run the project's benchmarks",
		Long: "Runs the project's benchmarks, or some of memory, codec, fold, rebuild, snapshot, report and path, and prints them\n" +
			"beside their targets.",
		Example: "  quarterhour bench\n  quarterhour bench codec fold",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := c.session(cmd)
			if err != nil {
				return err
			}
			t := console.Table{Columns: console.Columns("benchmark", "#measured", "target", "held", "~note")}
			err = c.app.Bench(cmd.Context(), s, args, func(m Measurement) {
				held := ""
				if m.Target != "" {
					held = map[bool]string{true: "yes", false: "no"}[m.Held]
				}
				t.Rows = append(t.Rows, []string{m.Name, m.Value, m.Target, held, m.Note})
			})
			if err != nil {
				return err
			}
			if len(t.Rows) == 0 {
				return usage(cmd, "no benchmark's name contains %q", args)
			}
			c.screen.Table(t)
			return nil
		},
	}
	addSystem(cmd, false)
	return cmd
}
