package cli

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/schemas"
)

// letterFilter are the flags that choose dead letters.
type letterFilter struct {
	pipeline, stage, source, sink, reason string
	olderThan                             time.Duration
	limit                                 int
	json                                  bool
}

func (f *letterFilter) matches(d *schemas.DeadLetter, now time.Time) bool {
	return (f.pipeline == "" || f.pipeline == d.Pipeline) && (f.stage == "" || f.stage == d.Stage) &&
		(f.source == "" || f.source == d.Source) && (f.reason == "" || f.reason == d.Reason) &&
		(f.sink == "" || d.Stage == "sink" && f.sink == d.Source) && f.older(d, now)
}

func (c *command) deadLetters() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deadletters",
		Short: "Look at inputs that could not be used, send them again or let them go",
		Long: "What a source, stage or sink could not use is put aside with where it stood and why. A letter's id is the same on\n" +
			"every machine and after every replay.",
		Example: "  quarterhour deadletters list\n  quarterhour deadletters show 4f1b2c3d5e\n  quarterhour deadletters redrive --sink calabrio --yes",
		Args:    cobra.ArbitraryArgs,
		RunE:    group,
	}
	cmd.AddCommand(c.listLetters(), c.showLetters(), c.redriveLetters(), c.discardLetters())
	return cmd
}

func (c *command) listLetters() *cobra.Command {
	var f letterFilter
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List dead letters, newest last",
		Long:    "Lists dead letters with their ids, oldest first.",
		Example: "  quarterhour deadletters list --reason time --limit 20\n  quarterhour deadletters list --json",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var letters []letter
			now := clock.Now()
			more, err := c.letters(cmd, func(l letter) bool {
				if !f.matches(l.DeadLetter, now) {
					return true
				}
				if len(letters) == f.limit && f.limit > 0 {
					return false
				}
				letters = append(letters, l)
				return true
			})
			if err != nil {
				return err
			}
			if f.json {
				return c.lettersJSON(letters)
			}
			c.letterTable(letters, more)
			return nil
		},
	}
	f.add(cmd)
	addSystem(cmd, false)
	return cmd
}

func (f *letterFilter) add(cmd *cobra.Command) {
	f.addChoice(cmd)
	flags := cmd.Flags()
	flags.IntVar(&f.limit, "limit", 100, "at most this many; 0 is all")
	flags.BoolVar(&f.json, "json", false, "write JSON, one letter a line")
}

// addChoice adds the flags that say which letters.
func (f *letterFilter) addChoice(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.pipeline, "pipeline", "", "only of this pipeline")
	flags.StringVar(&f.stage, "stage", "", "only of this stage: ingest, transform or sink")
	flags.StringVar(&f.source, "source", "", "only of this source or sink")
	flags.StringVar(&f.sink, "sink", "", "only of this sink")
	flags.StringVar(&f.reason, "reason", "", "only with this reason")
	flags.DurationVar(&f.olderThan, "older-than", 0, "only refused this long ago or longer, as 24h")
}

