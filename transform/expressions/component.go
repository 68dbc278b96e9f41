package expressions

import "github.com/quarterhour/quarterhour/internal/spec"

const language = "The language is that of expr-lang.org over the fields of the fact: text, instants and durations, true or false. " +
	"A stage works on the kinds of fact that have all fields it names. A value may be absent (nil): comparisons with it are false, and " +
	"what is computed from it is absent too."

// Filter and Set are the stages' declarations. Their options are a *spec.Expr and a *spec.Exprs.
var (
	Filter = spec.Component{
		Kind: spec.Transform, Type: "filter",
		Summary:     "keeps the facts for which an expression is true",
		Description: language,
		Guarantee:   "A correction that moves a fact out of the filter takes back what the fact had contributed.",
		Example:     `filter: 'queue_name != "Test"'`,
		New:         func() any { return new(spec.Expr) },
	}
	Set = spec.Component{
		Kind: spec.Transform, Type: "set",
		Summary:     "sets fields of the facts to the values of expressions",
		Description: language + " All expressions of one stage see the fact as it was before the stage.",
		Guarantee:   "Facts of one identity after the stage are corrections of each other, as they would be had the source sent them so.",
		Example:     `set: {queue_id: 'lower(queue_id)'}`,
		New:         func() any { return new(spec.Exprs) },
	}
)

// Stage is one filter or set stage.
type Stage struct {
	Filter spec.Expr
	Set    spec.Exprs
}

// StageOf reads a stage's options as they were decoded; false where they are another component's.
func StageOf(options any) (Stage, bool) {
	switch o := options.(type) {
	case *spec.Expr:
		return Stage{Filter: *o}, true
	case *spec.Exprs:
		return Stage{Set: *o}, true
	}
	return Stage{}, false
}
