package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version is set by the linker for releases: -X .../internal/cli.Version=v1.2.3.
var Version string

func version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print which build this is",
		Long:    "Prints the version, the commit it was built from, and the Go it was built with.",
		Example: "  quarterhour version",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), build())
			return err
		},
	}
}

// build describes this build from what the Go tool wrote into it.
func build() string {
	version, commit := Version, ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if version == "" && info.Main.Version != "" {
			version = info.Main.Version
		}
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				commit = ", commit " + s.Value[:min(12, len(s.Value))]
			case s.Key == "vcs.modified" && s.Value == "true":
				commit += " with changes"
			}
		}
	}
	if version == "" {
		version = "(devel)"
	}
	return fmt.Sprintf("quarterhour %s%s, %s %s/%s", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

var shells = []string{"bash", "zsh", "fish", "powershell"}

func completion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print the script that completes commands, components and pipeline files",
		Long:  "Prints a script for the shell, which completes commands, flags, stages, formats, components and pipeline files.",
		Example: "  source <(quarterhour completion bash)\n" +
			"  quarterhour completion zsh > \"${fpath[1]}/_quarterhour\"\n" +
			"  quarterhour completion fish > ~/.config/fish/completions/quarterhour.fish",
		ValidArgs: shells,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(cmd, "name one shell: bash, zsh, fish or powershell")
			}
			return words(cmd, "shell", args[0], shells)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			default:
				return root.GenPowerShellCompletionWithDesc(out)
			}
		},
	}
}
