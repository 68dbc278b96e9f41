package cli

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/pipelines"
)

func (c *command) checkSources() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check PIPELINE [SOURCE...]",
		Short: "Check that sources can be read, before anything runs",
		Long: "Looks at each source of the pipeline, or at those named, without reading its data: that it is reached, that the\n" +
			"credential is accepted and has the rights, that reports have the columns, that the clocks agree, and that quota is left.\n" +
			"What is found comes line by line: ok, warning or failed, with what to do. It costs a few calls of the vendors' quotas. A\n" +
			"credential that the vendor refused before is not tried again. Exits with 1 where something failed.",
		Example: "  quarterhour sources check pipelines/acme-voice.yaml\n" +
			"  quarterhour sources check --json pipelines/acme-voice.yaml five9-eu",
		Args:              atLeastOne("pipeline file"),
		ValidArgsFunction: sourceWords(true),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := pipelines.Read(args[0], c.env)
			if err != nil {
				return err
			}
			wanted := p.Sources
			if len(args) > 1 {
				wanted = nil
			}
			for _, name := range args[1:] {
				s, err := sourceNamed(cmd, p, name)
				if err != nil {
					return err
				}
				wanted = append(wanted, s)
			}
			s, err := c.quietSession(cmd)
			if err != nil {
				return err
			}
			counts := map[ingest.Outcome]int{}
			err = c.app.CheckSources(cmd.Context(), s, p, wanted, func(source string, f ingest.Finding) {
				counts[f.Outcome]++
				c.finding(p, source, f, asJSON)
			})
			if err != nil {
				return err
			}
			if n := counts[ingest.Failure]; n > 0 {
				return errors.New(number(n, "finding") + " failed: correct what is said above, and check again")
			}
			if !asJSON {
				c.screen.Line("%s: %s.", p.Name, checked(len(wanted), counts[ingest.Doubt]))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON, one finding a line")
	addSystem(cmd, false)
	return cmd
}

func checked(sources, doubts int) string {
	text := number(sources, "source") + " can be read"
	if doubts > 0 {
		text += fmt.Sprintf(", with %s", number(doubts, "warning"))
	}
	return text
}

// finding writes one line as soon as something is found.
func (c *command) finding(p *pipelines.Pipeline, source string, f ingest.Finding, asJSON bool) {
	if asJSON {
		_ = json.NewEncoder(c.screen).Encode(struct { // the screen keeps its error
			Pipeline string         `json:"pipeline"`
			Source   string         `json:"source,omitempty"`
			What     string         `json:"what"`
			Outcome  ingest.Outcome `json:"outcome"`
			Detail   string         `json:"detail,omitempty"`
		}{p.Name, source, f.What, f.Outcome, f.Detail})
		return
	}
	where := f.What
	if source != "" {
		where = source + ": " + f.What
	}
	line := fmt.Sprintf("%s  %s", c.screen.Outcome(string(f.Outcome), 7), console.Clean(where))
	if f.Detail != "" {
		line += ": " + console.Clean(f.Detail)
	}
	c.screen.Line("%s", line)
}
