package cli

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/books"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/schemas"
)

// letterChoice says which dead letters are to be done with.
type letterChoice struct {
	letterFilter
	yes bool
}

func (f *letterChoice) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.addChoice(cmd)
	flags.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
}

// chosen finds the letters; ids, where given, are of those only.
func (c *command) chosen(cmd *cobra.Command, f *letterChoice, ids []string) (*Session, []letter, error) {
	if len(ids) == 0 && f.empty() {
		return nil, nil, usage(cmd, "say which: by ids, or by --sink, --reason, --older-than and the like")
	}
	s, err := c.session(cmd)
	if err != nil {
		return nil, nil, err
	}
	now := clock.Now()
	var list []letter
	hits := map[string]int{}
	_, err = c.lettersOf(cmd, s, func(l letter) bool {
		wanted := len(ids) == 0
		for _, id := range ids {
			if strings.HasPrefix(l.ID, id) {
				hits[id]++
				wanted = true
			}
		}
		if wanted && f.matches(l.DeadLetter, now) {
			list = append(list, l)
		}
		return true
	})
	for _, id := range ids {
		if err == nil && hits[id] == 0 {
			err = fmt.Errorf("no dead letter has the id %q: `quarterhour deadletters list` lists them", id)
		} else if err == nil && hits[id] > 1 {
			err = fmt.Errorf("the id %q stands for %d dead letters: write more of it", id, hits[id])
		}
	}
	return s, list, err
}

// sure asks a person, where one is there and has not said so.
func (c *command) sure(s *Session, yes bool, what string) (bool, error) {
	if yes {
		return true, nil
	}
	if !c.screen.Terminal {
		return false, errors.New("nobody can be asked here: say --yes")
	}
	c.screen.Line("%s? [y/N]", what)
	answer, err := bufio.NewReader(s.Stdin).ReadString('\n')
	if err != nil && answer == "" {
		return false, nil
	}
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y"), nil
}

func (c *command) redriveLetters() *cobra.Command {
	var f letterChoice
	cmd := &cobra.Command{
		Use:   "redrive [ID...]",
		Short: "Send again what a sink could not deliver",
		Long: "Writes what dead letters are about to the log again, for their sinks alone, and lists the letters no more. What cannot be\n" +
			"delivered again becomes a new letter. A record of which a newer revision is there is left to that. Only what a sink that\n" +
			"delivers by requests could not deliver can be sent again: inputs of sources come again when they are read again.",
		Example: "  quarterhour deadletters redrive 4f1b2c3d5e\n  quarterhour deadletters redrive --sink calabrio --reason unknown_queue --yes",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, ids []string) error {
			s, list, err := c.chosen(cmd, &f, ids)
			if err != nil {
				return err
			}
			var letters []*schemas.DeadLetter
			for _, l := range list {
				if l.Stage == "sink" {
					letters = append(letters, l.DeadLetter)
				} else if len(ids) > 0 {
					return fmt.Errorf("dead letter %s is of stage %q: %w", l.ID, l.Stage, books.ErrNotRedrivable)
				}
			}
			if others := len(list) - len(letters); others > 0 {
				c.screen.Line("%s of sources and stages left where they are: only what a sink could not deliver can be sent again", number(others, "letter"))
			}
			if ok, err := c.sure(s, f.yes || len(letters) == 0, "send "+number(len(letters), "record")+" again"); err != nil || !ok {
				return err
			}
			counts := map[books.Redriven]int{}
			err = c.app.Redrive(cmd.Context(), s, letters, func(_ *schemas.DeadLetter, r books.Redriven) { counts[r]++ })
			c.screen.Line("%s sent again, %d superseded by newer revisions, %d no longer in the log", number(counts[books.RedriveSent], "record"),
				counts[books.RedriveSuperseded], counts[books.RedriveGone])
			return err
		},
	}
	f.add(cmd)
	addSystem(cmd, false)
	return cmd
}

func (c *command) discardLetters() *cobra.Command {
	var f letterChoice
	cmd := &cobra.Command{
		Use:     "discard [ID...]",
		Short:   "List dead letters no more",
		Long:    "Lists dead letters no more. They stay in the log, and an input that is refused again later is listed again.",
		Example: "  quarterhour deadletters discard --reason time --older-than 720h --yes",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, ids []string) error {
			s, list, err := c.chosen(cmd, &f, ids)
			if err != nil {
				return err
			}
			letters := make([]*schemas.DeadLetter, len(list))
			for i, l := range list {
				letters[i] = l.DeadLetter
			}
			if ok, err := c.sure(s, f.yes || len(letters) == 0, "discard "+number(len(letters), "dead letter")); err != nil || !ok {
				return err
			}
			if err := c.app.Discard(cmd.Context(), s, letters); err != nil {
				return err
			}
			c.screen.Line("%s discarded", number(len(letters), "dead letter"))
			return nil
		},
	}
	f.add(cmd)
	addSystem(cmd, false)
	return cmd
}

// empty says whether nothing is chosen.
func (f *letterFilter) empty() bool {
	return f.pipeline == "" && f.stage == "" && f.source == "" && f.sink == "" && f.reason == "" && f.olderThan == 0
}

// older says whether a letter is as old as it has to be.
func (f *letterFilter) older(d *schemas.DeadLetter, now time.Time) bool {
	return f.olderThan == 0 || now.Sub(time.UnixMilli(d.RejectedAt)) >= f.olderThan
}
