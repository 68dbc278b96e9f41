package centre

import (
	"fmt"
	"strings"
)

// Person is someone who works at the centre.
type Person struct {
	First, Last, Name string
	Email             string // as the employer writes it, in lower case
	Aliases           []string
	Accounts          map[Vendor]*Account
}

// Account is a person's login at a vendor.
type Account struct {
	*Person
	Vendor Vendor
	ID     string // as in the vendor's reports and facts: Five9's user name, Gladly's slug, iService's contact id
	Number string // Five9's 15-digit id; else the same as ID
	Email  string // as the vendor has it: another spelling, an alias, the box of a team, or a private one
	Active bool
}

// People are all who work at the centre.
func (c *Centre) People() []*Person { return c.people }

// Accounts are a vendor's agents, in the order of simulator.Day.Agents, then accounts of people who are never at work.
func (c *Centre) Accounts(v Vendor) []*Account { return c.accounts[v] }

// The addresses that cannot be matched: two accounts of Five9 share the first, and only Gladly knows the second.
const (
	SharedEmail  = "evening.team@example.test"
	PrivateEmail = "jolly.otter@mail.test"
)

func (c *Centre) hire() {
	for _, v := range Vendors {
		size, ok := c.Sizes[v]
		if !ok {
			continue
		}
		for n := range size.Agents {
			c.join(v, c.someone(v, n))
		}
	}
	if a := c.accounts[Five9]; len(a) > 3 {
		a[2].Email, a[3].Email = SharedEmail, SharedEmail
	}
	if a := c.accounts[Gladly]; len(a) > 1 {
		a[1].Email = PrivateEmail
	}
	for _, v := range Vendors { // someone who has left, and whose account is still there
		if _, ok := c.Sizes[v]; ok {
			c.join(v, c.newcomer()).Active = false
		}
	}
}

// someone is the nth agent of a vendor: every fourth of Gladly's and iService's works at Five9 too.
func (c *Centre) someone(v Vendor, n int) *Person {
	if others := c.accounts[Five9]; v != Five9 && n%4 == 0 {
		if at := n + 4; at < len(others) && others[at].Accounts[v] == nil {
			return others[at].Person
		}
	}
	return c.newcomer()
}

func (c *Centre) newcomer() *Person {
	n := len(c.people)
	p := &Person{First: firsts[n%len(firsts)], Last: lasts[(n+n/len(firsts))%len(lasts)], Accounts: map[Vendor]*Account{}}
	p.Name = p.First + " " + p.Last
	local := strings.ToLower(p.First + "." + p.Last)
	if again := n / (len(firsts) * len(lasts)); again > 0 {
		local, p.Name = fmt.Sprintf("%s%d", local, again+1), fmt.Sprintf("%s %d", p.Name, again+1)
	}
	p.Email = local + "@example.test"
	p.Aliases = []string{strings.ToLower(p.First) + fmt.Sprint(n) + "@example.test"}
	c.people = append(c.people, p)
	return p
}

func (c *Centre) join(v Vendor, p *Person) *Account {
	n := len(c.accounts[v])
	a := &Account{Person: p, Vendor: v, Email: p.Email, Active: true}
	switch v {
	case Five9:
		a.ID = strings.ToLower(p.First[:1]+p.Last) + fmt.Sprint(n+10)
		a.Number = fmt.Sprintf("3%014d", 12_345+37*n)
	case Gladly:
		a.ID = c.Slug("agent", p.Email)
	default:
		a.ID = fmt.Sprint(5000 + 9*n)
	}
	if a.Number == "" {
		a.Number = a.ID
	}
	switch {
	case n%5 == 0:
		a.Email = strings.ToUpper(a.Email[:1]) + strings.Replace(a.Email[1:], "@example", "@Example", 1)
	case v != Five9 && n%8 == 4:
		a.Email = p.Aliases[0]
	}
	p.Accounts[v] = a
	c.accounts[v] = append(c.accounts[v], a)
	return a
}

var (
	firsts = []string{"Ada", "Boris", "Chidi", "Dana", "Elif", "Farid", "Greta", "Hana", "Ivo", "Jana", "Kofi", "Lea", "Mira", "Nils", "Olga", "Pavel", "Qing", "Rosa", "Sven", "Tara"}
	lasts  = []string{"Ortiz", "Brandt", "Costa", "Demir", "Egger", "Fuchs", "Gruber", "Horn", "Ibsen", "Jung", "Kaya", "Lund", "Meyer"}
)
