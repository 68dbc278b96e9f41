package pipelines

import (
	"fmt"
	"strings"
)

// Mermaid draws pipelines as one Mermaid flow chart: sources, the topics they feed, stages, sinks.
func Mermaid(list []*Pipeline) string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for n, p := range list {
		id := func(part string, i int) string { return fmt.Sprintf("p%d%s%d", n, part, i) }
		fmt.Fprintf(&b, "  subgraph %s[%s]\n", id("_", 0), label(p.Name))
		first, last := id("facts", 0), id("facts", 0)
		fmt.Fprintf(&b, "    %s[(%s)]\n", first, label("facts"))
		for i, s := range p.Sources {
			fmt.Fprintf(&b, "    %s([%s])", id("source", i), label(s.Name+": "+s.Registration.Type))
			fmt.Fprintf(&b, " --%s--> %s\n", label(strings.Join(s.Registration.Facts(s.Options), ", ")), first)
		}
		for i, s := range p.Stages {
			fmt.Fprintf(&b, "    %s --> %s[%s]\n", last, id("stage", i), label(s.Component.Type))
			last = id("stage", i)
		}
		fmt.Fprintf(&b, "    %s --> %s[(%s)]\n", last, id("rows", 0), label("rows"))
		for i, s := range p.Sinks {
			fmt.Fprintf(&b, "    %s --> %s([%s])\n", id("rows", 0), id("sink", i), label(s.Name+": "+s.Registration.Type))
			if s.Registration.Facts {
				fmt.Fprintf(&b, "    %s -.-> %s\n", first, id("sink", i))
			}
		}
		b.WriteString("  end\n")
	}
	return b.String()
}

// label quotes text for Mermaid.
func label(text string) string { return `"` + strings.ReplaceAll(text, `"`, "#quot;") + `"` }
