package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/books"
	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
)

// Deliveries are the commands about sinks that deliver by requests.
type Deliveries interface {
	// Deliveries says for each sink of the pipelines and each day what is delivered, pending and dead; of one sink and of one day, where given.
	Deliveries(ctx context.Context, s *Session, list []*pipelines.Pipeline, sink, day string, each func(pipeline string, d *books.DeliveryDay) error) error
	// Verify reads back what a sink of the pipeline has delivered in the range; all sinks where it is empty. What differs is no error.
	Verify(ctx context.Context, s *Session, p *pipelines.Pipeline, sink string, r books.Range) ([]*books.Verified, error)
	// UnlockSink makes credentials usable again that a vendor refused a source with which the sink shares them, and names them.
	UnlockSink(ctx context.Context, s *Session, p *pipelines.Pipeline, sink string) ([]string, error)
	// Redrive writes what dead letters are about to the log again, for their sinks, and says of each what became of it.
	Redrive(ctx context.Context, s *Session, letters []*schemas.DeadLetter, each func(d *schemas.DeadLetter, r books.Redriven)) error
	// Discard lists dead letters no more.
	Discard(ctx context.Context, s *Session, letters []*schemas.DeadLetter) error
}

func (c *command) deliveries() *cobra.Command {
	var sink, day string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "deliveries [--sink NAME] [--day DAY] PIPELINE...",
		Short: "Show what is delivered, pending and dead, sink by sink and day by day",
		Long: "Shows for every sink that delivers by requests, and for every day of the pipeline's time zone, how many records it is to\n" +
			"deliver, and how many of them are delivered, pending and dead, in their newest revisions. It may run beside\n" +
			"`quarterhour run`.",
		Example: "  quarterhour deliveries pipelines/acme-voice.yaml\n" +
			"  quarterhour deliveries --sink calabrio --day 2026-03-02 --json pipelines/acme-voice.yaml",
		Args:              atLeastOne("pipeline file"),
		ValidArgsFunction: pipelineFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if day != "" {
				if _, err := time.Parse(time.DateOnly, day); err != nil {
					return usage(cmd, "--day is %q: write it as 2026-03-02", day)
				}
			}
			list, err := pipelines.ReadAll(args, c.env)
			if err != nil {
				return err
			}
			if err := hasSink(list, sink); err != nil {
				return usage(cmd, "%v", err)
			}
			s, err := c.quietSession(cmd)
			if err != nil {
				return err
			}
			table := console.Table{Columns: console.Columns("pipeline", "sink", "day", "#records", "#delivered", "#pending", "#dead", "#discarded", "latency", "~last error")}
			encoder := json.NewEncoder(c.screen)
			err = c.app.Deliveries(cmd.Context(), s, list, sink, day, func(pipeline string, d *books.DeliveryDay) error {
				if asJSON {
					return encoder.Encode(struct {
						Pipeline string `json:"pipeline"`
						*books.DeliveryDay
					}{pipeline, d})
				}
				n := console.Count
				latency := ""
				if d.Delivered > 0 {
					latency = (time.Duration(d.LatencyMs) * time.Millisecond).String()
				}
				table.Rows = append(table.Rows, []string{pipeline, d.Sink, d.Day, n(d.Records), n(d.Delivered + d.Passed), n(d.Pending), n(d.Dead + d.Missing), n(d.Discarded), latency,
					d.LastError})
				return nil
			})
			if err != nil || asJSON {
				return err
			}
			if c.screen.Terminal && len(table.Rows) == 0 {
				table.Note = "no sink that delivers by requests has anything to deliver"
			}
			c.screen.Table(table)
			return nil
		},
	}
	cmd.Flags().StringVar(&sink, "sink", "", "only this sink")
	cmd.Flags().StringVar(&day, "day", "", "only this day of the pipeline's time zone, as 2026-03-02")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON, one sink and day a line")
	must(cmd.RegisterFlagCompletionFunc("sink", cobra.NoFileCompletions))
	must(cmd.RegisterFlagCompletionFunc("day", cobra.NoFileCompletions))
	addSystem(cmd, false)
	return cmd
}

