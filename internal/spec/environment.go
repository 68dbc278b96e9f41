package spec

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// Environment is the variables that ${NAME} refers to.
type Environment map[string]string

// ParseEnvironment reads NAME=value pairs, as os.Environ gives them.
func ParseEnvironment(pairs []string) Environment {
	env := make(Environment, len(pairs))
	for _, p := range pairs {
		if name, value, ok := strings.Cut(p, "="); ok {
			env[name] = value
		}
	}
	return env
}

// Expand puts values in place of ${NAME}, ${NAME:-default} (where NAME is unset or empty) and ${file:/path} (the file's
// content without its last line break). $${ stands for ${ itself. Values are not expanded again.
func (env Environment) Expand(s string) (string, error) {
	if !strings.Contains(s, "${") {
		return s, nil
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(s, "${")
		if !found {
			out.WriteString(s)
			return out.String(), nil
		}
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			out.WriteString(escaped + "${")
			s = rest
			continue
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", fmt.Errorf("%q has ${ without a closing }: close it, or write $${ for the characters themselves", s)
		}
		value, err := env.value(name)
		if err != nil {
			return "", err
		}
		out.WriteString(before + value)
		s = after
	}
}

func (env Environment) value(name string) (string, error) {
	if path, ok := strings.CutPrefix(name, "file:"); ok {
		content, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("${%s} cannot be read: %w", name, err)
		}
		return strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r"), nil
	}
	name, otherwise, hasDefault := strings.Cut(name, ":-")
	value, set := env[name]
	switch {
	case hasDefault && value == "":
		return otherwise, nil
	case set:
		return value, nil
	}
	names := slices.Sorted(maps.Keys(env))
	if n := Nearest(name, names); n != "" {
		return "", fmt.Errorf("variable %s is not set: did you mean %q?", name, n)
	}
	return "", fmt.Errorf("variable %s is not set: set it in the environment, or write ${%s:-default}", name, name)
}
