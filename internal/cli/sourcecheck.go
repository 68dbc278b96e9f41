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
		Use:   "check PIPELINE... [SOURCE...]",
		Short: "Check that sources can be read, before anything runs",
		Long: "Looks at each source of the pipelines, or at those named, without reading its data: that it is reached, that the\n" +
			"credential is accepted and has the rights, that reports have the columns, that the clocks agree, and that quota is left.\n" +
			"What is found comes line by line: ok, warning or failed, with what to do. It costs a few calls of the vendors' quotas. A\n" +
			"credential that the vendor refused is written down in the pipeline's Kafka, and tried again by no check and no run; where\n" +
			"it cannot be written down, that is said. Of vendors that take one request at a time nothing is asked while a run reads\n" +
			"them: what the run said last is shown. Exits with 1 where something failed.\n\n" + sourceArguments,
		Example: "  quarterhour sources check pipelines/acme-voice.yaml\n" +
			"  quarterhour sources check --json pipelines/acme-voice.yaml five9-eu\n" +
			"  quarterhour sources check pipelines/*.yaml",
		Args:              atLeastOne("pipeline file"),
		ValidArgsFunction: sourceWords(true),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := c.sourcesNamed(cmd, args)
			if err != nil {
				return err
			}
			return c.check(cmd, list, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON, one finding a line")
	addSystem(cmd, false)
	return cmd
}

func (c *command) check(cmd *cobra.Command, list []SourcesOf, asJSON bool) error {
	s, err := c.quietSession(cmd)
	if err != nil {
		return err
	}
	counts := map[*pipelines.Pipeline]map[ingest.Outcome]int{nil: {}}
	for _, of := range list {
		counts[of.Pipeline] = map[ingest.Outcome]int{}
	}
	err = c.app.CheckSources(cmd.Context(), s, list, func(p *pipelines.Pipeline, source string, f ingest.Finding) {
		counts[p][f.Outcome]++
		name := ""
		if p != nil {
			name = p.Name
		}
		c.finding(name, source, f, asJSON, len(list) > 1)
	})
	if err != nil {
		return err
	}
	failed := counts[nil][ingest.Failure]
	for _, of := range list {
		n := counts[of.Pipeline]
		failed += n[ingest.Failure]
		if !asJSON && n[ingest.Failure] == 0 && counts[nil][ingest.Failure] == 0 {
			c.screen.Line("%s: %s.", of.Pipeline.Name, checked(len(of.Sources), n[ingest.Doubt]+counts[nil][ingest.Doubt]))
		}
	}
	if failed > 0 {
		return errors.New(number(failed, "finding") + " failed: correct what is said above, and check again")
	}
	return nil
}

func checked(sources, doubts int) string {
	text := number(sources, "source") + " can be read"
	if doubts > 0 {
		text += fmt.Sprintf(", with %s", number(doubts, "warning"))
	}
	return text
}

// finding writes one line as soon as something is found.
func (c *command) finding(pipeline, source string, f ingest.Finding, asJSON, several bool) {
	if asJSON {
		_ = json.NewEncoder(c.screen).Encode(struct { // the screen keeps its error
			Pipeline string         `json:"pipeline,omitempty"`
			Source   string         `json:"source,omitempty"`
			What     string         `json:"what"`
			Outcome  ingest.Outcome `json:"outcome"`
			Detail   string         `json:"detail,omitempty"`
		}{pipeline, source, f.What, f.Outcome, f.Detail})
		return
	}
	where := f.What
	if source != "" {
		where = source + ": " + f.What
	}
	if several && pipeline != "" {
		where = pipeline + ": " + where
	}
	line := fmt.Sprintf("%s  %s", c.screen.Outcome(string(f.Outcome), 7), console.Clean(where))
	if f.Detail != "" {
		line += ": " + console.Clean(f.Detail)
	}
	c.screen.Line("%s", line)
}
