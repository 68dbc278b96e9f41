package iservice

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// record is one object of an answer. Numbers are json.Number.
type record map[string]any

// records finds the list of records of an answer. path is one or more dotted paths, with | between them: the first that leads to a
// list counts. An answer that is itself a list needs none.
func records(answer []byte, path string) ([]json.RawMessage, error) {
	var list []json.RawMessage
	if text := bytes.TrimSpace(answer); len(text) > 0 && text[0] == '[' {
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, fmt.Errorf("the answer is no JSON: %w", err)
		}
		return list, nil
	}
	var root map[string]json.RawMessage
	if err := json.Unmarshal(answer, &root); err != nil {
		return nil, fmt.Errorf("the answer is no JSON object: %w", err)
	}
	for _, p := range strings.Split(path, "|") {
		if raw, ok := follow(root, strings.Split(p, ".")); ok {
			if string(raw) == "null" {
				return nil, nil
			}
			if err := json.Unmarshal(raw, &list); err != nil {
				return nil, fmt.Errorf("%q of the answer is no list: set the path of the records", p)
			}
			return list, nil
		}
	}
	return nil, fmt.Errorf("the answer has no list %q, and has %s: set the path of the records", path, names(root))
}

func follow(root map[string]json.RawMessage, path []string) (json.RawMessage, bool) {
	raw, ok := root[path[0]]
	if !ok || len(path) == 1 {
		return raw, ok
	}
	var inner map[string]json.RawMessage
	if json.Unmarshal(raw, &inner) != nil {
		return nil, false
	}
	return follow(inner, path[1:])
}

func names(root map[string]json.RawMessage) string {
	var all []string
	for k := range root {
		all = append(all, strconv.Quote(k))
		if len(all) == 8 {
			break
		}
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, ", ")
}

var errNoObject = errors.New("the record is no JSON object")

func parseRecord(raw []byte) (record, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var r record
	if err := d.Decode(&r); err != nil || r == nil {
		return nil, errNoObject
	}
	return r, nil
}

// value follows one of several paths to what is there: the first that leads to something other than null and empty text. A list of
// objects with name and value, as case properties are, is gone into by name.
func (r record) value(path string) any {
	for _, p := range strings.Split(path, "|") {
		if p == "" {
			continue
		}
		var at any = map[string]any(r)
		for _, step := range strings.Split(p, ".") {
			at = into(at, step)
		}
		if at != nil && at != "" {
			return at
		}
	}
	return nil
}

func into(at any, step string) any {
	switch in := at.(type) {
	case map[string]any:
		return in[step]
	case []any:
		for _, item := range in {
			if o, ok := item.(map[string]any); ok && o["name"] == step {
				return o["value"]
			}
		}
	}
	return nil
}

// text is a value as text, without blanks around it: ids are numeric strings, and numbers in some answers.
func (r record) text(path string) string {
	switch v := r.value(path).(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// flag is a value as true or false; ok says whether it is one.
func (r record) flag(path string) (is, ok bool) {
	switch v := r.value(path).(type) {
	case bool:
		return v, true
	case json.Number:
		return v.String() != "0", true
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "true", "1", "yes", "y":
			return true, true
		case "false", "0", "no", "n":
			return false, true
		}
	}
	return false, false
}
