package identity

import (
	"cmp"
	"slices"

	"github.com/quarterhour/quarterhour/schemas"
)

// Fact is a worker record with the time at which the log took it, milliseconds UTC. All facts of one Match are of one tenant.
type Fact struct {
	schemas.Worker
	At int64
}

// ID is what one system knows a person by.
type ID struct {
	Source    string `json:"source"`
	System    string `json:"system,omitempty"`
	WorkerID  string `json:"worker_id"`
	AgentID   string `json:"agent_id,omitempty"` // in the facts and the interval tables
	Name      string `json:"name,omitempty"`
	Email     string `json:"email,omitempty"`
	Tag       string `json:"tag,omitempty"`
	Active    bool   `json:"active"`
	Retracted bool   `json:"retracted,omitempty"` // the source deleted it
}

// Here says whether the person can work under the id now.
func (i ID) Here() bool { return i.Active && !i.Retracted }

// Person is all ids that belong to one person.
type Person struct {
	Person    string `json:"person"` // address or tag
	Email     string `json:"email,omitempty"`
	Name      string `json:"name,omitempty"`
	Active    bool   `json:"active"`              // in at least one source
	Ambiguous bool   `json:"ambiguous,omitempty"` // in at least one source two ids are active
	IDs       []ID   `json:"ids"`                 // by source, the active before the others
}

// In lists the ids of one source.
func (p *Person) In(source string) (ids []ID) {
	for _, id := range p.IDs {
		if id.Source == source {
			ids = append(ids, id)
		}
	}
	return ids
}

// Matched is who is who in one tenant.
type Matched struct {
	Tenant   string    `json:"tenant"`
	Sources  []string  `json:"sources"` // those that list users
	Persons  []Person  `json:"persons"`
	Problems []Problem `json:"problems"`
}

// history is all that is known of one id, the newest record last.
type history struct {
	id      ID
	person  string // "" where nobody is declared
	records []Fact
}

// Match puts ids together.
func Match(tenant string, facts []Fact, aliases Aliases) *Matched {
	m := &Matched{Tenant: tenant, Sources: []string{}, Persons: []Person{}, Problems: []Problem{}}
	all := histories(facts)
	by := map[string][]ID{}
	for i := range all {
		h := &all[i]
		h.id = h.newest()
		h.person = personOf(h.id, aliases)
		if !slices.Contains(m.Sources, h.id.Source) {
			m.Sources = append(m.Sources, h.id.Source)
		}
		if h.person != "" {
			by[h.person] = append(by[h.person], h.id)
		}
	}
	slices.Sort(m.Sources)
	for person, ids := range by {
		m.Persons = append(m.Persons, newPerson(person, ids))
	}
	slices.SortFunc(m.Persons, func(a, b Person) int { return cmp.Compare(a.Person, b.Person) })
	m.problems(all, aliases)
	return m
}

// personOf is the rule: who an id belongs to by its own record, "" where it does not say.
func personOf(id ID, aliases Aliases) string {
	if p, ok := aliases[Normal(id.Source+"/"+id.WorkerID)]; ok {
		return p
	}
	if id.Tag != "" {
		return aliases.person(id.Tag)
	}
	if isAddress(id.Email) {
		return aliases.person(id.Email)
	}
	return ""
}

// histories sorts the records of each id by revision, the newest last. Records that are there twice, as after a replay, count once.
func histories(facts []Fact) []history {
	type key struct{ source, id string }
	by := map[key]*history{}
	for _, f := range facts {
		f.Email, f.Tag = Normal(f.Email), Normal(f.Tag)
		k := key{f.Source, f.WorkerID}
		if by[k] == nil {
			by[k] = &history{}
		}
		by[k].records = append(by[k].records, f)
	}
	all := make([]history, 0, len(by))
	for _, h := range by {
		slices.SortFunc(h.records, compare)
		h.records = slices.CompactFunc(h.records, func(x, y Fact) bool { return x.Worker == y.Worker })
		all = append(all, *h)
	}
	slices.SortFunc(all, func(x, y history) int {
		a, b := &x.records[0], &y.records[0]
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.WorkerID, b.WorkerID))
	})
	return all
}

// compare orders the records of one id: by revision, then by content, field by field in the schema's order.
func compare(x, y Fact) int {
	return cmp.Or(cmp.Compare(x.Revision, y.Revision), number(x.Retracted)-number(y.Retracted), cmp.Compare(x.Email, y.Email), cmp.Compare(x.Tag, y.Tag),
		cmp.Compare(x.Name, y.Name), cmp.Compare(x.System, y.System), cmp.Compare(x.AgentID, y.AgentID), number(x.Active)-number(y.Active), cmp.Compare(x.At, y.At))
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// newest is the id as it is now; where it is deleted, as it was last.
func (h *history) newest() ID {
	last := &h.records[len(h.records)-1]
	said := last
	for i := len(h.records) - 1; i >= 0 && said.Retracted; i-- {
		said = &h.records[i]
	}
	id := idOf(said)
	id.Retracted = last.Retracted
	id.Active = said.Active && !last.Retracted
	return id
}

func idOf(f *Fact) ID {
	return ID{Source: f.Source, System: f.System, WorkerID: f.WorkerID, AgentID: f.AgentID, Name: f.Name, Email: f.Email, Tag: f.Tag, Active: f.Active}
}

func newPerson(person string, ids []ID) Person {
	slices.SortFunc(ids, func(a, b ID) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), rank(a)-rank(b), cmp.Compare(a.WorkerID, b.WorkerID))
	})
	p := Person{Person: person, IDs: ids}
	if isAddress(person) {
		p.Email = person
	}
	for i, id := range ids {
		p.Active = p.Active || id.Here()
		p.Ambiguous = p.Ambiguous || i > 0 && id.Here() && ids[i-1].Here() && ids[i-1].Source == id.Source
	}
	for _, active := range []bool{true, false} { // what a live id says goes before what a dead one said
		for _, id := range ids {
			if id.Here() == active {
				p.Email, p.Name = cmp.Or(p.Email, id.Email), cmp.Or(p.Name, id.Name)
			}
		}
	}
	return p
}

// rank puts the active ids first and the deleted ones last.
func rank(id ID) int {
	switch {
	case id.Retracted:
		return 2
	case id.Active:
		return 0
	}
	return 1
}
