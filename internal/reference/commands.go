package reference

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quarterhour/quarterhour/internal/cli"
)

func commandLine() string {
	var b strings.Builder
	b.WriteString("# Command line\n\n" +
		"Exit codes: 0 done, 1 failed, 2 wrong usage or an invalid file. An error is one readable line on standard error, and names\n" +
		"file and line where it is about a file. The first interrupt or SIGTERM stops a command cleanly, the second\nends it at once.\n")
	for _, cmd := range cli.Root().Commands() {
		writeCommand(&b, cmd)
	}
	return b.String()
}

func writeCommand(b *strings.Builder, cmd *cobra.Command) {
	if !cmd.IsAvailableCommand() {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n```sh\n", strings.TrimPrefix(cmd.CommandPath(), "quarterhour "), cmd.Long)
	if cmd.HasSubCommands() {
		b.WriteString(cmd.CommandPath() + " COMMAND\n")
	} else {
		b.WriteString(cmd.UseLine() + "\n")
	}
	for line := range strings.SplitSeq(cmd.Example, "\n") {
		if line = strings.TrimPrefix(line, "  "); line != strings.TrimSuffix(cmd.UseLine(), " [flags]") {
			b.WriteString(line + "\n")
		}
	}
	b.WriteString("```\n")
	var flags strings.Builder
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" {
			flags.WriteString(flagRow(f))
		}
	})
	if flags.Len() > 0 {
		b.WriteString("\n| flag | default | what it does |\n| --- | --- | --- |\n" + flags.String())
	}
	for _, sub := range cmd.Commands() {
		writeCommand(b, sub)
	}
}

func flagRow(f *pflag.Flag) string {
	name := "`--" + f.Name + "`"
	if f.Shorthand != "" {
		name = "`-" + f.Shorthand + "`, " + name
	}
	standard := ""
	if f.DefValue != "" && f.DefValue != "[]" && f.DefValue != "false" {
		standard = "`" + f.DefValue + "`"
	}
	return fmt.Sprintf("| %s | %s | %s |\n", name, standard, cell(f.Usage))
}
