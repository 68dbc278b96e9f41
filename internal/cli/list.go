package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/pipelines"
)

func kindWords() []string {
	words := make([]string, len(pipelines.Kinds))
	for i, k := range pipelines.Kinds {
		words[i] = string(k)
	}
	return words
}

func (c *command) list() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [ingest|transform|sinks|measures] [NAME]",
		Short: "List the components a pipeline may name, and their options",
		Long: "Lists every source, stage, sink and measure with one line each; with a kind, its components with all their options;\n" +
			"with a name as well, only that one.",
		Example:           "  quarterhour list\n  quarterhour list ingest\n  quarterhour list ingest file",
		ValidArgsFunction: components,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 2 {
				return usage(cmd, "unexpected argument %q", args[2])
			}
			if len(args) > 0 {
				if err := words(cmd, "kind", args[0], kindWords()); err != nil {
					return err
				}
			}
			if len(args) > 1 {
				return words(cmd, "component", args[1], pipelines.Types(spec.Kind(args[0])))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			kinds, name := pipelines.Kinds, ""
			if len(args) > 0 {
				kinds = []spec.Kind{spec.Kind(args[0])}
			}
			if len(args) > 1 {
				name = args[1]
			}
			chosen := selected(kinds, name)
			switch {
			case asJSON:
				return c.listJSON(chosen)
			case len(args) == 0 || kinds[0] == spec.Measure && name == "":
				c.summaries(chosen)
			default:
				for _, component := range chosen {
					c.describe(component)
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON instead of text")
	return cmd
}

func selected(kinds []spec.Kind, name string) []spec.Component {
	var list []spec.Component
	for _, kind := range kinds {
		for _, component := range pipelines.Components(kind) {
			if name == "" || component.Type == name {
				list = append(list, component)
			}
		}
	}
	return list
}

func (c *command) summaries(list []spec.Component) {
	t := console.Table{Columns: console.Columns("kind", "name", "~what it is")}
	for _, component := range list {
		t.Rows = append(t.Rows, []string{string(component.Kind), component.Type, spec.Sentence(component.Summary)})
	}
	c.screen.Table(t)
}

func (c *command) describe(component spec.Component) {
	c.screen.Heading("%s (%s)", component.Type, component.Kind)
	c.screen.Prose(spec.Sentence(component.Summary))
	if component.Description != "" {
		c.screen.Line("")
		c.screen.Prose(component.Description)
	}
	if component.Guarantee != "" {
		c.screen.Line("")
		c.screen.Prose("Guarantee: " + spec.Sentence(component.Guarantee))
	}
	if fields := spec.Flatten(spec.Fields(component)); len(fields) > 0 {
		c.screen.Line("")
		c.screen.Table(optionTable(fields))
	}
	if component.Example != "" {
		c.screen.Line("\nExample:\n%s", indent(pipelines.Example(component)))
	}
}

func optionTable(fields []spec.Field) console.Table {
	t := console.Table{Columns: console.Columns("option", "type", "default", "~what it is")}
	for _, f := range fields {
		t.Rows = append(t.Rows, []string{f.Name, f.TypeText(), f.DefaultText(), spec.Sentence(f.Help)})
	}
	return t
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}

func (c *command) listJSON(list []spec.Component) error {
	type option struct {
		Name     string   `json:"name"`
		Type     string   `json:"type"`
		Default  string   `json:"default,omitempty"`
		Help     string   `json:"help,omitempty"`
		Words    []string `json:"words,omitempty"`
		Required bool     `json:"required,omitempty"`
		Secret   bool     `json:"secret,omitempty"`
	}
	type entry struct {
		Kind      spec.Kind `json:"kind"`
		Name      string    `json:"name"`
		Summary   string    `json:"summary"`
		Guarantee string    `json:"guarantee,omitempty"`
		Options   []option  `json:"options,omitempty"`
	}
	entries := []entry{}
	for _, component := range list {
		e := entry{Kind: component.Kind, Name: component.Type, Summary: component.Summary, Guarantee: component.Guarantee}
		for _, f := range spec.Flatten(spec.Fields(component)) {
			e.Options = append(e.Options, option{f.Name, f.Type, f.Default, f.Help, f.Enum, f.Required, f.Secret})
		}
		entries = append(entries, e)
	}
	encoder := json.NewEncoder(c.screen)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(entries); err != nil {
		return fmt.Errorf("write list: %w", err)
	}
	return nil
}
