// Package spec is how a component (source, stage, sink, measure) declares itself, once: a plain struct of options whose
// tags carry name, default, unit and help. Parsing, validation with file and line, `quarterhour list`, completions and the
// generated reference pages all read that one declaration.
package spec

// Kind says where in a pipeline a component stands.
type Kind string

// The kinds of component, named as the folders and the pipeline file's sections are.
const (
	Ingest    Kind = "ingest"
	Transform Kind = "transform"
	Sink      Kind = "sinks"
	Measure   Kind = "measures"
)

// Component is the declaration of one component.
type Component struct {
	Kind        Kind
	Type        string // the word in the pipeline file: file, clickhouse, intervals
	Summary     string // one line
	Description string // Markdown: what it does, its limits
	Guarantee   string // what a user may rely on, one or two sentences
	Example     string // YAML as it stands in a pipeline file, under the component's own name
	New         func() any
	// New returns a pointer to a struct of options. Each field has the tags
	//	cfg:"name[,required][,secret]"  its key; required and secret where so
	//	help:"..."                      one line, says the unit where there is one
	//	default:"5s"                    parsed as the value would be
	//	enum:"a|b|c"                    the words allowed
	// and one of the types string, bool, int, int64, float64, time.Duration, *time.Location, Expr, Exprs, []string,
	// map[string]string, or a struct, slice of structs or map of structs of these.
}

// Position is a place in a file. Line and Column count from 1; 0 is unknown.
type Position struct {
	File         string
	Line, Column int
}

// Expr is an expression in the expression language, with the place it was written at for error messages.
type Expr struct {
	Source string
	At     Position
}

// Exprs is a mapping of names to expressions in the order of the file.
type Exprs []NamedExpr

// NamedExpr is one entry of Exprs.
type NamedExpr struct {
	Name string
	Expr Expr
	At   Position // of the name
}

// Validator is implemented by options that check more than types, such as two fields that exclude each other.
type Validator interface {
	// Validate reports each problem with the path of the option it is about, as "fields.offered_at" or "path".
	Validate(problem func(path, message string))
}
