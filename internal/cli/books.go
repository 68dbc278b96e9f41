package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/books"
	"github.com/quarterhour/quarterhour/pipelines"
)

// Books are the commands that read the log of a pipeline again.
type Books interface {
	// Explain finds the facts behind a row, by its key as a person writes it, in the first of the pipelines that has it. That
	// they do not sum to the row is in the explanation, and no error.
	Explain(ctx context.Context, s *Session, list []*pipelines.Pipeline, key string) (*books.Explanation, error)
	// Rebuild computes rows of the past anew, pipeline by pipeline, each over its own range, and issues those that differ
	// again; with try it only finds them. It returns once the changed rows have reached every sink.
	Rebuild(ctx context.Context, s *Session, list []*pipelines.Pipeline, ranges []books.Range, try bool) ([]*books.Rebuilt, error)
	// Audit checks the books of each pipeline, over its own range. What does not balance is in the reports, and no error.
	Audit(ctx context.Context, s *Session, list []*pipelines.Pipeline, ranges []books.Range) ([]*books.Report, error)
}

// span are the flags of a stretch of time.
type span struct{ from, to string }

func (r *span) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.from, "from", "", "from the interval that holds this time on: 2026-03-02T11:00Z, or local, as 2026-03-02T12:00 or 2026-03-02")
	cmd.Flags().StringVar(&r.to, "to", "", "up to this time, and without the interval that starts then")
	must(cmd.RegisterFlagCompletionFunc("from", cobra.NoFileCompletions))
	must(cmd.RegisterFlagCompletionFunc("to", cobra.NoFileCompletions))
}

// of reads the range in the time zone of each pipeline.
func (r *span) of(cmd *cobra.Command, list []*pipelines.Pipeline) ([]books.Range, error) {
	ranges := make([]books.Range, len(list))
	for i, p := range list {
		var err error
		if ranges[i], err = books.ParseRange(p, r.from, r.to); err != nil {
			return nil, usage(cmd, "%v", err)
		}
	}
	return ranges, nil
}

// quietSession is that of a command which tells its own story: what the stages log is of no interest, but for trouble.
func (c *command) quietSession(cmd *cobra.Command) (*Session, error) {
	if !cmd.Flags().Changed("log-level") {
		must(cmd.Flags().Set("log-level", "warn"))
	}
	return c.session(cmd)
}
