package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/bench"
	"github.com/quarterhour/quarterhour/internal/cli"
)

type benchmark struct {
	word string
	run  func(context.Context) ([]bench.Figure, error)
}

// benchmarks are the groups of measurements, by the word that chooses them. Memory comes first: nothing has grown the heap yet.
var benchmarks = []benchmark{
	{"memory", func(context.Context) ([]bench.Figure, error) { return bench.Memory() }},
	{"codec", func(context.Context) ([]bench.Figure, error) { return bench.Codec() }},
	{"fold", func(context.Context) ([]bench.Figure, error) { return bench.Fold() }},
	{"rebuild", bench.Rebuild},
	{"snapshot", func(context.Context) ([]bench.Figure, error) { return bench.Snapshot() }},
	{"report", bench.Report},
	{"path", bench.Path},
}

// Bench runs the benchmarks chosen by the words, or all.
func (App) Bench(ctx context.Context, _ *cli.Session, words []string, each func(cli.Measurement)) error {
	for _, w := range words {
		if !slices.ContainsFunc(benchmarks, func(b benchmark) bool { return strings.Contains(b.word, w) }) {
			return fmt.Errorf("no benchmark is called %q: there are memory, codec, fold, rebuild, snapshot, report and path", w)
		}
	}
	for _, b := range benchmarks {
		if len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(b.word, w) }) {
			continue
		}
		figures, err := b.run(ctx)
		if err != nil {
			return fmt.Errorf("benchmark %s: %w", b.word, err)
		}
		for _, f := range figures {
			each(cli.Measurement{Name: f.Name, Value: value(f), Target: f.Target, Held: f.Holds, Note: f.Note})
		}
	}
	return nil
}

func value(f bench.Figure) string {
	if f.Value >= 1000 {
		return fmt.Sprintf("%.0f %s", f.Value, f.Unit)
	}
	return fmt.Sprintf("%.3g %s", f.Value, f.Unit)
}
