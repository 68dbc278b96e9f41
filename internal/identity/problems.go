package identity

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is what is wrong about a person or an id.
type Kind string

// The kinds of problem, in the order in which they are listed.
const (
	NoAddress Kind = "no address"
	Ambiguous Kind = "ambiguous"
	Unmatched Kind = "unmatched"
	Gone      Kind = "gone"
	Changed   Kind = "changed"
)

// Kinds lists the kinds of problem.
var Kinds = []Kind{NoAddress, Ambiguous, Unmatched, Gone, Changed}

// About says what a kind of problem is and what to do about it.
func (k Kind) About() string {
	switch k {
	case NoAddress:
		return "Ids without an e-mail address or a tag belong to nobody. Fill in the address at the vendor, or name the person in the pipeline file: " +
			"identity: {aliases: {jane@example.com: [five9-eu/1234]}}."
	case Ambiguous:
		return "Two active ids of one source belong to one person: it is not known which is meant. Switch one off at the vendor, or correct its address; " +
			"where they are two persons who share an address, name the person of each: identity: {aliases: {jane@example.com: [five9-eu/1234]}}."
	case Unmatched:
		return "Persons whom only one source knows, though several list users. Nothing is to be done where they work in that system only. Else an address " +
			"differs: correct it at the vendor, or write identity: {aliases: {jane@example.com: [j.doe@example.com]}}."
	case Gone:
		return "Persons who are switched off or deleted in one source and active in another. Nothing is to be done where they only changed teams; who has left " +
			"should be switched off everywhere."
	case Changed:
		return "Ids that belonged to another person before. Where it is the same person under a new address, write identity: {aliases: {new@example.com: " +
			"[old@example.com]}}. Where the id was given to somebody else, intervals from before belong to the person before: workers_revisions has both."
	}
	return ""
}

// Problem is something that the rule does not decide.
type Problem struct {
	Kind   Kind   `json:"kind"`
	Person string `json:"person,omitempty"`
	Detail string `json:"detail"`
	IDs    []ID   `json:"ids"`
	// Of a change: who the id belonged to before, when the log last took a record that said so, and when the newest that does not,
	// milliseconds UTC. The change lies between the two.
	Before string `json:"before,omitempty"`
	Since  int64  `json:"since,omitempty"`
	Until  int64  `json:"until,omitempty"`
}

// problems lists what is wrong, by kind, and within a kind by person and id.
func (m *Matched) problems(all []history, aliases Aliases) {
	for i := range all {
		h := &all[i]
		if h.person == "" && h.id.Here() {
			m.Problems = append(m.Problems, nameless(h))
		}
		if p, ok := h.changed(aliases); ok {
			m.Problems = append(m.Problems, p)
		}
	}
	for i := range m.Persons {
		m.ofPerson(&m.Persons[i])
	}
	slices.SortStableFunc(m.Problems, func(a, b Problem) int {
		return cmp.Or(slices.Index(Kinds, a.Kind)-slices.Index(Kinds, b.Kind), cmp.Compare(a.Person, b.Person),
			cmp.Compare(a.IDs[0].Source, b.IDs[0].Source), cmp.Compare(a.IDs[0].WorkerID, b.IDs[0].WorkerID))
	})
}

func nameless(h *history) Problem {
	detail := "has no address"
	if h.id.Email != "" {
		detail = fmt.Sprintf("has %q, which is no address", h.id.Email)
	}
	return Problem{Kind: NoAddress, Detail: detail, IDs: []ID{h.id}}
}

func (m *Matched) ofPerson(p *Person) {
	var here []string
	for _, source := range sourcesOf(p) {
		ids := p.In(source)
		active := slices.DeleteFunc(slices.Clone(ids), func(id ID) bool { return !id.Here() })
		switch {
		case len(active) > 1:
			m.Problems = append(m.Problems, Problem{Kind: Ambiguous, Person: p.Person, IDs: active, Detail: fmt.Sprintf("%d active ids in %s", len(active), source)})
			here = append(here, source)
		case len(active) == 1:
			here = append(here, source)
		case p.Active:
			word := "switched off"
			if ids[0].Retracted {
				word = "deleted"
			}
			m.Problems = append(m.Problems, Problem{Kind: Gone, Person: p.Person, IDs: ids, Detail: word + " in " + source})
		}
	}
	if len(here) == 1 && len(m.Sources) > 1 && len(sourcesOf(p)) == 1 {
		missing := slices.DeleteFunc(slices.Clone(m.Sources), func(s string) bool { return s == here[0] })
		m.Problems = append(m.Problems, Problem{
			Kind: Unmatched, Person: p.Person, Detail: fmt.Sprintf("only in %s, not in %s", here[0], strings.Join(missing, ", ")), IDs: p.IDs,
		})
	}
}

func sourcesOf(p *Person) (list []string) {
	for _, id := range p.IDs {
		if !slices.Contains(list, id.Source) {
			list = append(list, id.Source)
		}
	}
	return list
}

// changed says whether the id belonged to somebody else before: whom its newest record that names a person contradicts.
func (h *history) changed(aliases Aliases) (Problem, bool) {
	var now *Fact
	var person string
	for i := len(h.records) - 1; i >= 0; i-- {
		f := &h.records[i]
		if f.Retracted {
			continue
		}
		was := personOf(idOf(f), aliases)
		switch {
		case was == "":
		case now == nil:
			now, person = f, was
		case was != person:
			if f.Revision == now.Revision {
				return Problem{Kind: Changed, Person: person, Before: was, IDs: []ID{h.id}, Since: f.At, Until: f.At,
					Detail: fmt.Sprintf("belongs to %s too, by a record of the same revision: the source is to give revisions that grow", was)}, true
			}
			return Problem{
				Kind: Changed, Person: person, Before: was, IDs: []ID{h.id}, Since: f.At, Until: max(f.At, now.At),
				Detail: fmt.Sprintf("belonged to %s until a time between %s and %s", was, clock(f.At), clock(max(f.At, now.At))),
			}, true
		case was == person:
			now = f
		}
	}
	return Problem{}, false
}

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04 UTC") }

// Count is how many problems of a kind there are.
func (m *Matched) Count(k Kind) (n int) {
	for i := range m.Problems {
		if m.Problems[i].Kind == k {
			n++
		}
	}
	return n
}

// Search keeps what a text occurs in: persons by their names, addresses and ids, and problems likewise.
func (m *Matched) Search(text string) *Matched {
	text = Normal(text)
	if text == "" {
		return m
	}
	found := *m
	found.Persons = slices.DeleteFunc(slices.Clone(m.Persons), func(p Person) bool {
		return !contains(text, p.Person, p.Email, p.Name) && !slices.ContainsFunc(p.IDs, func(id ID) bool { return id.contains(text) })
	})
	found.Problems = slices.DeleteFunc(slices.Clone(m.Problems), func(p Problem) bool {
		return !contains(text, p.Person, p.Before, string(p.Kind)) && !slices.ContainsFunc(p.IDs, func(id ID) bool { return id.contains(text) })
	})
	return &found
}

func (i ID) contains(text string) bool {
	return contains(text, i.WorkerID, i.AgentID, i.Name, i.Email, i.Tag, i.Source)
}

func contains(text string, all ...string) bool {
	return slices.ContainsFunc(all, func(s string) bool { return strings.Contains(Normal(s), text) })
}
