package cli

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/transform/script"
)

// suite is the cases of one file that was named.
type suite struct {
	path  string
	cases []*script.Case
}

func (c *command) test() *cobra.Command {
	var pattern string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test PIPELINE...",
		Short: "Run the test cases of pipelines",
		Long: "Runs the cases in the tests section of pipeline files: what sources say, how far they are complete, and what the\n" +
			"tables must hold then, after the pipeline's own filter and set stages, in its time zone, with its options. No engine is\n" +
			"started and nothing is written. Files whose names end in .qh are run on their own.\n\n" +
			"Every case is also run with the same records in other orders, sent twice, in other batches and over other numbers of\n" +
			"shards: the tables must be the same. Exits with 1 where a case does not hold. docs/testing.md describes the language.",
		Example: "  quarterhour test pipelines/*.yaml\n" +
			"  quarterhour test --run 'abandon|overflow' pipelines/acme-voice.yaml",
		Args:              atLeastOne("pipeline file"),
		ValidArgsFunction: testFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			chosen, err := regexp.Compile(pattern)
			if err != nil {
				return usage(cmd, "--run %q is no regular expression: %v", pattern, err)
			}
			suites, err := c.suites(args)
			if err != nil {
				return err
			}
			r := runner{command: c, chosen: chosen, json: asJSON}
			return r.run(cmd, suites)
		},
	}
	cmd.Flags().StringVar(&pattern, "run", "", "run only the cases whose titles match this regular expression")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write a line of JSON for each case instead of text")
	return cmd
}

// testFiles completes names of pipeline files and of files with cases.
func testFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml", "qh"}, cobra.ShellCompDirectiveFilterFileExt
}

// suites reads the cases of all files, in the order given.
func (c *command) suites(paths []string) ([]suite, error) {
	var files []string
	for _, path := range paths {
		if !strings.HasSuffix(path, ".qh") {
			files = append(files, path)
		}
	}
	list, err := pipelines.ReadAll(files, c.env)
	if err != nil {
		return nil, err
	}
	var suites []suite
	for _, path := range paths {
		s := suite{path: path}
		if strings.HasSuffix(path, ".qh") {
			if s.cases, err = pipelines.ReadScript(path); err != nil {
				return nil, err
			}
		} else {
			s.cases, list = list[0].Tests, list[1:]
		}
		suites = append(suites, s)
	}
	return suites, nil
}

// runner runs the cases that are chosen, and shows each with what did not hold.
type runner struct {
	*command
	chosen             *regexp.Regexp
	json               bool
	total, ran, failed int
}

func (r *runner) run(cmd *cobra.Command, suites []suite) error {
	for _, s := range suites {
		r.text("%s", s.path)
		if len(s.cases) == 0 {
			r.text("  no cases: write a section `tests`, as docs/testing.md shows")
		}
		for _, one := range s.cases {
			r.total++
			if !r.chosen.MatchString(one.Name) {
				continue
			}
			if err := cmd.Context().Err(); err != nil {
				return err
			}
			if err := r.one(s.path, one); err != nil {
				return err
			}
		}
	}
	switch {
	case r.failed > 0:
		return fmt.Errorf("%d of %s failed", r.failed, number(r.ran, "case"))
	case r.ran == 0 && r.total > 0:
		return usage(cmd, "none of the %s matches --run %q", number(r.total, "case"), r.chosen)
	}
	r.text("%s held", number(r.ran, "case"))
	return nil
}

func (r *runner) one(path string, one *script.Case) error {
	failures, err := one.Run()
	if err != nil {
		return fmt.Errorf("%scase %q: %w", one.At, one.Name, err)
	}
	r.ran++
	if len(failures) > 0 {
		r.failed++
	}
	if r.json {
		return r.encode(path, one, failures)
	}
	if len(failures) == 0 {
		r.text("  ok    %s", one.Name)
		return nil
	}
	r.text("  FAIL  %s", one.Name)
	for _, f := range failures {
		r.text("        %s", strings.ReplaceAll(f.String(), "\n", "\n        "))
	}
	return nil
}

func (r *runner) text(format string, args ...any) {
	if !r.json {
		r.screen.Line(format, args...)
	}
}

func (r *runner) encode(path string, one *script.Case, failures []script.Failure) error {
	type failure struct {
		File  string        `json:"file"`
		Line  int           `json:"line"`
		What  string        `json:"what"`
		Diffs []script.Diff `json:"diffs,omitempty"`
		Note  string        `json:"note,omitempty"`
	}
	result := struct {
		Path     string    `json:"path"`
		Case     string    `json:"case"`
		Held     bool      `json:"held"`
		Failures []failure `json:"failures,omitempty"`
	}{Path: path, Case: one.Name, Held: len(failures) == 0}
	for _, f := range failures {
		result.Failures = append(result.Failures, failure{f.At.File, f.At.Line, f.What, f.Diffs, f.Note})
	}
	if err := json.NewEncoder(r.screen).Encode(result); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
