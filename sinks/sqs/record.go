package sqs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

var rowKinds = []string{"queue_interval", "agent_queue_interval", "agent_interval"}

// kinds are the kinds of record in the order of delivery.Item's fields.
var kinds = append(slices.Clone(rowKinds), "contact", "agent_state", "worker")

// record is the kind of an item, and its record.
func record(i *delivery.Item) (kind string, value any) {
	switch {
	case i.Queue != nil:
		return kinds[0], i.Queue
	case i.AgentQueue != nil:
		return kinds[1], i.AgentQueue
	case i.Agent != nil:
		return kinds[2], i.Agent
	case i.Contact != nil:
		return kinds[3], i.Contact
	case i.AgentState != nil:
		return kinds[4], i.AgentState
	default:
		return kinds[5], i.Worker
	}
}

// place gives an item an empty record of the kind; nil: there is no such kind.
func place(i *delivery.Item, kind string) any {
	switch kind {
	case kinds[0]:
		i.Queue = new(schemas.QueueInterval)
		return i.Queue
	case kinds[1]:
		i.AgentQueue = new(schemas.AgentQueueInterval)
		return i.AgentQueue
	case kinds[2]:
		i.Agent = new(schemas.AgentInterval)
		return i.Agent
	case kinds[3]:
		i.Contact = new(schemas.Contact)
		return i.Contact
	case kinds[4]:
		i.AgentState = new(schemas.AgentState)
		return i.AgentState
	case kinds[5]:
		i.Worker = new(schemas.Worker)
		return i.Worker
	}
	return nil
}

// nullable are the fields that may be null, by kind of record: null is what they are where the message of an older version does not have
// them.
var nullable = sync.OnceValue(func() map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for _, s := range schemas.All() {
		var declared struct {
			Fields []struct {
				Name string          `json:"name"`
				Type json.RawMessage `json:"type"`
			} `json:"fields"`
		}
		if json.Unmarshal([]byte(s.JSON), &declared) != nil { // schemas has parsed it before
			continue
		}
		all[s.Name] = map[string]bool{}
		for _, f := range declared.Fields {
			all[s.Name][f.Name] = bytes.HasPrefix(f.Type, []byte(`["null"`))
		}
	}
	return all
})

// encodeRecord writes a record as a JSON object, its fields named and in the order of the schema: enums as their words, what is absent
// as null, durations and instants as the milliseconds that they are.
func encodeRecord(value any) ([]byte, error) {
	v := reflect.ValueOf(value).Elem()
	out := []byte{'{'}
	for n := range v.NumField() {
		if n > 0 {
			out = append(out, ',')
		}
		name := v.Type().Field(n).Tag.Get("avro")
		out = append(append(append(out, '"'), name...), '"', ':')
		text, err := encodeField(v.Field(n).Interface())
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", name, err)
		}
		out = append(out, text...)
	}
	return append(out, '}'), nil
}

func encodeField(value any) ([]byte, error) {
	switch x := value.(type) {
	case int64:
		if x == schemas.Null {
			return []byte("null"), nil
		}
	case fmt.Stringer: // an enum
		return encodeText(x.String())
	case string:
		return encodeText(x)
	case []schemas.NamedValue:
		return encodeNamed(x)
	}
	return json.Marshal(value)
}

func encodeNamed(list []schemas.NamedValue) ([]byte, error) {
	out := []byte{'{'}
	for n, v := range list {
		if n > 0 {
			out = append(out, ',')
		}
		name, err := encodeText(v.Name)
		if err != nil {
			return nil, err
		}
		out = fmt.Appendf(append(out, name...), ":%d", v.Value)
	}
	return append(out, '}'), nil
}

// encodeText writes a JSON string. SQS takes no message with U+FFFE or U+FFFF in it, so these are escaped; control characters are
// in JSON anyway.
func encodeText(s string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return nil, err
	}
	return []byte(noncharacters.Replace(strings.TrimSuffix(b.String(), "\n"))), nil
}

var noncharacters = strings.NewReplacer("\uFFFE", `\ufffe`, "\uFFFF", `\uffff`)

// decodeRecord reads what encodeRecord writes. Fields that the record does not have pass.
func decodeRecord(text []byte, kind string, into any) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil || fields == nil {
		return errors.New("record is no JSON object")
	}
	v := reflect.ValueOf(into).Elem()
	for n := range v.NumField() {
		name := v.Type().Field(n).Tag.Get("avro")
		text := fields[name]
		if text == nil && nullable()[kind][name] {
			text = []byte("null")
		}
		if text == nil {
			continue
		}
		if err := decodeField(text, v.Field(n).Addr().Interface()); err != nil {
			return fmt.Errorf("field %q is %.40s: %w", name, text, err)
		}
	}
	return nil
}

func decodeField(text []byte, into any) error {
	null := string(text) == "null"
	switch p := into.(type) {
	case *int64:
		if null {
			*p = schemas.Null
			return nil
		}
	case *schemas.Direction:
		return decodeSymbol(text, p)
	case *schemas.Outcome:
		return decodeSymbol(text, p)
	case *schemas.State:
		return decodeSymbol(text, p)
	case *[]schemas.NamedValue:
		return decodeNamed(text, p)
	}
	if null {
		return errors.New("it cannot be null")
	}
	return json.Unmarshal(text, into)
}

// decodeSymbol reads a word of an enum, whose values count from 0: the first that prints as Name(n) is none.
func decodeSymbol[T interface {
	~uint8
	fmt.Stringer
}](text []byte, into *T) error {
	var word string
	if err := json.Unmarshal(text, &word); err != nil {
		return err
	}
	for v := T(0); !strings.Contains(v.String(), "("); v++ {
		if v.String() == word {
			*into = v
			return nil
		}
	}
	return errors.New("it is none of the words of this field")
}

func decodeNamed(text []byte, into *[]schemas.NamedValue) error {
	var values map[string]int64
	if err := json.Unmarshal(text, &values); err != nil {
		return err
	}
	*into = nil
	for name, value := range values {
		*into = append(*into, schemas.NamedValue{Name: name, Value: value})
	}
	slices.SortFunc(*into, func(a, b schemas.NamedValue) int { return strings.Compare(a.Name, b.Name) })
	return nil
}
