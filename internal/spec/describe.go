package spec

import "strings"

// Flatten lists options with those inside sections after them, under dotted names: csv.delimiter, queues.NAME.service_level,
// columns[].name.
func Flatten(fields []Field) []Field {
	var list []Field
	for _, f := range fields {
		list = append(list, f)
		for _, inner := range Flatten(f.Fields) {
			inner.Name = f.Name + f.between() + inner.Name
			list = append(list, inner)
		}
	}
	return list
}

func (f Field) between() string {
	switch {
	case strings.HasPrefix(f.Type, "list of"):
		return "[]."
	case strings.HasSuffix(f.Type, "by name"):
		return ".NAME."
	default:
		return "."
	}
}

// TypeText is the type as a reference shows it: the words allowed, where only some are.
func (f Field) TypeText() string {
	if len(f.Enum) > 0 {
		return strings.Join(f.Enum, ", ")
	}
	if f.Secret {
		return "secret " + f.Type
	}
	return f.Type
}

// DefaultText is the default as a reference shows it, or "required".
func (f Field) DefaultText() string {
	if f.Required {
		return "required"
	}
	return f.Default
}

// Sentence is a text with a capital at its start and a full stop at its end.
func Sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	first, _, _ := strings.Cut(text, " ")
	if first == strings.ToLower(first) && !strings.ContainsAny(first, "_/.:0123456789`") {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	if !strings.ContainsAny(text[len(text)-1:], ".!?:") {
		text += "."
	}
	return text
}
