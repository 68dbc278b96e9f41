package schemas

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"github.com/quarterhour/quarterhour/schemas/internal/avsc"
)

//go:generate go run ./generate

//go:embed *.avsc
var files embed.FS

// Schema is the Avro schema of one record.
type Schema struct {
	Name string // short name, contact
	Full string // full name, quarterhour.contact; also the registry's subject
	JSON string // the schema, compact, with its documentation

	typ *avsc.Type
}

// catalogue parses the embedded schemas once. They are part of the binary and tested, so a fault in them is a broken build.
var catalogue = sync.OnceValue(func() map[string]Schema {
	all := make(map[string]Schema, len(names))
	for _, name := range names {
		text, err := files.ReadFile(name + ".avsc")
		var compact bytes.Buffer
		if err == nil {
			err = json.Compact(&compact, text)
		}
		var t *avsc.Type
		if err == nil {
			t, err = avsc.Parse(compact.String())
		}
		if err != nil {
			panic(fmt.Sprintf("schemas: built-in schema %q: %v", name, err)) //nolint:forbidigo // the files are part of the program
		}
		all[name] = Schema{Name: name, Full: t.Name, JSON: compact.String(), typ: t}
	}
	return all
})

// All lists the schemas, sorted by name.
func All() []Schema {
	list := make([]Schema, len(names))
	for i, name := range names {
		list[i] = catalogue()[name]
	}
	return list
}

// Of is the schema of a record type.
func Of[T Record]() Schema {
	var zero T
	return catalogue()[zero.schemaName()]
}

// NameOf is the full name of the record that a schema defines, such as quarterhour.contact.
func NameOf(schemaJSON string) (full string, err error) {
	t, err := avsc.Parse(schemaJSON)
	if err != nil {
		return "", err
	}
	if t.Kind != avsc.Record {
		return "", fmt.Errorf("schema defines %s, not a record", t)
	}
	return t.Name, nil
}

// symbol is the name of an enum's value, or Type(n) for a value that the enum does not have.
func symbol(typ string, symbols []string, v int) string {
	if v < len(symbols) {
		return symbols[v]
	}
	return typ + "(" + strconv.Itoa(v) + ")"
}
