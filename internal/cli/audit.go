package cli

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/books"
	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/pipelines"
)

func (c *command) audit() *cobra.Command {
	var r span
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "audit [--from TIME --to TIME] PIPELINE...",
		Short: "Check that everything read is accounted for, and that the tables are what the facts make",
		Long: "Folds the whole log of each pipeline again and checks its books: every fact is applied, duplicate, superseded, too late\n" +
			"or rejected, and what was refused has its dead letter; every row is delivered, pending or dead, sink by sink; every cell\n" +
			"of the tables is what the facts make, and they are complete as far as the marks say. Exits with 1 where one is not so.\n\n" +
			"--from and --to choose the rows that are compared; the facts are always counted over the whole log. It may run beside\n" +
			"`quarterhour run`: rows that change meanwhile are counted as unsettled.",
		Example: "  quarterhour audit pipelines/acme-voice.yaml\n" +
			"  quarterhour audit --from 2026-03-02 --to 2026-03-03 --json pipelines/acme-voice.yaml",
		Args:              atLeastOne("pipeline file"),
		ValidArgsFunction: pipelineFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := pipelines.ReadAll(args, c.env)
			if err != nil {
				return err
			}
			ranges, err := r.of(cmd, list)
			if err != nil {
				return err
			}
			s, err := c.quietSession(cmd)
			if err != nil {
				return err
			}
			reports, err := c.app.Audit(cmd.Context(), s, list, ranges)
			if err != nil {
				return err
			}
			wrong := 0
			for _, report := range reports {
				if wrong += len(report.Imbalances); asJSON {
					err = json.NewEncoder(c.screen).Encode(report)
				} else {
					c.audited(report)
				}
				if err != nil {
					return fmt.Errorf("write the audit: %w", err)
				}
			}
			if wrong > 0 {
				return errors.New("the books do not balance: " + number(wrong, "imbalance") + " above")
			}
			return nil
		},
	}
	r.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON, one pipeline a line")
	addSystem(cmd, false)
	return cmd
}

// audited shows the report of one pipeline.
func (c *command) audited(r *books.Report) {
	n := console.Count
	c.screen.Heading("%s: read = applied + duplicate + superseded + too late + rejected", r.Pipeline)
	facts := console.Table{Columns: console.Columns("partition", "tenant", "#read", "#applied", "#duplicate", "#superseded", "#too late", "#rejected", "#dead letters", "#pending")}
	for _, b := range r.Facts {
		facts.Rows = append(facts.Rows, []string{fmt.Sprintf("%s/%d", b.Topic, b.Partition), b.Tenant, n(b.Read), n(b.Applied), n(b.Duplicate), n(b.Superseded),
			n(b.TooLate), n(b.Rejected), n(b.DeadLetters), n(b.Pending)})
	}
	c.screen.Table(facts)
	if len(r.Reported) > 0 {
		c.screen.Heading("%s: rows that sources report themselves", r.Pipeline)
		told := console.Table{Columns: console.Columns("source", "#records", "#rows", "complete through")}
		for _, b := range r.Reported {
			told.Rows = append(told.Rows, []string{b.Source, n(b.Records), n(b.Rows), orNone(b.Through)})
		}
		c.screen.Table(told)
	}
	c.screen.Heading("%s: rows = delivered + pending + dead + discarded", r.Pipeline)
	sinks := console.Table{Columns: console.Columns("sink", "#rows", "#delivered", "#pending", "#dead", "#discarded", "#missing")}
	for _, b := range r.Sinks {
		sinks.Rows = append(sinks.Rows, []string{b.Sink, n(b.Rows), n(b.Delivered), n(b.Pending), n(b.Dead), n(b.Discarded), n(b.Missing)})
	}
	c.screen.Table(sinks)
	c.screen.Heading("%s: the tables against the facts", r.Pipeline)
	tables := console.Table{Columns: console.Columns("sink", "table", "#rows", "#cells", "#equal", "#rebuilt", "#closed", "#pending", "#unsettled", "#different", "#foreign")}
	for _, b := range r.Tables {
		tables.Rows = append(tables.Rows, []string{b.Sink, b.Table, n(b.Rows), n(b.Cells), n(b.Equal), n(b.Rebuilt), n(b.Closed), n(b.Pending), n(b.Unsettled), n(b.Different), n(b.Foreign)})
	}
	c.screen.Table(tables)
	for _, b := range r.Complete {
		c.screen.Line("complete through %s by %s", orNone(b.Through), b.Book)
	}
	for _, note := range r.Notes {
		c.screen.Line("note: %s", note)
	}
	for _, wrong := range r.Imbalances {
		c.screen.Line("imbalance: %s", wrong)
	}
	switch {
	case !r.Balanced():
	case r.Moving:
		c.screen.Line("%s balances, as of what it had committed when the audit began: it is at work.", r.Pipeline)
	default:
		c.screen.Line("%s balances.", r.Pipeline)
	}
}
