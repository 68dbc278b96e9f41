package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/schemas/internal/avsc"
)

// renderRecord writes the Go struct of a record.
func renderRecord(b *bytes.Buffer, t *avsc.Type) error {
	fmt.Fprintf(b, "\n// %s is the %s record. %s\ntype %s struct {\n", goName(t.ShortName()), t.ShortName(), t.Doc, goName(t.ShortName()))
	for _, f := range t.Fields {
		typ, note, err := goType(f)
		if err != nil {
			return fmt.Errorf("field %q: %w", f.Name, err)
		}
		fmt.Fprintf(b, "\t// %s%s\n\t%s %s `avro:%q`\n", f.Doc, note, goName(f.Name), typ, f.Name)
	}
	b.WriteString("}\n")
	return nil
}

// goType is the Go type that holds a field, and what its comment adds about the values.
func goType(f *avsc.Field) (typ, note string, err error) {
	t := f.Type
	if len(t.Branches) == 2 && t.Branches[0].Kind == avsc.Null && t.Branches[1].Kind == avsc.Long {
		t, note = t.Branches[1], " Null where absent."
	}
	switch t.Logical {
	case "":
	case "timestamp-millis":
		note = " Milliseconds since 1970, UTC." + note
	default:
		return "", "", fmt.Errorf("the logical type %q has no Go type here; instants are timestamp-millis", t.Logical)
	}
	switch t.Kind {
	case avsc.String:
		return "string", note, nil
	case avsc.Bytes:
		return "[]byte", note, nil
	case avsc.Boolean:
		return "bool", note, nil
	case avsc.Int:
		return "int32", note, nil
	case avsc.Long:
		return "int64", note, nil
	case avsc.Float:
		return "float32", note, nil
	case avsc.Double:
		return "float64", note, nil
	case avsc.Enum:
		return goName(t.ShortName()), note, nil
	case avsc.Map:
		if t.Items.Kind == avsc.Long {
			return "[]NamedValue", note, nil
		}
	}
	return "", "", fmt.Errorf("%s has no Go type here; choose a primitive, an enum, a map of long, or a union of null and long", t)
}

// renderEnum writes the Go type of a field's enum. Two schemas may define the same enum if its symbols are the same.
func renderEnum(b *bytes.Buffer, f *avsc.Field, seen map[string][]string) error {
	t := f.Type
	if t.Kind != avsc.Enum {
		return nil
	}
	name := goName(t.ShortName())
	if symbols, ok := seen[name]; ok {
		if !slices.Equal(symbols, t.Symbols) {
			return fmt.Errorf("enum %q has other symbols than in another schema", t.Name)
		}
		return nil
	}
	if len(t.Symbols) > 255 {
		return fmt.Errorf("enum %q has more than 255 symbols", t.Name)
	}
	seen[name] = t.Symbols
	fmt.Fprintf(b, "\n// %s: %s\ntype %s uint8\n\n// The values of %s, in the schema's order.\nconst (\n", name, f.Doc, name, name)
	for i, s := range t.Symbols {
		if i == 0 {
			fmt.Fprintf(b, "\t%s%s %s = iota\n", name, goName(s), name)
		} else {
			fmt.Fprintf(b, "\t%s%s\n", name, goName(s))
		}
	}
	fmt.Fprintf(b, ")\n\nvar names%s = []string{", name)
	for i, s := range t.Symbols {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(b, "%q", s)
	}
	fmt.Fprintf(b, "}\n\n// String is the Avro symbol; a value outside the enum is %s(n).\nfunc (v %s) String() string { return symbol(%q, names%s, int(v)) }\n", name, name, name, name)
	return nil
}

// goName turns a name of the schema into a Go name: interaction_id is InteractionID, agent_state is AgentState.
func goName(name string) string {
	var b strings.Builder
	for _, part := range strings.Split(name, "_") {
		if part == "id" {
			b.WriteString("ID")
		} else if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}
