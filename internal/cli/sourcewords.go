package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/pipelines"
)

// sourceWords completes a pipeline file, and then the names of its sources: one, or any number, of any number of files.
func sourceWords(several bool) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		files, given := pipelineArgs(args)
		switch {
		case len(args) == 0, several && len(given) == 0 && isPipelineFile(word):
			return pipelineFiles(cmd, args, word)
		case len(args) > 1 && !several:
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, file := range files {
			for _, s := range pipelines.Outline(file) {
				if entry := s.Name + "\t" + s.Type; !slices.Contains(given, s.Name) && !slices.Contains(names, entry) {
					names = append(names, entry)
				}
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// streamWords completes the streams of a source: those that its part of the file names, and those that its type knows.
func streamWords(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if len(args) > 1 {
		for _, s := range pipelines.Outline(args[0]) {
			if s.Name == args[1] {
				names = append(s.Streams, streamsOf(s.Type)...)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
}

// streamsOf are the streams that a type of source declares.
func streamsOf(kind string) (names []string) {
	for _, reg := range pipelines.Sources {
		if reg.Type != kind {
			continue
		}
		for _, f := range spec.Fields(reg.Component) {
			if f.Name == "streams" && f.Type == "section" {
				for _, stream := range f.Fields {
					names = append(names, stream.Name)
				}
			}
		}
	}
	return names
}
