package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/pipelines"
)

func (c *command) sources() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sources",
		Short: "Look after the connected systems: how far they are read, quotas, locks, and whether they can be reached",
		Long: "How far each stream of each source has been read, and when it is due again; what is spent of the vendors' quotas;\n" +
			"credentials that a vendor refused; reading a stretch of time again; and a check of a source before anything runs.",
		Example: "  quarterhour sources check pipelines/acme-voice.yaml\n" +
			"  quarterhour sources list pipelines/acme-voice.yaml\n" +
			"  quarterhour sources show pipelines/acme-voice.yaml five9-eu\n" +
			"  quarterhour sources reset pipelines/acme-voice.yaml five9-eu --stream calls --to 2026-03-02",
		Args: cobra.ArbitraryArgs,
		RunE: group,
	}
	cmd.AddCommand(c.listSources(), c.showSource(), c.resetSource(), c.checkSources())
	for _, sub := range cmd.Commands() {
		sub.DisableFlagsInUseLine = true
	}
	return cmd
}

func (c *command) listSources() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list PIPELINE... [SOURCE...]",
		Short: "List sources and streams: how far they are, when they are due, what failed, what is spent",
		Long: "Lists the streams of each source: through when they are complete and how far that is behind, when they were last read\n" +
			"and are due again, of the source's budgets the one that is spent most, and what failed last. Times are in UTC. It may run\n" +
			"beside `quarterhour run`.\n\n" + sourceArguments,
		Example: "  quarterhour sources list pipelines/acme-voice.yaml\n" +
			"  quarterhour sources list --json pipelines/*.yaml",
		Args:              atLeastOne("pipeline file"),
		ValidArgsFunction: sourceWords(true),
		RunE: func(cmd *cobra.Command, args []string) error {
			reports, err := c.sourceReports(cmd, args)
			if err != nil {
				return err
			}
			if asJSON {
				return c.sourcesJSON(reports, false)
			}
			c.sourceTable(reports)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON, one pipeline a line")
	addSystem(cmd, false)
	return cmd
}

// sourceReports are those of the pipelines that args name, about the sources that they name.
func (c *command) sourceReports(cmd *cobra.Command, args []string) ([]*SourceReport, error) {
	list, err := c.sourcesNamed(cmd, args)
	if err != nil {
		return nil, err
	}
	s, err := c.quietSession(cmd)
	if err != nil {
		return nil, err
	}
	var all []*pipelines.Pipeline
	for _, of := range list {
		all = append(all, of.Pipeline)
	}
	reports, err := c.app.Sources(cmd.Context(), s, all)
	if err != nil {
		return nil, err
	}
	for n, r := range reports {
		if names := only(list[n], args); names != nil {
			r.restrict(names)
		}
	}
	return reports, nil
}

func (c *command) sourceTable(reports []*SourceReport) {
	several := len(reports) > 1
	names := []string{"source", "stream", "complete through", "#behind", "last read", "next due", "budget", "~last error"}
	if several {
		names = slices.Insert(names, 0, "pipeline")
	}
	t := console.Table{Columns: console.Columns(names...)}
	for _, r := range reports {
		for _, s := range r.Streams {
			when := func(at time.Time) string { return c.moment(at, r.Now) }
			row := []string{
				s.Source, orNone(s.Stream), when(s.Through), behind(s.Behind), when(s.Read), when(s.Due), budget(r.of(s.Source)), lastError(&s, when),
			}
			if several {
				row = slices.Insert(row, 0, r.Pipeline)
			}
			t.Rows = append(t.Rows, row)
		}
	}
	c.screen.Table(t)
	for _, r := range reports {
		if r.Reader != "" {
			c.screen.Line("%s: read by %s", r.Pipeline, r.Reader)
		}
		for _, cred := range r.Credentials {
			c.lockedLine(r, cred)
		}
	}
}

// lastError is what failed last, and when.
func lastError(s *SourceStream, when func(time.Time) string) string {
	switch {
	case s.Error != "":
		return when(s.FailedAt) + " " + s.Error
	case s.Type == "":
		return "no longer in the pipeline file"
	case !s.Begun:
		return "not read yet"
	}
	return ""
}

// lockedLine says what to do about a credential that the vendor refused.
func (c *command) lockedLine(r *SourceReport, cred Credential) {
	if cred.Refused.IsZero() {
		return
	}
	source := "SOURCE"
	if len(cred.Sources) > 0 {
		source = cred.Sources[0]
	}
	c.screen.Line("credential %s is locked since %s: %s. Put the right password in place, or, if it was right, say `quarterhour sources reset %s %s --unlock`.",
		cred.Name, cred.Refused.UTC().Format(time.RFC3339), strings.TrimSuffix(cred.Why, "."), r.Path, source)
}

// moment is an instant: on a terminal only the time of the day it is now.
func (c *command) moment(at, now time.Time) string {
	at, now = at.UTC(), now.UTC()
	switch {
	case at.IsZero():
		return "–"
	case !c.screen.Terminal:
		return at.Format(time.RFC3339)
	case at.Format(time.DateOnly) == now.Format(time.DateOnly):
		return at.Format(time.TimeOnly)
	}
	return at.Format("2006-01-02 15:04")
}