func (c *command) showLetters() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show ID...",
		Short:   "Show dead letters in full, with the input as it came",
		Long:    "Shows dead letters in full, with the input as it came. An id may be shortened to what tells it apart.",
		Example: "  quarterhour deadletters show 4f1b2c3d5e",
		Args:    atLeastOne("id"),
		RunE: func(cmd *cobra.Command, ids []string) error {
			found := make(map[string][]letter)
			if _, err := c.letters(cmd, func(l letter) bool {
				for _, id := range ids {
					if len(id) <= len(l.ID) && l.ID[:len(id)] == id {
						found[id] = append(found[id], l)
					}
				}
				return true
			}); err != nil {
				return err
			}
			var list []letter
			for _, id := range ids {
				if n := len(found[id]); n == 0 {
					return fmt.Errorf("no dead letter has the id %q: `quarterhour deadletters list` lists them", id)
				} else if n > 1 {
					return fmt.Errorf("the id %q stands for %d dead letters: write more of it", id, n)
				}
				list = append(list, found[id]...)
			}
			if asJSON {
				return c.lettersJSON(list)
			}
			for _, l := range list {
				c.letterInFull(l)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON, one letter a line")
	addSystem(cmd, false)
	return cmd
}

// letter is a dead letter with its id, which says where the input stood.
type letter struct {
	ID string
	*schemas.DeadLetter
}

func idOf(d *schemas.DeadLetter) string {
	h := fnv.New64a()
	for _, part := range []string{d.Pipeline, d.Stage, d.Source, d.Location} {
		_, _ = h.Write([]byte(part))
		_, _ = h.Write([]byte{0})
	}
	return fmt.Sprintf("%016x", h.Sum64())[:10]
}

// letters hands over every dead letter, and says whether it was stopped before the last. A letter refused twice is handed
// over as often: its id is the same.
func (c *command) letters(cmd *cobra.Command, each func(letter) bool) (more bool, err error) {
	s, err := c.session(cmd)
	if err != nil {
		return false, err
	}
	return c.lettersOf(cmd, s, each)
}

func (c *command) lettersOf(cmd *cobra.Command, s *Session, each func(letter) bool) (more bool, err error) {
	seen := make(map[string]bool)
	err = c.app.DeadLetters(cmd.Context(), s, func(d *schemas.DeadLetter) bool {
		copied := *d
		copied.Payload = append([]byte(nil), d.Payload...)
		id := idOf(d)
		if seen[id] {
			return true
		}
		seen[id] = true
		more = !each(letter{ID: id, DeadLetter: &copied})
		return !more
	})
	return more, err
}

func (c *command) letterTable(letters []letter, more bool) {
	t := console.Table{Columns: console.Columns("id", "rejected at", "pipeline", "stage", "source", "reason", "location", "~detail")}
	for _, l := range letters {
		t.Rows = append(t.Rows, []string{l.ID, instant(l.RejectedAt), l.Pipeline, l.Stage, l.Source, l.Reason, l.Location, l.Detail})
	}
	if t.Note = number(len(letters), "dead letter"); more {
		t.Note = fmt.Sprintf("the first %s: --limit 0 lists all", number(len(letters), "dead letter"))
	}
	if !c.screen.Terminal {
		t.Note = ""
	}
	c.screen.Table(t)
}

func (c *command) letterInFull(l letter) {
	c.screen.Heading("%s", l.ID)
	for _, line := range [][2]string{{"pipeline", l.Pipeline}, {"tenant", l.Tenant}, {"stage", l.Stage}, {"source", l.Source}, {"fact", l.Fact},
		{"reason", l.Reason}, {"detail", l.Detail}, {"location", l.Location}, {"rejected at", instant(l.RejectedAt)}} {
		if line[1] != "" {
			c.screen.Line("%-12s %s", line[0], line[1])
		}
	}
	c.screen.Line("%-12s %s", "payload", payload(l.Payload))
}

// payload is the input as text, or quoted where it is not text.
func payload(b []byte) string {
	if utf8.Valid(b) {
		return console.Clean(string(b))
	}
	return fmt.Sprintf("%q", b)
}

func instant(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC") }

func (c *command) lettersJSON(letters []letter) error {
	encoder := json.NewEncoder(c.screen)
	for _, l := range letters {
		text, binary := string(l.Payload), []byte(nil)
		if !utf8.Valid(l.Payload) {
			text, binary = "", l.Payload
		}
		if err := encoder.Encode(struct {
			ID            string `json:"id"`
			Tenant        string `json:"tenant"`
			Pipeline      string `json:"pipeline"`
			Stage         string `json:"stage"`
			Source        string `json:"source"`
			Fact          string `json:"fact,omitempty"`
			Reason        string `json:"reason"`
			Detail        string `json:"detail"`
			Location      string `json:"location"`
			RejectedAt    string `json:"rejected_at"`
			Payload       string `json:"payload,omitempty"`
			PayloadBase64 []byte `json:"payload_base64,omitempty"`
		}{l.ID, l.Tenant, l.Pipeline, l.Stage, l.Source, l.Fact, l.Reason, l.Detail, l.Location,
			time.UnixMilli(l.RejectedAt).UTC().Format(time.RFC3339Nano), text, binary}); err != nil {
			return fmt.Errorf("write dead letters: %w", err)
		}
	}
	return nil
}
