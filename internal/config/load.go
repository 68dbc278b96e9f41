package config

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/spec"
)

// prefix of the variables that are options.
const prefix = "QUARTERHOUR_"

// elsewhere are variables with the prefix that are not options of the system.
var elsewhere = []string{"QUARTERHOUR_CACHE", "QUARTERHOUR_CHDB", "QUARTERHOUR_CONFIG", clock.FastVariable, crash.Variable, "QUARTERHOUR_TEST_KAFKA", "QUARTERHOUR_TEST_CLICKHOUSE", "QUARTERHOUR_TEST_SQS"}

// option is one value of System, by its path (kafka.sasl.username).
type option struct {
	path  string
	field spec.Field
}

func (o option) variable() string {
	return prefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(o.path))
}

func (o option) flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(o.path) }

// list says that the option is one, written with commas outside the file.
func (o option) list() bool { return strings.HasPrefix(o.field.Type, "list of") }

var options = optionsOf("", spec.FieldsOf(System{}))

func optionsOf(path string, fields []spec.Field) (list []option) {
	for _, f := range fields {
		p := f.Name
		if path != "" {
			p = path + "." + p
		}
		if len(f.Fields) > 0 {
			list = append(list, optionsOf(p, f.Fields)...)
		} else {
			list = append(list, option{p, f})
		}
	}
	return list
}

// Flags adds a flag for every option that is not a secret. Those of the connections are hidden from the usage text, which
// would be mostly about them.
func Flags(flags *pflag.FlagSet) {
	for _, o := range options {
		if o.field.Secret {
			continue
		}
		help := o.field.Help
		if len(o.field.Enum) > 0 {
			help += " (" + strings.Join(o.field.Enum, ", ") + ")"
		}
		if o.list() {
			flags.StringSlice(o.flag(), nil, help)
		} else {
			flags.String(o.flag(), o.field.Default, help)
		}
		if strings.HasPrefix(o.path, "kafka.") || strings.HasPrefix(o.path, "registry.") {
			_ = flags.MarkHidden(o.flag()) // it was added above
		}
	}
}

// Load reads the layers. file may be empty; environ is as os.Environ gives it; flags may be nil. The error of what a user
// wrote is a *spec.Invalid with every problem at its place: file:line, the variable, or the flag.
func Load(file string, environ []string, flags *pflag.FlagSet) (System, error) {
	variables := spec.ParseEnvironment(environ)
	root, err := read(file, variables)
	if err != nil {
		return System{}, err
	}
	over, err := overrides(environ, flags)
	if err != nil {
		return System{}, err
	}
	if err := spec.Err(spec.Sort(append(mistyped(variables), check(over, variables)...))); err != nil {
		return System{}, err
	}
	for _, o := range over {
		put(root, o.path, o.node)
	}
	var s System
	problems := spec.Decode(root, &s, spec.Source{File: file, Env: variables})
	place(problems, over)
	return s, spec.Err(spec.Sort(problems))
}

// place says of a problem that stands nowhere in the file which variable or flag it is about.
func place(problems []spec.Problem, over []override) {
	for i, p := range problems {
		for _, o := range over {
			if p.At.Line == 0 && strings.HasPrefix(p.Message, o.path) {
				problems[i].At.File = o.origin
			}
		}
	}
}

// unchecked is System without its checks across options, for layers that are not the whole.
type unchecked System

func read(file string, variables spec.Environment) (*yaml.Node, error) {
	empty := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	if file == "" {
		return empty, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	root, problems := spec.Document(file, content)
	if root != nil {
		problems = append(problems, spec.Decode(root, &unchecked{}, spec.Source{File: file, Env: variables})...)
	}
	if err := spec.Err(spec.Sort(problems)); err != nil {
		return nil, err
	}
	if root.Tag == "!!null" {
		return empty, nil
	}
	return root, nil
}

// override is an option set in the environment or by a flag.
type override struct {
	path, origin string
	node         *yaml.Node
}

// overrides lets koanf put the flags over the environment.
func overrides(environ []string, flags *pflag.FlagSet) ([]override, error) {
	k := koanf.New(".")
	origin := map[string]string{}
	err := k.Load(env.Provider(".", env.Opt{Prefix: prefix, EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			i := slices.IndexFunc(options, func(o option) bool { return o.variable() == name })
			if i < 0 {
				return "", nil
			}
			origin[options[i].path] = name
			if options[i].list() {
				return options[i].path, split(value)
			}
			return options[i].path, value
		}}), nil)
	if err != nil {
		return nil, fmt.Errorf("environment: %w", err)
	}
	if flags != nil {
		err = k.Load(posflag.ProviderWithFlag(flags, ".", k, func(f *pflag.Flag) (string, any) {
			i := slices.IndexFunc(options, func(o option) bool { return o.flag() == f.Name })
			if i < 0 || !f.Changed {
				return "", nil
			}
			origin[options[i].path] = "--" + f.Name
			return options[i].path, posflag.FlagVal(flags, f)
		}), nil)
		if err != nil {
			return nil, fmt.Errorf("flags: %w", err)
		}
	}
	var list []override
	for _, o := range options {
		if k.Exists(o.path) {
			list = append(list, override{o.path, origin[o.path], node(k.Get(o.path))})
		}
	}
	return list, nil
}

func split(list string) []string {
	var items []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// check decodes each override by itself, so that what is wrong is said of the variable or flag.
func check(over []override, variables spec.Environment) (problems []spec.Problem) {
	for _, o := range over {
		root := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		put(root, o.path, o.node)
		problems = append(problems, spec.Decode(root, &unchecked{}, spec.Source{File: o.origin, Env: variables})...)
	}
	return problems
}

// mistyped finds variables that look like an option but are none. Others with the prefix belong to somebody else.
func mistyped(variables spec.Environment) (problems []spec.Problem) {
	known := slices.Clone(elsewhere)
	for _, o := range options {
		known = append(known, o.variable())
	}
	for name := range variables {
		if strings.HasPrefix(name, prefix) && !slices.Contains(known, name) {
			if n := spec.Nearest(name, known); n != "" {
				problems = append(problems, spec.Problem{At: spec.Position{File: name}, Message: "unknown variable: did you mean \"" + n + "\"?"})
			}
		}
	}
	return problems
}
