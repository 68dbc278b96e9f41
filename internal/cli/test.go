package cli

import (
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
			return c.runSuites(cmd, suites, chosen)
		},
	}
	cmd.Flags().StringVar(&pattern, "run", "", "run only the cases whose titles match this regular expression")
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

// runSuites runs the cases that are chosen, and shows each with what did not hold.
func (c *command) runSuites(cmd *cobra.Command, suites []suite, chosen *regexp.Regexp) error {
	total, ran, failed := 0, 0, 0
	for _, s := range suites {
		c.screen.Line("%s", s.path)
		if len(s.cases) == 0 {
			c.screen.Line("  no cases: write a section `tests`, as docs/testing.md shows")
		}
		for _, one := range s.cases {
			total++
			if !chosen.MatchString(one.Name) {
				continue
			}
			if err := cmd.Context().Err(); err != nil {
				return err
			}
			ran++
			held, err := c.runCase(one)
			if err != nil {
				return err
			}
			if !held {
				failed++
			}
		}
	}
	switch {
	case failed > 0:
		return fmt.Errorf("%d of %s failed", failed, number(ran, "case"))
	case ran == 0 && total > 0:
		return usage(cmd, "none of the %s matches --run %q", number(total, "case"), chosen)
	}
	c.screen.Line("%s held", number(ran, "case"))
	return nil
}

func (c *command) runCase(one *script.Case) (held bool, err error) {
	failures, err := one.Run()
	if err != nil {
		return false, fmt.Errorf("%scase %q: %w", one.At, one.Name, err)
	}
	if len(failures) == 0 {
		c.screen.Line("  ok    %s", one.Name)
		return true, nil
	}
	c.screen.Line("  FAIL  %s", one.Name)
	for _, f := range failures {
		c.screen.Line("        %s", strings.ReplaceAll(f.String(), "\n", "\n        "))
	}
	return false, nil
}
