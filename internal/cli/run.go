package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/pipelines"
)

// stages are what --stage takes: the parts of a pipeline that can run in processes of their own.
var stages = []string{"ingest", "intervals", "merge", "sinks"}

func (c *command) run() *cobra.Command {
	var o RunOptions
	cmd := &cobra.Command{
		Use:   "run PIPELINE...",
		Short: "Run pipelines until they are interrupted",
		Long: "Runs one or more pipelines: reads their sources, keeps their intervals, and brings their sinks up to date, until it\n" +
			"is interrupted. With --drain it stops by itself when all that the sources have has reached every sink.\n\n" +
			"What was read is remembered: a run goes on where the last one stopped, and running twice changes nothing.",
		Example: "  quarterhour run pipelines/acme-voice.yaml\n" +
			"  quarterhour run --drain --data /tmp/trial pipelines/examples/bank-calls.yaml\n" +
			"  quarterhour run --stage intervals,merge --config production.yaml pipelines/*.yaml",
		Args:              atLeastOne("pipeline file"),
		ValidArgsFunction: pipelineFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, s := range o.Stages {
				if err := words(cmd, "stage", s, stages); err != nil {
					return err
				}
			}
			list, err := pipelines.ReadAll(args, c.env)
			if err != nil {
				return err
			}
			s, err := c.session(cmd)
			if err != nil {
				return err
			}
			err = c.app.Run(cmd.Context(), s, list, o)
			if cmd.Context().Err() != nil && !o.Drain && isCanceled(err) {
				return nil // being interrupted is how it ends
			}
			return err
		},
	}
	cmd.Flags().StringSliceVar(&o.Stages, "stage", nil, "run only these stages: ingest, intervals, merge, sinks")
	cmd.Flags().BoolVar(&o.Drain, "drain", false, "finish what the sources have, then exit")
	addSystem(cmd, true)
	must(cmd.RegisterFlagCompletionFunc("stage", cobra.FixedCompletions(stages, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func atLeastOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage(cmd, "no %s given", what)
		}
		return nil
	}
}

func (c *command) validate() *cobra.Command {
	return &cobra.Command{
		Use:   "validate PIPELINE...",
		Short: "Check pipeline files, and report every problem at once",
		Long: "Checks pipeline files without running them. Every problem is one line on standard error: file:line, what is wrong,\n" +
			"and the nearest right name. Exits with 2 where there is one.",
		Example:           "  quarterhour validate pipelines/*.yaml",
		Args:              atLeastOne("pipeline file"),
		ValidArgsFunction: pipelineFiles,
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := pipelines.ReadAll(args, c.env)
			if err != nil {
				return err
			}
			for _, p := range list {
				parts := []string{number(len(p.Sources), "source"), number(len(p.Stages), "stage"), number(len(p.Sinks), "sink")}
				if len(p.Tests) > 0 {
					parts = append(parts, number(len(p.Tests), "test case"))
				}
				c.screen.Line("%s: in order: %s", p.Path, strings.Join(parts, ", "))
			}
			return nil
		},
	}
}

func (c *command) graph() *cobra.Command {
	return &cobra.Command{
		Use:   "graph PIPELINE...",
		Short: "Draw pipelines as a Mermaid flow chart",
		Long:  "Writes a Mermaid flow chart of the pipelines, for Markdown pages and mermaid.live.",
		Example: "  quarterhour graph pipelines/acme-voice.yaml\n" +
			"  quarterhour graph pipelines/*.yaml > flow.mmd",
		Args:              atLeastOne("pipeline file"),
		ValidArgsFunction: pipelineFiles,
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := pipelines.ReadAll(args, c.env)
			if err != nil {
				return err
			}
			_, err = c.screen.Write([]byte(pipelines.Mermaid(list)))
			return err
		},
	}
}

// pipelineFiles completes file names.
func pipelineFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

// components completes kinds, then the components of a kind.
func components(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return kindWords(), cobra.ShellCompDirectiveNoFileComp
	case 1:
		var words []string
		for _, c := range pipelines.Components(spec.Kind(args[0])) {
			words = append(words, c.Type+"\t"+c.Summary)
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}
