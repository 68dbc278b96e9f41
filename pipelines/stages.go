package pipelines

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/transform/expressions"
)

// stages reads the transform: filter and set stages on the facts, then the one that makes intervals of them.
func (r *reading) stages(section spec.Entry) {
	if section.Value.Kind != yaml.SequenceNode {
		r.fail(spec.At(r.file, section.Value), "transform is %s, not a list of stages", spec.Describe(section.Value))
		return
	}
	t := transforming{reading: r}
	for i, item := range section.Value.Content {
		t.stage(i, spec.Resolve(item))
	}
	if !t.doubtful && t.intervals.Line == 0 {
		r.fail(spec.At(r.file, section.Key), "transform has no \"intervals\" stage: add `- intervals: {late: revise}` as its last")
	}
	t.compile()
}

// transforming is a list of stages being read.
type transforming struct {
	*reading
	facts     []expressions.Stage // those that work on facts, to compile together
	intervals spec.Position       // of the intervals stage; line 0 before it
	doubtful  bool                // a stage with an unknown name may have been meant to be the intervals stage
}

func (t *transforming) stage(i int, item *yaml.Node) {
	entries := spec.Entries(item)
	if len(entries) != 1 {
		t.fail(spec.At(t.file, item), "transform[%d] is %s, not one stage%s", i, several(item, len(entries)), spec.Suggest("", Types(spec.Transform)))
		return
	}
	e, at := entries[0], spec.At(t.file, entries[0].Key)
	c, ok := stageOf(e.Key.Value)
	switch {
	case !ok:
		t.fail(at, "transform[%d]: unknown stage %q%s", i, e.Key.Value, spec.Suggest(e.Key.Value, Types(spec.Transform)))
		t.doubtful = true
		return
	case t.intervals.Line > 0 && c.Type == intervalsType:
		t.fail(at, "transform[%d]: a second %q: the first is on line %d, and a pipeline has one", i, c.Type, t.intervals.Line)
	case t.intervals.Line > 0:
		t.fail(at, "transform[%d]: %q after \"intervals\" has no facts left to work on: put it before", i, c.Type)
	case c.Type == intervalsType:
		t.intervals = at
	}
	options := c.New()
	if t.decode(e.Value, options, fmt.Sprintf("transform[%d].%s", i, c.Type)) {
		if s, ok := expressions.StageOf(options); ok {
			t.facts = append(t.facts, s)
		}
	}
	t.pipeline.Stages = append(t.pipeline.Stages, Stage{At: at, Component: c, Options: options})
}

// compile checks the expressions of the stages that work on facts.
func (t *transforming) compile() {
	_, err := expressions.Compile(t.pipeline.Zone, t.facts...)
	t.keep(err, spec.Position{File: t.file})
}

func several(item *yaml.Node, keys int) string {
	if item.Kind == yaml.MappingNode && keys > 1 {
		return fmt.Sprintf("%d stages in one", keys)
	}
	return spec.Describe(item)
}
