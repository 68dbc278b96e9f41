package identity

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Settings is the section `identity` of a pipeline file.
type Settings struct {
	Aliases map[string][]string `cfg:"aliases" help:"by person (an address or tag): the other addresses and tags of the same person; an id too, as five9-eu/1234"`
}

// Validate reports aliases that contradict each other, at the path of each person under the prefix.
func (s *Settings) Validate(prefix string, problem func(path, message string)) {
	for _, c := range s.conflicts() {
		problem(prefix+"aliases."+c.person, c.message)
	}
}

// conflict is what is wrong with the aliases of one person.
type conflict struct{ person, message string }

func (s *Settings) conflicts() (found []conflict) {
	owner := map[string]string{}
	for _, person := range slices.Sorted(maps.Keys(s.Aliases)) {
		if Normal(person) == "" {
			found = append(found, conflict{person, "has no name: write the person's address"})
		}
		if first, ok := owner[Normal(person)]; ok && Normal(first) == Normal(person) {
			found = append(found, conflict{person, fmt.Sprintf("is there twice, as %q too: put both lists into one", first)})
		}
		owner[Normal(person)] = person
	}
	for _, person := range slices.Sorted(maps.Keys(s.Aliases)) {
		for _, alias := range s.Aliases[person] {
			a := Normal(alias)
			first, taken := owner[a]
			switch {
			case a == "":
				found = append(found, conflict{person, "has an empty alias: leave it out"})
			case !taken:
				owner[a] = person
			case Normal(first) == Normal(person):
			case Normal(first) == a:
				found = append(found, conflict{person, fmt.Sprintf("has the alias %q, which is a person with aliases: put both lists into one", alias)})
			default:
				found = append(found, conflict{person, fmt.Sprintf("has the alias %q, which is one of %q already: one of them is wrong", alias, first)})
			}
		}
	}
	return found
}

// Aliases are persons by what else they go by. All texts are normal.
type Aliases map[string]string

// Of makes the aliases of settings that were found to be in order.
func Of(all ...Settings) Aliases {
	aliases := Aliases{}
	for _, s := range all {
		for person, others := range s.Aliases {
			for _, other := range others {
				if o, p := Normal(other), Normal(person); o != p {
					aliases[o] = p
				}
			}
		}
	}
	return aliases
}

// Join puts the settings of several pipelines of one tenant together; an error where they contradict each other.
func Join(all ...Settings) (Aliases, error) {
	joined := Settings{Aliases: map[string][]string{}}
	spelled := map[string]string{} // as it was written first, by its normal form
	for _, s := range all {
		for _, person := range slices.Sorted(maps.Keys(s.Aliases)) {
			first, ok := spelled[Normal(person)]
			if !ok {
				first = person
				spelled[Normal(person)] = person
			}
			joined.Aliases[first] = append(joined.Aliases[first], s.Aliases[person]...)
		}
	}
	if found := joined.conflicts(); len(found) > 0 {
		return nil, fmt.Errorf("identity.aliases of the pipelines contradict each other: %q %s", found[0].person, found[0].message)
	}
	return Of(joined), nil
}

// person is who a text stands for.
func (a Aliases) person(text string) string {
	if p, ok := a[text]; ok {
		return p
	}
	return text
}

// Normal is a text as it is compared.
func Normal(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// isAddress says whether a text can be an e-mail address at all; "n/a" and "none" are not.
func isAddress(s string) bool {
	name, host, ok := strings.Cut(s, "@")
	return ok && name != "" && host != "" && !strings.ContainsAny(s, " \t\r\n\f") && !strings.Contains(host, "@")
}
