package iservice

import (
	"cmp"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// longestRights is how much is told of a user's rights, in characters.
const longestRights = 300

// rights says in words what loggedin tells of the user: lists first, in which rights stand, and numbers, texts and yes or no after them. The
// form of the answer is not published, so nothing is left out but errors and what could be the session's key.
func rights(body []byte) string {
	var said map[string]any
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	if d.Decode(&said) != nil {
		return ""
	}
	var parts []string
	for _, plain := range []bool{false, true} {
		for _, name := range slices.Sorted(maps.Keys(said)) {
			text := inWords(said[name])
			_, list := said[name].([]any)
			_, object := said[name].(map[string]any)
			switch {
			case plain == (list || object), text == "", strings.HasPrefix(name, "error"), secretName.MatchString(name):
			case strings.EqualFold(name, "rights"):
				parts = slices.Insert(parts, 0, text)
			case list || object:
				parts = append(parts, phrase(name)+": "+text)
			default:
				parts = append(parts, phrase(name)+" "+text)
			}
		}
	}
	return cut(strings.Join(parts, "; "), longestRights)
}

// nobody says whether the answer is that nobody is logged in.
func nobody(body []byte) bool {
	var said struct {
		LoggedIn any `json:"loggedin"`
	}
	return json.Unmarshal(body, &said) == nil && said.LoggedIn == false
}

var (
	secretName = regexp.MustCompile(`(?i)session|token|cookie|passw|secret|csrf|nonce`)
	humps      = regexp.MustCompile(`([a-z0-9])([A-Z])`)
)

// phrase is a field's name in words: "contact id" of contactID.
func phrase(name string) string {
	return strings.ToLower(strings.NewReplacer("_", " ", "-", " ").Replace(humps.ReplaceAllString(name, "$1 $2")))
}

// inWords is a value in words; "" where there is nothing to say.
func inWords(v any) string {
	switch v := v.(type) {
	case string:
		return strings.Join(strings.Fields(v), " ")
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []any:
		var list []string
		for _, one := range v {
			if text := inWords(titled(one)); text != "" {
				list = append(list, text)
			}
		}
		return cmp.Or(strings.Join(list, ", "), "none")
	case map[string]any:
		return properties(v)
	}
	return ""
}

// titled is an entry of a list by its name, where it has one.
func titled(one any) any {
	if o, ok := one.(map[string]any); ok {
		for _, name := range []string{"name", "displayname", "title", "id"} {
			if text := inWords(o[name]); text != "" {
				return text
			}
		}
	}
	return one
}

// properties are those of an object. Of yes and no, what is so is listed, and what is not after it.
func properties(o map[string]any) string {
	var so, not, rest []string
	for _, name := range slices.Sorted(maps.Keys(o)) {
		yes, is := o[name].(bool)
		switch text := inWords(o[name]); {
		case secretName.MatchString(name), text == "":
		case is && yes:
			so = append(so, phrase(name))
		case is:
			not = append(not, phrase(name))
		default:
			rest = append(rest, phrase(name)+" "+text)
		}
	}
	if len(not) > 0 {
		so = append(so, "not "+strings.Join(not, ", not "))
	}
	return strings.Join(append(so, rest...), ", ")
}

// cut shortens a text, at the end of a word where one is near.
func cut(text string, longest int) string {
	if utf8.RuneCountInString(text) <= longest {
		return text
	}
	short := string([]rune(text)[:longest])
	if at := strings.LastIndexAny(short, ",; "); at > len(short)*3/4 {
		short = short[:at]
	}
	return strings.TrimRight(short, ",; ") + " …"
}
