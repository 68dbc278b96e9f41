package expression

import (
	"strings"
	"testing"

	"github.com/expr-lang/expr"
	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// Where no value is absent, the compiled closures say what expr-lang's own machine says, and fail where it fails.
func TestAsExprLang(t *testing.T) {
	env := map[string]any{"date": "990201", "outcome": "AGENT", "n": "42", "type": "PS", "a": 7, "b": -3, "f": 2.5, "yes": true}
	names := []string{"date", "outcome", "n", "type", "a", "b", "f", "yes"}
	e := &Env{}
	for _, name := range names {
		v, err := box(env[name])
		if err != nil {
			t.Fatal(err)
		}
		e.Values = append(e.Values, v)
	}
	rapid.Check(t, func(t *rapid.T) {
		source := grow(t, rapid.SampledFrom([]string{"text", "number", "truth"}).Draw(t, "kind"), 4)
		theirs, theirErr := expr.Eval(source, env)
		c := &Compiler{Columns: Named{List: names, Kind: Any}}
		p, err := c.Compile(spec.Expr{Source: source})
		var ours Value
		if err == nil {
			e.Reset()
			ours, err = p.Eval(e)
		}
		if theirErr == nil && strings.Contains(source, "/") && err != nil && strings.Contains(err.Error(), "/ 0") {
			return // infinite there, an error here
		}
		if (err == nil) != (theirErr == nil) {
			t.Fatalf("%s: %v %v, expr-lang %v %v", source, ours, err, theirs, theirErr)
		}
		if want, boxErr := box(theirs); err == nil && (boxErr != nil || !equal(ours, want) && !(ours.IsNil() && want.IsNil())) {
			t.Fatalf("%s is %v, expr-lang says %v", source, ours, theirs)
		}
	})
}

// grow makes an expression of a kind: T, N and B in a pattern stand for parts that are text, numbers and truth values.
func grow(t *rapid.T, kind string, depth int) string {
	patterns := map[string][]string{
		"text":   {"date", "outcome", "n", `"x y"`, "(T + T)", "lower(T)", "upper(T)", "trim(T)", "(B ? T : T)", "string(a)", `{"p": "p", "q": "q"}.p`, "(nil ?? T)", "(T + T + T)"},
		"number": {"a", "b", "f", "3", "0.5", "int(n)", "float(n)", "(N + N)", "(N - N)", "(N * 2)", "(N / 4)", "(a % 5)", "-(N)", "(B ? N : N)", "int(f)"},
		"truth": {"yes", "false", "not (B)", "(B and B)", "(B or B)", "(T == T)", "(T != T)", "(T < T)", "(N >= N)", "(N == N)", `T in ["p", "42"]`,
			"(T contains T)", "(T startsWith T)", "(T endsWith T)", "(T not in [\"x\"])", "(T == nil)", "(a in [1, 7])", `(T matches "[a-z]+")`},
	}
	list := patterns[kind]
	if depth == 0 {
		list = list[:2]
	}
	var out strings.Builder
	for _, r := range rapid.SampledFrom(list).Draw(t, "pattern") {
		if inner, ok := map[rune]string{'T': "text", 'N': "number", 'B': "truth"}[r]; ok {
			out.WriteString(grow(t, inner, depth-1))
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}
