package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// usageError is a command line that cannot be understood.
type usageError struct {
	command string // whose --help tells more
	message string
}

func (e *usageError) Error() string {
	return fmt.Sprintf("%s (see %s --help)", e.message, e.command)
}

func usage(cmd *cobra.Command, format string, args ...any) error {
	return &usageError{command: cmd.CommandPath(), message: fmt.Sprintf(format, args...)}
}

// flagError explains a flag that is wrong, with the nearest right one.
func flagError(cmd *cobra.Command, err error) error {
	message := err.Error()
	if name, ok := strings.CutPrefix(message, "unknown flag: --"); ok {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
		return usage(cmd, "unknown flag %q%s", "--"+name, spec.Suggest("--"+name, known))
	}
	return usage(cmd, "%s", message)
}

// unknownCommand is the answer to a word that is no command.
func unknownCommand(cmd *cobra.Command, word string) error {
	var known []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			known = append(known, sub.Name())
		}
	}
	return usage(cmd, "unknown command %q%s", word, spec.Suggest(word, known))
}

// words checks a positional argument against the words allowed.
func words(cmd *cobra.Command, what, word string, allowed []string) error {
	for _, a := range allowed {
		if a == word {
			return nil
		}
	}
	return usage(cmd, "unknown %s %q%s", what, word, spec.Suggest(word, allowed))
}

// oneLine keeps an error on one line.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
