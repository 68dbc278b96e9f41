package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/books"
	"github.com/quarterhour/quarterhour/pipelines"
)

// resetting are the arguments of reset.
type resetting struct {
	stream, to  string
	unlock, yes bool
}

func (c *command) resetSource() *cobra.Command {
	var o resetting
	cmd := &cobra.Command{
		Use:   "reset PIPELINE SOURCE [--stream STREAM] [--to TIME] | --unlock",
		Short: "Read a source again from a time, or use a refused credential again",
		Long: "Takes a stream of a source, or all of them, back: it is read again from --to on, or from where its options say that it\n" +
			"begins. Nothing in the log is taken back. What is read again and says the same is not written again; what the vendor has\n" +
			"corrected since corrects the tables, as far as the pipeline's retention. Vendors forget: the options of a source say how\n" +
			"far back it can be asked. The run that reads the source is to be stopped before: it would write its own position over\n" +
			"this one.\n\n" +
			"--unlock uses credentials again that the vendor has refused, and reads nothing again. A running run notices within half a\n" +
			"minute. Correct the password first: a vendor may lock the account after a few refused attempts. SOURCE may then also be a\n" +
			"sink that delivers by requests and shares a credential with a source; its own refusals lock nothing, as it tries again by\n" +
			"itself, after ten minutes and when it starts.",
		Example: "  quarterhour sources reset pipelines/acme-voice.yaml five9-eu --stream calls --to 2026-03-02\n" +
			"  quarterhour sources reset pipelines/acme-voice.yaml five9-eu --unlock",
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usage(cmd, "no pipeline file given")
			case len(args) == 1:
				return usage(cmd, "no source given")
			case len(args) > 2:
				return usage(cmd, "unexpected argument %q", args[2])
			}
			return nil
		},
		ValidArgsFunction: sourceWords(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.reset(cmd, args[0], args[1], o)
		},
	}
	cmd.Flags().StringVar(&o.stream, "stream", "", "only this stream of the source")
	cmd.Flags().StringVar(&o.to, "to", "", "read again from this time on: 2026-03-02T11:00Z, or local, as 2026-03-02T12:00 or 2026-03-02")
	cmd.Flags().BoolVar(&o.unlock, "unlock", false, "only use its refused credentials again")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	must(cmd.RegisterFlagCompletionFunc("stream", streamWords))
	must(cmd.RegisterFlagCompletionFunc("to", cobra.NoFileCompletions))
	addSystem(cmd, false)
	return cmd
}

func (c *command) reset(cmd *cobra.Command, path, source string, o resetting) error {
	if o.unlock && (o.stream != "" || o.to != "") {
		return usage(cmd, "--unlock reads nothing again: give --stream and --to in a command of their own")
	}
	p, err := pipelines.Read(path, c.env)
	if err != nil {
		return err
	}
	sink := o.unlock && slices.ContainsFunc(p.Sinks, func(s pipelines.Sink) bool { return s.Name == source && s.Registration.Deliver != nil }) &&
		!slices.ContainsFunc(p.Sources, func(s pipelines.Source) bool { return s.Name == source })
	if _, err := sourceNamed(cmd, p, source); err != nil && !sink {
		return err
	}
	var to time.Time
	if o.to != "" {
		if to, err = books.ParseTime(o.to, p.Zone); err != nil {
			return usage(cmd, "--to: %v", err)
		}
	}
	s, err := c.quietSession(cmd)
	if err != nil {
		return err
	}
	if o.unlock {
		return c.unlock(cmd.Context(), s, p, source, sink)
	}
	reports, err := c.app.Sources(cmd.Context(), s, []*pipelines.Pipeline{p})
	if err != nil {
		return err
	}
	if reader := reports[0].Reader; reader != "" {
		return fmt.Errorf("the sources of pipeline %q are being read by %s: stop it first", p.Name, reader)
	}
	if !o.yes {
		c.planned(reports[0], source, o.stream, to)
		if ok, err := c.confirmed(cmd); err != nil || !ok {
			return err
		}
	}
	if err := c.app.ResetSource(cmd.Context(), s, p, source, o.stream, to); err != nil {
		return err
	}
	c.screen.Line("%s is read again from %s when `quarterhour run` reads it next.", subject(source, o.stream), again(to))
	return nil
}

func subject(source, stream string) string {
	if stream == "" {
		return source
	}
	return source + "/" + stream
}

func again(to time.Time) string {
	if to.IsZero() {
		return "its beginning"
	}
	return to.UTC().Format("2006-01-02 15:04:05 UTC")
}

// planned says what a reset will do.
func (c *command) planned(r *SourceReport, source, stream string, to time.Time) {
	for _, s := range r.Streams {
		if s.Source != source || stream != "" && s.Stream != stream {
			continue
		}
		from := "has promised nothing yet"
		if !s.Through.IsZero() {
			from = "is complete through " + s.Through.UTC().Format("2006-01-02 15:04:05 UTC")
		}
		c.screen.Line("%s %s, and will be read again from %s.", subject(source, s.Stream), from, again(to))
	}
}

// confirmed asks for a yes; false: it was not given.
func (c *command) confirmed(cmd *cobra.Command) (bool, error) {
	if !c.around.StdinTerminal || !c.around.Err.Terminal {
		return false, usage(cmd, "nobody can be asked: --yes does it without asking")
	}
	_, _ = io.WriteString(c.around.Stderr, "Do it? [y/N] ")
	line, _ := bufio.NewReader(c.around.Stdin).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true, nil
	}
	c.screen.Line("Nothing was changed.")
	return false, nil
}

func (c *command) unlock(ctx context.Context, s *Session, p *pipelines.Pipeline, name string, sink bool) error {
	how := c.app.UnlockSource
	if sink {
		how = c.app.UnlockSink
	}
	unlocked, err := how(ctx, s, p, name)
	if err != nil {
		return err
	}
	for _, credential := range unlocked {
		c.screen.Line("credential %s is used again.", credential)
	}
	switch {
	case len(unlocked) == 0 && sink:
		c.screen.Line("No credential of %s is locked: a sink tries again by itself, ten minutes after a refusal and when it starts.", name)
	case len(unlocked) == 0:
		c.screen.Line("No credential of %s is locked.", name)
	}
	return nil
}
