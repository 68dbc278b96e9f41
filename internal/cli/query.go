package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// formats are the ones offered as completions; any format of ClickHouse's is taken.
var formats = []string{"TSV", "TSVWithNames", "CSV", "CSVWithNames", "JSON", "JSONEachRow", "JSONCompact", "Parquet", "ArrowStream",
	"Markdown", "Pretty", "PrettyCompact", "Vertical", "Values", "XML", "Null"}

// pipeFormat is what query writes into a pipe where no format was asked for.
const pipeFormat = "TSV"

func (c *command) query() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   `query [--format F] ["SQL"]`,
		Short: "Ask the warehouse in ClickHouse's SQL",
		Long: "Runs one SQL statement on the warehouse: the argument, or standard input. The result is a table on a terminal and\n" +
			"TSV in a pipe; --format takes any of ClickHouse's formats, and so does a FORMAT clause.\n\n" +
			"It may run beside `quarterhour run` on the same --data: it then asks the running process.",
		Example: "  quarterhour query \"SELECT queue_id, sum(offered) FROM queue_intervals GROUP BY queue_id\"\n" +
			"  quarterhour query --format CSVWithNames \"SELECT * FROM agent_intervals\" > agents.csv\n" +
			"  quarterhour query < report.sql",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage(cmd, "%d arguments where one is expected: put the SQL in quotes", len(args))
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			sql, err := c.sql(cmd, args)
			if err != nil {
				return err
			}
			s, err := c.session(cmd)
			if err != nil {
				return err
			}
			wanted := format
			switch {
			case wanted == "" && c.screen.Terminal:
				wanted = TableFormat
			case wanted == "":
				wanted = pipeFormat
			}
			answer, err := c.app.Query(cmd.Context(), s, sql, wanted)
			if err != nil {
				return err
			}
			defer func() { _ = answer.Body.Close() }() // it is only read
			return c.show(answer, format == "")
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "", "one of ClickHouse's formats (default: a table on a terminal, TSV in a pipe)")
	addSystem(cmd, false)
	must(cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// sql is the argument, else standard input.
func (c *command) sql(cmd *cobra.Command, args []string) (string, error) {
	var text string
	if len(args) == 1 && args[0] != "-" {
		text = args[0]
	} else if len(args) == 0 && c.around.StdinTerminal {
		return "", usage(cmd, "no SQL given: put it in quotes as an argument, or on standard input")
	} else {
		content, err := io.ReadAll(c.around.Stdin)
		if err != nil {
			return "", fmt.Errorf("read SQL from standard input: %w", err)
		}
		text = string(content)
	}
	text = strings.TrimRight(text, "; \t\r\n")
	if strings.TrimSpace(text) == "" {
		return "", usage(cmd, "the SQL is empty")
	}
	return text, nil
}

// show writes an answer: as a table where the reader did not choose a format and is on a terminal.
func (c *command) show(a *Answer, unformatted bool) error {
	if unformatted && c.screen.Terminal && (a.Format == TableFormat || a.Format == "") {
		return ShowTable(c.screen, a.Body)
	}
	_, err := io.Copy(c.screen, a.Body)
	return err
}
