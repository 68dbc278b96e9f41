package pipelines

import (
	"errors"
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
	var intervals spec.Position
	var facts []expressions.Stage
	for i, item := range section.Value.Content {
		item = spec.Resolve(item)
		entries := spec.Entries(item)
		if len(entries) != 1 {
			r.fail(spec.At(r.file, item), "transform[%d] is %s, not one stage%s", i, several(item, len(entries)), spec.Suggest("", Types(spec.Transform)))
			continue
		}
		e, at := entries[0], spec.At(r.file, entries[0].Key)
		c, ok := stageOf(e.Key.Value)
		if !ok {
			r.fail(at, "transform[%d]: unknown stage %q%s", i, e.Key.Value, spec.Suggest(e.Key.Value, Types(spec.Transform)))
			intervals = at // do not ask for an intervals stage that is perhaps this one
			continue
		}
		if intervals.Line > 0 && c.Type == intervalsType {
			r.fail(at, "transform[%d]: a second %q: the first is on line %d, and a pipeline has one", i, c.Type, intervals.Line)
		} else if last := len(r.pipeline.Stages) - 1; last >= 0 && r.pipeline.Stages[last].Component.Type == intervalsType {
			r.fail(at, "transform[%d]: %q after \"intervals\" has no facts left to work on: put it before", i, c.Type)
		}
		if c.Type == intervalsType {
			intervals = at
		}
		options := c.New()
		if r.decode(e.Value, options, fmt.Sprintf("transform[%d].%s", i, c.Type)) {
			if s, ok := expressions.StageOf(options); ok {
				facts = append(facts, s)
			}
		}
		r.pipeline.Stages = append(r.pipeline.Stages, Stage{At: at, Component: c, Options: options})
	}
	if intervals.Line == 0 {
		r.fail(spec.At(r.file, section.Key), "transform has no \"intervals\" stage: add `- intervals: {late: revise}` as its last")
	}
	r.compile(facts)
}

// compile checks the expressions of the stages that work on facts.
func (r *reading) compile(facts []expressions.Stage) {
	_, err := expressions.Compile(r.pipeline.Zone, facts...)
	var invalid *spec.Invalid
	if errors.As(err, &invalid) {
		r.problems = append(r.problems, invalid.Problems...)
	} else if err != nil {
		r.fail(spec.Position{File: r.file}, "transform: %v", err)
	}
}

func several(item *yaml.Node, keys int) string {
	if item.Kind == yaml.MappingNode && keys > 1 {
		return fmt.Sprintf("%d stages in one", keys)
	}
	return spec.Describe(item)
}
