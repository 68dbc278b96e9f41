package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quarterhour/quarterhour/internal/config"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/internal/spec"
)

// configVariable names the configuration where --config does not.
const configVariable = "QUARTERHOUR_CONFIG"

// addSystem adds the flags of commands that work on a system. Only some listen for HTTP.
func addSystem(cmd *cobra.Command, listens bool) {
	flags := cmd.Flags()
	flags.StringP("config", "c", "", "file that says where Kafka and ClickHouse are (default: $"+configVariable+", else both embedded)")
	config.Flags(flags)
	if !listens {
		must(flags.MarkHidden("http-addr"))
	}
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "http" {
			name = "http-addr"
		}
		return pflag.NormalizedName(name)
	})
	must(cmd.RegisterFlagCompletionFunc("config", pipelineFiles))
	must(cmd.MarkFlagDirname("data"))
	must(cmd.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions([]string{"debug", "info", "warn", "error"}, cobra.ShellCompDirectiveNoFileComp)))
	must(cmd.RegisterFlagCompletionFunc("log-format", cobra.FixedCompletions([]string{"auto", "text", "json"}, cobra.ShellCompDirectiveNoFileComp)))
}

// session reads the configuration and prepares what a command works with.
func (c *command) session(cmd *cobra.Command) (*Session, error) {
	if c.app == nil {
		return nil, errors.New("this build has nothing behind its commands")
	}
	file, _ := cmd.Flags().GetString("config")
	if file == "" {
		file = c.env[configVariable]
	}
	if _, err := os.Stat(file); file != "" && err != nil {
		return nil, spec.Err([]spec.Problem{{At: spec.Position{File: file}, Message: "the configuration cannot be read: " + reason(err)}})
	}
	system, err := config.Load(file, c.around.Environ, cmd.Flags())
	if err != nil {
		return nil, err
	}
	format := system.Log.Format
	if format == "" || format == "auto" {
		format = "json"
		if c.around.Err.Terminal {
			format = "text"
		}
	}
	log, err := observe.NewLogger(c.progress, system.Log.Level, format)
	if err != nil {
		return nil, usage(cmd, "%v", err)
	}
	return &Session{Command: cmd.CommandPath(), System: system, Stdin: c.around.Stdin, Screen: c.screen, Progress: c.progress, Log: log}, nil
}

// reason is a file's error without the operation and the path.
func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

func isCanceled(err error) bool { return errors.Is(err, context.Canceled) }

// must is for what only a mistake in this package makes fail, such as completing a flag that does not exist.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("command line: %v", err)) //nolint:forbidigo // the first test of any command would show it
	}
}
