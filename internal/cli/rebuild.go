package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/books"
	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/pipelines"
)

func (c *command) rebuild() *cobra.Command {
	var r span
	var try, asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use:   "rebuild --from TIME --to TIME PIPELINE...",
		Short: "Compute rows of the past anew from the stored facts, and issue those that differ again",
		Long: "Folds the whole log of each pipeline again, with the file as it is now, as if no fact had come too late: neither the\n" +
			"retention nor the late policy counts. Rows of the range that are not what was issued are issued again with a greater\n" +
			"revision, and when the command is done they have reached every sink. --dry-run only lists them.\n\n" +
			"Where `quarterhour run` works on the same --data, the running process carries the rows on.",
		Example: "  quarterhour rebuild --from 2026-03-01 --to 2026-04-01 --dry-run pipelines/acme-voice.yaml\n" +
			"  quarterhour rebuild --from 2026-03-02T08:00 --to 2026-03-02T12:00 pipelines/acme-voice.yaml",
		Args:              atLeastOne("pipeline file"),
		ValidArgsFunction: pipelineFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if r.from == "" || r.to == "" {
				return usage(cmd, "--from and --to are both needed")
			}
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
			done, err := c.app.Rebuild(cmd.Context(), s, list, ranges, try)
			if err != nil {
				return err
			}
			for _, b := range done {
				if asJSON {
					err = json.NewEncoder(c.screen).Encode(b)
				} else {
					c.rebuilt(b, limit)
				}
				if err != nil {
					return fmt.Errorf("write what was rebuilt: %w", err)
				}
			}
			return nil
		},
	}
	r.add(cmd)
	cmd.Flags().BoolVar(&try, "dry-run", false, "only list the rows that differ")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON, one pipeline a line, with every row that differs")
	cmd.Flags().IntVar(&limit, "limit", 50, "show at most this many rows; 0 is all")
	addSystem(cmd, false)
	return cmd
}

// rebuilt shows what a rebuild found.
func (c *command) rebuilt(b *books.Rebuilt, limit int) {
	t := console.Table{Columns: console.Columns("row", "#revision", "~change")}
	for _, r := range b.Changed {
		if limit > 0 && len(t.Rows) == limit {
			t.Note = fmt.Sprintf("the first %s: --limit 0 shows all", number(limit, "row"))
			break
		}
		t.Rows = append(t.Rows, []string{r.Key, fmt.Sprint(r.Revision), changes(r.Cells)})
	}
	if len(t.Rows) > 0 {
		c.screen.Table(t)
	}
	outcome := "none differs"
	switch n := len(b.Changed); {
	case b.Written:
		outcome = fmt.Sprintf("%s issued again", console.Count(int64(n)))
	case n > 0:
		outcome = fmt.Sprintf("%s would be issued again", console.Count(int64(n)))
	}
	c.screen.Line("%s: %s folded, %s of them refused before as too late; %s in the range: %s", b.Pipeline, number(int(b.Facts), "fact"),
		console.Count(b.TooLate), number(int(b.Rows), "row"), outcome)
	if b.Pending > 0 {
		c.screen.Line("%s: %s in the log that the pipeline has not folded yet are among them: `quarterhour run` will count those", b.Pipeline, number(int(b.Pending), "record"))
	}
}

// changes is "offered 3 → 4, answered 2 → 3".
func changes(cells []books.Change) string {
	parts := make([]string, len(cells))
	for i, c := range cells {
		parts[i] = fmt.Sprintf("%s %s → %s", c.Column, orNone(c.Before), orNone(c.After))
	}
	return strings.Join(parts, ", ")
}

func orNone(v string) string {
	if v == "" {
		return "–"
	}
	return v
}
