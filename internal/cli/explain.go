package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/books"
	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/pipelines"
)

func (c *command) explain() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain ROWKEY PIPELINE...",
		Short: "Show the facts behind one interval row, and its revisions",
		Long: "Finds every fact that one row counts, or counted before a correction, with what it adds to each measure, its source, when\n" +
			"it arrived and where it stands in the log; then the row's revisions in order, with what changed and why. Exits with 1\n" +
			"where the contributions do not sum to the row.\n\n" +
			"A row's key is its table, the tenant, a time in the interval, and the ids; ids are escaped as in an address:\n" +
			"queue_intervals/TENANT/TIME/QUEUE/CHANNEL, agent_queue_intervals/TENANT/TIME/AGENT/QUEUE/CHANNEL or\n" +
			"agent_intervals/TENANT/TIME/AGENT. TIME is 2026-03-02T11:00Z, or 2026-03-02T12:00 on the pipeline's clock. TENANT may\n" +
			"be left out. Of several pipelines the first that has the row is asked.",
		Example: "  quarterhour explain queue_intervals/acme/2026-03-02T12:00/q01/voice pipelines/acme-voice.yaml\n" +
			"  quarterhour explain --json agent_intervals/2026-03-02T11:00Z/a17 pipelines/acme-voice.yaml",
		Args: func(cmd *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return usage(cmd, "no row key given, such as queue_intervals/acme/2026-03-02T12:00/q01/voice")
			case 1:
				return usage(cmd, "no pipeline file given")
			}
			return nil
		},
		ValidArgsFunction: pipelineFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := pipelines.ReadAll(args[1:], c.env)
			if err != nil {
				return err
			}
			for _, p := range list {
				if _, err := books.ParseKey(args[0], p); err != nil {
					return usage(cmd, "%v", err)
				}
			}
			s, err := c.quietSession(cmd)
			if err != nil {
				return err
			}
			e, err := c.app.Explain(cmd.Context(), s, list, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				if err := json.NewEncoder(c.screen).Encode(e); err != nil {
					return fmt.Errorf("write the explanation: %w", err)
				}
			} else {
				c.explained(e)
			}
			if len(e.Problems) > 0 {
				return errors.New("the facts do not sum to the row: " + strings.Join(e.Problems, "; "))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	addSystem(cmd, false)
	return cmd
}

// explained shows an explanation.
func (c *command) explained(e *books.Explanation) {
	state := "provisional"
	if e.Final {
		state = "final"
	}
	c.screen.Heading("%s", e.Key)
	c.screen.Line("%s, pipeline %s: %s, %s, revision %d", e.Table, e.Pipeline, e.Local, state, e.Revision)
	c.screen.Heading("The row, and the sum of its facts")
	t := console.Table{Columns: console.Columns("measure", "#row", "#facts")}
	sum := map[string]string{}
	for _, cell := range e.Sum {
		sum[cell.Column] = cell.Value
	}
	for _, cell := range e.Row {
		t.Rows = append(t.Rows, []string{cell.Column, cell.Value, sum[cell.Column]})
	}
	c.screen.Table(t)
	c.screen.Heading("The facts, as they arrived")
	facts := console.Table{Columns: console.Columns("arrived", "source", "fact", "#revision", "outcome", "~adds", "~says", "position"), Note: number(len(e.Facts), "fact")}
	for _, f := range e.Facts {
		outcome := f.Outcome
		if f.Reason != "" {
			outcome += ": " + f.Reason
		}
		facts.Rows = append(facts.Rows, []string{f.Arrived, f.Source, f.Kind + " " + f.ID, fmt.Sprint(f.Revision), outcome, cells(f.Adds), f.Says, f.Position})
	}
	c.screen.Table(facts)
	c.screen.Heading("Its revisions")
	revisions := console.Table{Columns: console.Columns("#revision", "issued", "final", "~changes", "~why", "~facts in between")}
	for _, r := range e.Revisions {
		revisions.Rows = append(revisions.Rows, []string{fmt.Sprint(r.Revision), r.At, fmt.Sprint(r.Final), changes(r.Changes), r.Why, strings.Join(r.Facts, " ")})
	}
	c.screen.Table(revisions)
	for _, note := range e.Notes {
		c.screen.Line("note: %s", note)
	}
	switch {
	case len(e.Problems) > 0:
	case e.Rebuilt:
		c.screen.Line("The facts sum to the row, those included that came too late: a rebuild issued it.")
	default:
		c.screen.Line("The facts sum to the row.")
	}
}

// cells is "offered 1, talk_ms 100000".
func cells(all []books.Cell) string {
	parts := make([]string, len(all))
	for i, cell := range all {
		parts[i] = cell.Column + " " + cell.Value
	}
	return strings.Join(parts, ", ")
}
