package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/internal/identity"
	"github.com/quarterhour/quarterhour/pipelines"
)

// workerOptions are the flags of workers.
type workerOptions struct {
	problems, all, json bool
	search              string
}

func (c *command) workers() *cobra.Command {
	var o workerOptions
	cmd := &cobra.Command{
		Use:   "workers PIPELINE...",
		Short: "Show who is who: the persons whom the sources list, their ids in each, and what does not match",
		Long: "Puts the users of every source together by e-mail address (or the tag that a source gives), without regard to case, and\n" +
			"by the aliases of the pipeline file's section `identity`. Nothing is guessed: what that does not decide is listed as a\n" +
			"problem, with what to do about it. Pipelines of one tenant are looked at together.\n\n" +
			"An id is the one that the interval tables have as agent_id. In brackets stand ids that are switched off or deleted. A\n" +
			"question mark stands after ids of which it is not known which one is meant.",
		Example: "  quarterhour workers pipelines/acme-voice.yaml pipelines/acme-mail.yaml\n" +
			"  quarterhour workers --problems pipelines/*.yaml\n" +
			"  quarterhour workers --search jane pipelines/acme-voice.yaml",
		Args:              atLeastOne("pipeline file"),
		ValidArgsFunction: pipelineFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := pipelines.ReadAll(args, c.env)
			if err != nil {
				return err
			}
			s, err := c.quietSession(cmd)
			if err != nil {
				return err
			}
			all, err := c.app.Workers(cmd.Context(), s, list)
			if err != nil {
				return err
			}
			for _, m := range all {
				if m = m.Search(o.search); o.json {
					err = c.workersJSON(m, o.problems)
				} else {
					c.whoIsWho(m, o)
				}
				if err != nil {
					return fmt.Errorf("write the workers: %w", err)
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&o.problems, "problems", false, "only what does not match")
	cmd.Flags().BoolVar(&o.all, "all", false, "persons too who are switched off or deleted everywhere")
	cmd.Flags().StringVar(&o.search, "search", "", "only persons and ids in whose names, addresses or ids this text occurs")
	cmd.Flags().BoolVar(&o.json, "json", false, "write JSON, one tenant a line")
	must(cmd.RegisterFlagCompletionFunc("search", cobra.NoFileCompletions))
	addSystem(cmd, false)
	return cmd
}

func (c *command) workersJSON(m *identity.Matched, problems bool) error {
	if problems {
		only := *m
		only.Persons = nil
		m = &only
	}
	return json.NewEncoder(c.screen).Encode(m)
}

// whoIsWho shows the persons of one tenant, and what does not match.
func (c *command) whoIsWho(m *identity.Matched, o workerOptions) {
	if len(m.Sources) == 0 {
		c.screen.Line("%s: no source has listed any users yet. Streams of users are named `users` or `agents`; `quarterhour sources list` says when they were read.", m.Tenant)
		return
	}
	if !o.problems {
		c.personTable(m, o.all || o.search != "")
	}
	for _, kind := range identity.Kinds {
		if m.Count(kind) > 0 {
			c.problemTable(m, kind)
		}
	}
	if len(m.Problems) == 0 && (o.problems || o.search == "") {
		c.screen.Line("%s: every id belongs to one person, and every person is in all of %s.", m.Tenant, strings.Join(m.Sources, ", "))
	}
}

func (c *command) personTable(m *identity.Matched, all bool) {
	c.screen.Heading("%s: who is who", m.Tenant)
	t := console.Table{Columns: console.Columns(append([]string{"person", "name"}, m.Sources...)...)}
	left := 0
	for i := range m.Persons {
		p := &m.Persons[i]
		if !p.Active && !all {
			left++
			continue
		}
		row := []string{p.Person, p.Name}
		for _, source := range m.Sources {
			row = append(row, idCell(p.In(source)))
		}
		t.Rows = append(t.Rows, row)
	}
	if t.Note = number(len(t.Rows), "person"); left > 0 {
		t.Note += fmt.Sprintf(", and %s who left: --all shows them", console.Count(int64(left)))
	}
	if !c.screen.Terminal {
		t.Note = ""
	}
	c.screen.Table(t)
}

// idCell is what a source knows a person by.
func idCell(ids []identity.ID) string {
	parts := make([]string, len(ids))
	here := 0
	for i, id := range ids {
		if parts[i] = idText(id); id.Here() {
			here++
		} else {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	cell := orNone(strings.Join(parts, ", "))
	if here > 1 {
		cell += " ?"
	}
	return cell
}

// idText is the id that the tables have, or, where a source has none for them, its own.
func idText(id identity.ID) string {
	if id.AgentID != "" {
		return id.AgentID
	}
	return id.WorkerID
}

func (c *command) problemTable(m *identity.Matched, kind identity.Kind) {
	c.screen.Heading("%s: %s (%s)", m.Tenant, kind, console.Count(int64(m.Count(kind))))
	c.screen.Prose(kind.About())
	t := console.Table{Columns: console.Columns("person", "source", "id", "agent id", "name", "~what")}
	for _, p := range m.Problems {
		if p.Kind != kind {
			continue
		}
		for i, id := range p.IDs {
			row := []string{p.Person, id.Source, id.WorkerID, id.AgentID, id.Name, ""}
			if i == 0 {
				row[5] = p.Detail
			}
			t.Rows = append(t.Rows, row)
		}
	}
	c.screen.Table(t)
}
