package pipelines

import (
	"go.yaml.in/yaml/v3"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// typeKey says which component a source or sink is.
const typeKey = "type"

func (r *reading) sources(section spec.Entry) {
	r.parts(section, "source", func(name string, at spec.Position, body *yaml.Node, word string) bool {
		for _, reg := range Sources {
			if reg.Type == word {
				options := reg.New()
				r.decode(body, options, ingestKey+"."+name, typeKey)
				r.pipeline.Sources = append(r.pipeline.Sources, Source{Name: name, At: at, Registration: reg, Options: options})
				return true
			}
		}
		return false
	})
}

func (r *reading) sinks(section spec.Entry) {
	r.parts(section, "sink", func(name string, at spec.Position, body *yaml.Node, word string) bool {
		for _, reg := range Sinks {
			if reg.Type == word {
				options := reg.New()
				sink := Sink{Name: name, At: at, Registration: reg, Options: options}
				r.decodeAnd(body, options, sinksKey+"."+name, func(problem func(path, message string)) { sink.check(r.pipeline.Interval, problem) }, typeKey)
				r.pipeline.Sinks = append(r.pipeline.Sinks, sink)
				return true
			}
		}
		return false
	})
}

// parts reads a section of components by name; add decodes one, and says whether its type is known.
func (r *reading) parts(section spec.Entry, word string, add func(name string, at spec.Position, body *yaml.Node, word string) bool) {
	kind := section.Key.Value
	switch {
	case section.Value.Tag == "!!null" || section.Value.Kind == yaml.MappingNode && len(section.Value.Content) == 0:
		r.fail(spec.At(r.file, section.Key), "%s is empty: at least one %s is needed", kind, word)
		return
	case section.Value.Kind != yaml.MappingNode:
		r.fail(spec.At(r.file, section.Value), "%s is %s, not a section of %ss by name", kind, spec.Describe(section.Value), word)
		return
	}
	for _, e := range spec.Entries(section.Value) {
		name, at := e.Key.Value, spec.At(r.file, e.Key)
		if !names.MatchString(name) {
			r.fail(at, "%s: "+namesRule, kind, name)
			continue
		}
		typ, ok := r.typeOf(e, kind, word)
		if ok && !add(name, at, e.Value, typ.Value) {
			r.fail(spec.At(r.file, typ), "%s.%s: unknown %s %q%s", kind, name, word, typ.Value, spec.Suggest(typ.Value, Types(spec.Kind(kind))))
		}
	}
}

// typeOf finds which component a part is.
func (r *reading) typeOf(part spec.Entry, kind, word string) (*yaml.Node, bool) {
	path := kind + "." + part.Key.Value
	if part.Value.Kind != yaml.MappingNode {
		r.fail(spec.At(r.file, part.Value), "%s is %s, not a section with the %s's options", path, spec.Describe(part.Value), word)
		return nil, false
	}
	var keys []string
	for _, e := range spec.Entries(part.Value) {
		if e.Key.Value == typeKey {
			if e.Value.Kind != yaml.ScalarNode || e.Value.Value == "" {
				r.fail(spec.At(r.file, e.Value), "%s.type is %s, not the name of a %s", path, spec.Describe(e.Value), word)
				return nil, false
			}
			return e.Value, true
		}
		keys = append(keys, e.Key.Value)
	}
	if near := spec.Nearest(typeKey, keys); near != "" {
		r.fail(spec.At(r.file, part.Key), "unknown option %q in %s: did you mean %q?", near, path, typeKey)
	} else {
		r.fail(spec.At(r.file, part.Key), "%s: required option \"type\" is missing%s", path, spec.Suggest("", Types(spec.Kind(kind))))
	}
	return nil, false
}
