package crash

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain lets the process go past two points where the environment says so.
func TestMain(m *testing.M) {
	if os.Getenv(Variable) == "" {
		os.Exit(m.Run())
	}
	if err := Arm(os.Getenv(Variable)); err != nil {
		os.Exit(3)
	}
	for range 3 {
		Point(FoldTaken)
		Point(PartialsMade)
	}
	os.Exit(0)
}

func TestTheProcessEndsAtThePointChosen(t *testing.T) {
	f := func(value string, killed bool, code int) {
		t.Helper()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), Variable+"="+value)
		err := cmd.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if state := cmd.ProcessState.String(); killed != (state == "signal: killed") || !killed && cmd.ProcessState.ExitCode() != code {
			t.Errorf("%s: the process ended with %q", value, state)
		}
	}
	f("fold-taken", true, 0)
	f("partials-made:3", true, 0)
	f("partials-made:4", false, 0) // is not reached as often
	f("fold-committed", false, 0)  // is not reached
	f("fold-takn", false, 3)       // is no point
	f("fold-taken:0", false, 3)
	f("fold-taken:x", false, 3)
}

// Every point stands in the list and at exactly one place in the code.
func TestEveryPointIsUsedOnce(t *testing.T) {
	declared, meant := points(t)
	used := map[string]int{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() != ".." && strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "crash" {
					used[s.Sel.Name]++
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range declared {
		if used[name] != 1 {
			t.Errorf("%s is used %d times in the code, want once", name, used[name])
		}
		if !slices.Contains(All, Name(value)) {
			t.Errorf("%s is not in All", name)
		}
		if !meant[name] {
			t.Errorf("%s does not say how things stand there", name)
		}
	}
	if len(All) != len(declared) {
		t.Errorf("All has %d points, %d are declared", len(All), len(declared))
	}
}

// points reads the names, and which have a meaning beside them.
func points(t *testing.T) (values map[string]string, meant map[string]bool) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "names.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	values, meant = map[string]string{}, map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Names) == 1 && v.Names[0].Name != "All" {
			name := v.Names[0].Name
			values[name] = strings.Trim(v.Values[0].(*ast.BasicLit).Value, `"`)
			meant[name] = v.Comment != nil
		}
		return true
	})
	return values, meant
}

func BenchmarkPointOff(b *testing.B) {
	for b.Loop() {
		Point(FoldTaken)
	}
}
