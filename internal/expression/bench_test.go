package expression

import (
	"testing"

	"github.com/quarterhour/quarterhour/internal/spec"
)

func BenchmarkEval(b *testing.B) {
	for _, c := range []struct{ name, source string }{
		{"column", `outcome`},
		{"concat", `row["vru+line"] + "/" + n + "/" + date`},
		{"time", `time(date + " " + start, "060102 15:04:05")`},
		{"iso time", `time("2026-01-31 " + start)`},
		{"condition", `outcome == "AGENT" and start != nil ? "handled" : "abandoned"`},
		{"lookup", `{"PS": "regular", "NE": "stocks"}[type] ?? type`},
		{"machine", `split(start, ":")[0]`},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, err := compiler(b, Text).Compile(spec.Expr{Source: c.source})
			if err != nil {
				b.Fatal(err)
			}
			e := &Env{Values: row()}
			b.ReportAllocs()
			for b.Loop() {
				e.Reset()
				if _, err := p.Eval(e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
