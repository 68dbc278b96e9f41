package pipelines

import "github.com/quarterhour/quarterhour/internal/spec"

//go:generate go run ./generate ../docs/reference

// intervalsType is the stage every pipeline has.
const intervalsType = "intervals"

// Kinds lists what there are components of, in the order of the data flow.
var Kinds = []spec.Kind{spec.Ingest, spec.Transform, spec.Sink, spec.Measure}

// Components lists the declarations of one kind.
func Components(kind spec.Kind) []spec.Component {
	var list []spec.Component
	switch kind {
	case spec.Ingest:
		for _, r := range Sources {
			list = append(list, r.Component)
		}
	case spec.Transform:
		list = Stages
	case spec.Sink:
		for _, r := range Sinks {
			list = append(list, r.Component)
		}
	case spec.Measure:
		list = Measures
	}
	return list
}

// Types lists the words that name the components of one kind.
func Types(kind spec.Kind) []string {
	components := Components(kind)
	words := make([]string, len(components))
	for i, c := range components {
		words[i] = c.Type
	}
	return words
}

func stageOf(word string) (spec.Component, bool) {
	for _, c := range Stages {
		if c.Type == word {
			return c, true
		}
	}
	return spec.Component{}, false
}
