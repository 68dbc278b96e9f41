package cli

import (
	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/internal/spec"
)

// command is one invocation.
type command struct {
	app      App
	around   Surroundings
	screen   *console.Screen
	progress *console.Progress
	env      spec.Environment
}

// Root is the tree of commands without anything behind them, for the generated reference.
func Root() *cobra.Command { return (&command{}).root() }

func (c *command) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "quarterhour",
		Short: "Turn what contact-centre systems record into interval tables, and keep them right",
		Long: "Quarterhour reads agent states and contacts from files and systems, makes the 15-minute queue and agent\n" +
			"tables of them that forecasting, scheduling and payroll run on, and corrects them when the sources do.\n\n" +
			"Without a Kafka and a ClickHouse in its configuration it runs both inside the process, under --data.",
		Example: "  quarterhour demo\n" +
			"  quarterhour run --drain pipelines/examples/bank-calls.yaml\n" +
			"  quarterhour query \"SELECT * FROM queue_intervals LIMIT 10\"",
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.ArbitraryArgs,
		RunE: group,
	}
	root.SetFlagErrorFunc(flagError)
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(c.demo(), c.run(), c.validate(), c.test(), c.graph(), c.list(), c.query(), c.deadLetters(), c.deliveries(), c.verify(), c.migrate(), c.bench(), c.explain(), c.audit(), c.rebuild(),
		c.sources(), c.workers(), c.simulate(),
		version(), completion())
	for _, sub := range root.Commands() {
		sub.DisableFlagsInUseLine = true
	}
	root.SetHelpCommand(help())
	return root
}

// help is for those who type it as a word.
func help() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Print what a command does", Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			target, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(target, rest[0])
			}
			return target.Help()
		},
	}
}

// group is what a command does that only holds others.
func group(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return unknownCommand(cmd, args[0])
	}
	return cmd.Help()
}

// none is for commands without arguments.
func none(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(cmd, "unexpected argument %q", args[0])
	}
	return nil
}