func behind(d time.Duration) string {
	if d < 0 {
		return "–"
	}
	return console.Span(d)
}

// budget is what is spent of the budget that is fullest.
func budget(list []Credential) string {
	var most quota.Usage
	for _, cred := range list {
		if !cred.Refused.IsZero() {
			return "locked"
		}
		if u, ok := cred.fullest(); ok && (most.Count == 0 || u.Spent*most.Count > most.Spent*u.Count) {
			most = u
		}
	}
	if most.Count == 0 {
		return "–"
	}
	return usedOf(most) + " " + per(most.Per)
}

func usedOf(u quota.Usage) string { return console.Count(u.Spent) + "/" + console.Count(u.Count) }

// per is a length of time as budgets have it: "an hour".
func per(d time.Duration) string {
	switch d {
	case time.Second:
		return "a second"
	case time.Minute:
		return "a minute"
	case time.Hour:
		return "an hour"
	case 24 * time.Hour:
		return "a day"
	}
	return "in " + console.Span(d)
}

// sourceNamed finds a source of a pipeline file.
func sourceNamed(cmd *cobra.Command, p *pipelines.Pipeline, name string) (pipelines.Source, error) {
	names := make([]string, len(p.Sources))
	for i, s := range p.Sources {
		if s.Name == name {
			return s, nil
		}
		names[i] = s.Name
	}
	return pipelines.Source{}, usage(cmd, "pipeline %q has no source %q%s", p.Name, name, spec.Suggest(name, names))
}

func (c *command) sourcesJSON(reports []*SourceReport, cursors bool) error {
	for _, r := range reports {
		if err := json.NewEncoder(c.screen).Encode(sourceFacts(r, cursors)); err != nil {
			return fmt.Errorf("write how the sources stand: %w", err)
		}
	}
	return nil
}

type (
	sourcesFact struct {
		Pipeline    string           `json:"pipeline"`
		Now         time.Time        `json:"now"`
		Reader      string           `json:"reader,omitempty"`
		Streams     []streamFact     `json:"streams"`
		Credentials []credentialFact `json:"credentials"`
	}
	streamFact struct {
		Source          string          `json:"source"`
		Type            string          `json:"type,omitempty"`
		Stream          string          `json:"stream,omitempty"`
		CompleteThrough time.Time       `json:"complete_through,omitzero"`
		BehindSeconds   *float64        `json:"behind_seconds,omitempty"`
		LastRead        time.Time       `json:"last_read,omitzero"`
		NextDue         time.Time       `json:"next_due,omitzero"`
		FailedAt        time.Time       `json:"failed_at,omitzero"`
		Error           string          `json:"error,omitempty"`
		Cursor          json.RawMessage `json:"cursor,omitempty"`
	}
	credentialFact struct {
		Name        string               `json:"name"`
		Sources     []string             `json:"sources"`
		LockedSince time.Time            `json:"locked_since,omitzero"`
		Why         string               `json:"why,omitempty"`
		Holds       map[string]time.Time `json:"holds,omitempty"`
		Budgets     []budgetFact         `json:"budgets"`
	}
	budgetFact struct {
		Operation  string    `json:"operation"`
		PerSeconds int64     `json:"per_seconds"`
		Limit      int64     `json:"limit"`
		Spent      int64     `json:"spent"`
		Until      time.Time `json:"until,omitzero"`
	}
)

// sourceFacts is a report as JSON, with or without the cursors.
func sourceFacts(r *SourceReport, cursors bool) sourcesFact {
	f := sourcesFact{Pipeline: r.Pipeline, Now: r.Now.UTC(), Reader: r.Reader, Streams: []streamFact{}, Credentials: []credentialFact{}}
	for _, s := range r.Streams {
		one := streamFact{
			Source: s.Source, Type: s.Type, Stream: s.Stream, CompleteThrough: s.Through, LastRead: s.Read, NextDue: s.Due, FailedAt: s.FailedAt, Error: s.Error,
		}
		if s.Behind >= 0 {
			seconds := s.Behind.Seconds()
			one.BehindSeconds = &seconds
		}
		if cursors && s.Cursor != "" {
			one.Cursor = json.RawMessage(s.Cursor)
		}
		f.Streams = append(f.Streams, one)
	}
	for _, cred := range r.Credentials {
		one := credentialFact{
			Name: cred.Name, Sources: append([]string{}, cred.Sources...), LockedSince: cred.Refused, Why: cred.Why, Holds: cred.Holds, Budgets: []budgetFact{},
		}
		for _, u := range cred.Usage {
			one.Budgets = append(one.Budgets, budgetFact{u.Operation, int64(u.Per / time.Second), u.Count, u.Spent, u.Until})
		}
		f.Credentials = append(f.Credentials, one)
	}
	return f
}
