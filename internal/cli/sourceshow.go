package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/console"
)

func (c *command) showSource() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show PIPELINE... [SOURCE...]",
		Short: "Show sources in full: their streams and cursors, credentials, budgets and locks",
		Long: "Shows all that is stored about a source, or about each source of the pipeline: where every stream stands and what it\n" +
			"keeps for itself, what was spent of every budget of its credentials, and whether the vendor refused one. Times are in\n" +
			"UTC. At most as much is spent as it says: a block is written down before it is spent, so that a crash costs quota and\n" +
			"never a breach.\n\n" + sourceArguments,
		Example:           "  quarterhour sources show pipelines/acme-voice.yaml five9-eu",
		Args:              atLeastOne("pipeline file"),
		ValidArgsFunction: sourceWords(true),
		RunE: func(cmd *cobra.Command, args []string) error {
			reports, err := c.sourceReports(cmd, args)
			if err != nil {
				return err
			}
			if asJSON {
				return c.sourcesJSON(reports, true)
			}
			for _, r := range reports {
				if len(reports) > 1 {
					c.screen.Heading("pipeline %s", r.Pipeline)
				}
				c.sourcesInFull(r)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	addSystem(cmd, false)
	return cmd
}

// sourcesInFull shows the sources of a pipeline, in the order of its file.
func (c *command) sourcesInFull(r *SourceReport) {
	var names []string
	for _, s := range r.Streams {
		if !slices.Contains(names, s.Source) {
			names = append(names, s.Source)
		}
	}
	for _, name := range names {
		c.sourceInFull(r, name)
	}
}

func (c *command) sourceInFull(r *SourceReport, name string) {
	first := true
	for _, s := range r.Streams {
		if s.Source != name {
			continue
		}
		if first {
			c.screen.Heading("%s", name)
			c.field("type", orNone(s.Type))
			if s.Type == "" {
				c.screen.Line("It is no longer in the pipeline file, and is not read.")
			}
			c.field("read by", r.Reader)
			if !s.Begun {
				c.screen.Line("Nothing has been read yet: `quarterhour sources check %s %s` says whether it can be.", r.Path, name)
			}
		}
		first = false
		c.streamInFull(&s)
	}
	for _, cred := range r.of(name) {
		c.credentialInFull(r, cred)
	}
}

func (c *command) field(name, value string) {
	if value != "" {
		c.screen.Line("%-18s %s", name, console.Clean(value))
	}
}

func (c *command) at(name string, t time.Time) {
	if !t.IsZero() {
		c.field(name, t.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
}

func (c *command) streamInFull(s *SourceStream) {
	if s.Stream != "" {
		c.screen.Heading("%s / %s", s.Source, s.Stream)
	}
	c.at("complete through", s.Through)
	if s.Behind >= 0 {
		c.field("behind", console.Span(s.Behind))
	}
	c.at("last read", s.Read)
	c.at("next due", s.Due)
	c.at("failed at", s.FailedAt)
	c.field("error", s.Error)
	switch {
	case s.Cursor != "" && s.Stream == "":
		c.screen.Line("cursor")
		for line := range strings.Lines(s.Cursor) {
			c.screen.Line("  %s", console.Clean(strings.TrimRight(line, "\n")))
		}
	case s.Cursor != "":
		c.field("keeps", s.Cursor)
	case s.Bytes > 0:
		c.field("keeps", console.Bytes(int64(s.Bytes))+" in a form of its own")
	}
}

func (c *command) credentialInFull(r *SourceReport, cred Credential) {
	c.screen.Heading("credential %s", cred.Name)
	if len(cred.Sources) > 1 {
		c.field("shared by", strings.Join(cred.Sources, ", "))
	}
	if len(cred.Usage) == 0 {
		c.screen.Line("Nothing is stored about its budgets.")
	} else {
		t := console.Table{Columns: console.Columns("operation", "per", "#limit", "#spent", "begins anew")}
		for _, u := range cred.Usage {
			until := "–"
			if !u.Until.IsZero() {
				until = u.Until.UTC().Format("2006-01-02 15:04:05")
			}
			t.Rows = append(t.Rows, []string{u.Operation, per(u.Per), console.Count(u.Count), console.Count(u.Spent), until})
		}
		c.screen.Table(t)
	}
	for _, operation := range slices.Sorted(maps.Keys(cred.Holds)) {
		what := fmt.Sprintf("operation %q", operation)
		if operation == "" {
			what = "all operations"
		}
		c.screen.Line("The vendor wants no call of %s before %s.", what, cred.Holds[operation].UTC().Format(time.RFC3339))
	}
	c.lockedLine(r, cred)
}