// hasSink refuses the name of a sink that no pipeline has, or that does not deliver by requests.
func hasSink(list []*pipelines.Pipeline, name string) error {
	if name == "" {
		return nil
	}
	known := false
	for _, p := range list {
		for _, s := range p.Sinks {
			if s.Name == name && s.Registration.Deliver != nil {
				return nil
			}
			known = known || s.Name == name
		}
	}
	if known {
		return fmt.Errorf("sink %q does not deliver by requests: `quarterhour audit` says how it stands", name)
	}
	return fmt.Errorf("no sink is called %q", name)
}

func (c *command) verify() *cobra.Command {
	var r span
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify PIPELINE [SINK] [--from TIME --to TIME]",
		Short: "Read back what was delivered, and list what differs",
		Long: "Asks the destinations of a pipeline's sinks, or of one of them, for what was delivered to them, and lists every record that\n" +
			"is not there as it should be. Says of each sink how many records were read back and are equal, how many differ or are\n" +
			"missing, and how many its destination has no way to read back. Exits with 1 where one differs or is missing, and where a\n" +
			"destination could not be asked.",
		Example: "  quarterhour verify --from 2026-03-02 --to 2026-03-03 pipelines/acme-voice.yaml calabrio",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := pipelines.ReadAll(args[:1], c.env)
			if err != nil {
				return err
			}
			sink := ""
			if len(args) == 2 {
				sink = args[1]
			}
			if err := hasSink(list, sink); err != nil {
				return usage(cmd, "%v", err)
			}
			ranges, err := r.of(cmd, list)
			if err != nil {
				return err
			}
			s, err := c.quietSession(cmd)
			if err != nil {
				return err
			}
			found, err := c.app.Verify(cmd.Context(), s, list[0], sink, ranges[0])
			if err != nil {
				return err
			}
			return c.verified(found, asJSON)
		},
		ValidArgsFunction: pipelineFiles,
	}
	r.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON, one sink a line")
	addSystem(cmd, false)
	return cmd
}

// verified shows what was found, and is an error where something differs.
func (c *command) verified(found []*books.Verified, asJSON bool) error {
	wrong, away := 0, []string(nil)
	table := console.Table{Columns: console.Columns("sink", "row", "#revision", "~difference")}
	for _, v := range found {
		wrong += len(v.Differences)
		if v.Error != "" {
			away = append(away, v.Sink)
		}
		if asJSON {
			if err := json.NewEncoder(c.screen).Encode(v); err != nil {
				return fmt.Errorf("write what was found: %w", err)
			}
			continue
		}
		c.screen.Line("%s: %s", v.Sink, readBack(v))
		for _, d := range v.Differences {
			table.Rows = append(table.Rows, []string{v.Sink, d.Key, console.Count(d.Revision), d.How})
		}
	}
	if len(table.Rows) > 0 {
		c.screen.Table(table)
	}
	var err error
	if wrong > 0 {
		err = errors.New("the destination does not have what was delivered: " + number(wrong, "difference") + " above")
	}
	if len(away) > 0 {
		err = errors.Join(err, fmt.Errorf("not every destination could be asked: see what is said above of %s, and verify again", strings.Join(away, ", ")))
	}
	return err
}

// readBack is what was found of one sink, in a line.
func readBack(v *books.Verified) string {
	switch {
	case v.Records == 0 && v.Error == "":
		return "nothing was delivered in that time"
	case !v.Verifiable:
		return fmt.Sprintf("the destination cannot be read back: nothing is known of %s", number(v.Records, "record"))
	}
	text := fmt.Sprintf("%d read back and equal, %d different or missing, %d cannot be read back", v.Same, v.Records-v.Same-v.Unread, v.Unread)
	if v.Error != "" {
		text = fmt.Sprintf("%d read back and equal, %d different or missing, %d not asked for: %s", v.Same, v.Records-v.Same-v.Unread, v.Unread, console.Clean(v.Error))
	}
	return text
}
