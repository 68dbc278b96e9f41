package cli

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/pipelines"
)

// sourceArguments says how list, show and check are told what they are about.
const sourceArguments = "Pipeline files come first. What follows them and is no path, nor ends in .yaml or .yml, is the name of a source: of every\n" +
	"pipeline given that has one of that name."

// pipelineArgs takes PIPELINE... [SOURCE...] apart.
func pipelineArgs(args []string) (files, sources []string) {
	for n, arg := range args {
		if n == 0 || len(sources) == 0 && isPipelineFile(arg) {
			files = append(files, arg)
		} else {
			sources = append(sources, arg)
		}
	}
	return files, sources
}

func isPipelineFile(arg string) bool {
	ext := filepath.Ext(arg)
	return ext == ".yaml" || ext == ".yml" || strings.ContainsAny(arg, `/\`)
}

// sourcesNamed reads the pipeline files and finds the sources that are named, all where none is. Pipelines that have none of them are left
// out.
func (c *command) sourcesNamed(cmd *cobra.Command, args []string) (list []SourcesOf, err error) {
	files, names := pipelineArgs(args)
	all, err := pipelines.ReadAll(files, c.env)
	if err != nil {
		return nil, err
	}
	found, known := map[string]bool{}, map[string]bool{}
	for _, p := range all {
		of := SourcesOf{Pipeline: p}
		for _, s := range p.Sources {
			known[s.Name] = true
			if len(names) == 0 || slices.Contains(names, s.Name) {
				found[s.Name] = true
				of.Sources = append(of.Sources, s)
			}
		}
		if len(names) == 0 || len(of.Sources) > 0 {
			list = append(list, of)
		}
	}
	for _, name := range names {
		if !found[name] {
			return nil, usage(cmd, "%s source %q%s", lacks(all), name, spec.Suggest(name, sorted(known)))
		}
	}
	return list, nil
}

func lacks(all []*pipelines.Pipeline) string {
	if len(all) == 1 {
		return `pipeline "` + all[0].Name + `" has no`
	}
	return "no pipeline given has a"
}

func sorted(set map[string]bool) (names []string) {
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// only are the names of the sources, where some were named.
func only(of SourcesOf, args []string) (names []string) {
	if _, named := pipelineArgs(args); len(named) == 0 {
		return nil
	}
	for _, s := range of.Sources {
		names = append(names, s.Name)
	}
	return names
}
