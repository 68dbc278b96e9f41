package identity

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/schemas"
)

// worker is a record from "source/id email name", with words after that: off, deleted, tag=…, r=revision, at=time.
func worker(t testing.TB, text string) Fact {
	t.Helper()
	words := strings.Fields(text)
	source, id, _ := strings.Cut(words[0], "/")
	f := Fact{Worker: schemas.Worker{Source: source, WorkerID: id, AgentID: "a" + id, Active: true}}
	for _, w := range words[1:] {
		name, value, ok := strings.Cut(w, "=")
		switch {
		case w == "off":
			f.Active = false
		case w == "deleted":
			f.Retracted, f.Active, f.AgentID = true, false, ""
		case ok && name == "tag":
			f.Tag = value
		case ok && name == "r":
			_, _ = fmt.Sscan(value, &f.Revision)
			f.At = f.Revision * 60_000
		case strings.Contains(w, "@") || w == "n/a":
			f.Email = w
		default:
			f.Name = w
		}
	}
	return f
}

// told is what Match found, as lines: "person: source/id source/(id)" and "kind: person: detail".
func told(m *Matched) (lines []string) {
	for _, p := range m.Persons {
		line := p.Person + ":"
		for _, id := range p.IDs {
			word := id.Source + "/" + id.WorkerID
			if !id.Here() {
				word = "(" + word + ")"
			}
			line += " " + word
		}
		if p.Ambiguous {
			line += " ?"
		}
		lines = append(lines, line)
	}
	for _, p := range m.Problems {
		lines = append(lines, fmt.Sprintf("%s: %s: %s %s", p.Kind, p.Person, p.IDs[0].WorkerID, p.Detail))
	}
	return lines
}

func TestMatch(t *testing.T) {
	f := func(facts string, aliases map[string][]string, want ...string) {
		t.Helper()
		var all []Fact
		for line := range strings.SplitSeq(facts, ";") {
			all = append(all, worker(t, line))
		}
		if diff := cmp.Diff(want, told(Match("acme", all, Of(Settings{aliases})))); diff != "" {
			t.Errorf("%s\n%s", facts, diff)
		}
	}
	f("five9/1 jane@x.com; gladly/g1 Jane@X.com", nil, "jane@x.com: five9/1 gladly/g1")
	// Names say nothing.
	f("five9/1 jane@x.com Jane; gladly/g1 j.doe@x.com Jane", nil,
		"j.doe@x.com: gladly/g1", "jane@x.com: five9/1",
		"unmatched: j.doe@x.com: g1 only in gladly, not in five9", "unmatched: jane@x.com: 1 only in five9, not in gladly")
	f("five9/1 jane@x.com; gladly/g1 j.doe@x.com", map[string][]string{"Jane@x.com": {"J.Doe@x.com"}}, "jane@x.com: five9/1 gladly/g1")
	// One source has nothing to be matched with.
	f("five9/1 jane@x.com; five9/2 joe@x.com", nil, "jane@x.com: five9/1", "joe@x.com: five9/2")
	// A tag is taken instead of the address.
	f("five9/1 team@x.com tag=17; five9/2 team@x.com tag=18; gladly/g1 jane@x.com", map[string][]string{"jane@x.com": {"17"}, "joe@x.com": {"18"}},
		"jane@x.com: five9/1 gladly/g1", "joe@x.com: five9/2", "unmatched: joe@x.com: 2 only in five9, not in gladly")
	// Two active ids of one source: which one is meant is not known.
	f("five9/1 team@x.com; five9/2 team@x.com; gladly/g1 team@x.com", nil, "team@x.com: five9/1 five9/2 gladly/g1 ?", "ambiguous: team@x.com: 1 2 active ids in five9")
	f("five9/1 team@x.com; five9/2 team@x.com", map[string][]string{"joe@x.com": {"five9/2"}}, "joe@x.com: five9/2", "team@x.com: five9/1")
	// One of two is switched off: the other is meant.
	f("five9/1 jane@x.com off; five9/2 jane@x.com; gladly/g1 jane@x.com", nil, "jane@x.com: five9/2 (five9/1) gladly/g1")
	// Without an address an id belongs to nobody, and "n/a" is none.
	f("five9/1; gladly/1; gladly/g1 n/a", nil, "no address: : 1 has no address", "no address: : 1 has no address", `no address: : g1 has "n/a", which is no address`)
	f("five9/1 off; gladly/g1 jane@x.com", nil, "jane@x.com: gladly/g1", "unmatched: jane@x.com: g1 only in gladly, not in five9")
	f("five9/1; gladly/g1 jane@x.com", map[string][]string{"jane@x.com": {"five9/1"}}, "jane@x.com: five9/1 gladly/g1")
	// Who left in one system and not in the other; who left everywhere is no problem.
	f("five9/1 jane@x.com off; gladly/g1 jane@x.com", nil, "jane@x.com: (five9/1) gladly/g1", "gone: jane@x.com: 1 switched off in five9")
	f("five9/1 jane@x.com r=1; five9/1 deleted r=2; gladly/g1 jane@x.com", nil, "jane@x.com: (five9/1) gladly/g1", "gone: jane@x.com: 1 deleted in five9")
	f("five9/1 jane@x.com off; gladly/g1 jane@x.com off", nil, "jane@x.com: (five9/1) (gladly/g1)")
	// The greatest revision holds, and an older one says who it was before.
	f("five9/1 joe@x.com r=2; five9/1 jane@x.com r=1", nil, "joe@x.com: five9/1",
		"changed: joe@x.com: 1 belonged to jane@x.com until a time between 1970-01-01 00:01 UTC and 1970-01-01 00:02 UTC")
	f("five9/1 joe@x.com r=3; five9/1 jane@x.com r=1", map[string][]string{"joe@x.com": {"jane@x.com"}}, "joe@x.com: five9/1")
	f("five9/1 jane@x.com r=1; five9/1 r=2", nil, "no address: : 1 has no address")
	f("five9/1 jane@x.com r=1; five9/1 deleted r=2; five9/1 joe@x.com r=3", nil, "joe@x.com: five9/1",
		"changed: joe@x.com: 1 belonged to jane@x.com until a time between 1970-01-01 00:01 UTC and 1970-01-01 00:03 UTC")
	f("five9/1 jane@x.com; five9/1 joe@x.com", nil, "joe@x.com: five9/1",
		"changed: joe@x.com: 1 belongs to jane@x.com too, by a record of the same revision: the source is to give revisions that grow")
}

func TestPersonIsDescribedByItsLiveIDs(t *testing.T) {
	m := Match("acme", []Fact{worker(t, "a/1 tag=17 old@x.com Old off"), worker(t, "b/2 tag=17 jane@x.com Jane")}, nil)
	if p := m.Persons[0]; p.Person != "17" || p.Email != "jane@x.com" || p.Name != "Jane" || !p.Active {
		t.Errorf("%+v", p)
	}
}

func TestSearch(t *testing.T) {
	m := Match("acme", []Fact{worker(t, "five9/1 jane@x.com Jane"), worker(t, "five9/2 joe@x.com Joe"), worker(t, "gladly/g9 joe@x.com"), worker(t, "gladly/g7")}, nil)
	f := func(text string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, told(m.Search(text))); diff != "" {
			t.Errorf("%q\n%s", text, diff)
		}
	}
	f("JANE", "jane@x.com: five9/1", "unmatched: jane@x.com: 1 only in five9, not in gladly")
	f("g9", "joe@x.com: five9/2 gladly/g9")
	f("g7", "no address: : g7 has no address")
	f("nobody")
}

func TestSettings(t *testing.T) {
	f := func(aliases map[string][]string, want ...string) {
		t.Helper()
		var got []string
		s := Settings{aliases}
		s.Validate("identity.", func(path, message string) { got = append(got, path+" "+message) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v\n%s", aliases, diff)
		}
	}
	f(nil)
	f(map[string][]string{"a@x": {"b@x", "B@X", "a@x", "five9/1"}})
	f(map[string][]string{"a@x": {""}}, "identity.aliases.a@x has an empty alias: leave it out")
	f(map[string][]string{" ": {"b@x"}}, "identity.aliases.  has no name: write the person's address")
	f(map[string][]string{"A@x": {"c@x"}, "a@x": {"b@x"}}, `identity.aliases.a@x is there twice, as "A@x" too: put both lists into one`)
	f(map[string][]string{"a@x": {"c@x"}, "b@x": {"C@x"}}, `identity.aliases.b@x has the alias "C@x", which is one of "a@x" already: one of them is wrong`)
	f(map[string][]string{"a@x": {"b@x"}, "b@x": {"c@x"}}, `identity.aliases.a@x has the alias "b@x", which is a person with aliases: put both lists into one`)
}

func TestJoin(t *testing.T) {
	one, two := Settings{map[string][]string{"a@x": {"b@x"}}}, Settings{map[string][]string{"A@x": {"c@x", "b@x"}}}
	got, err := Join(one, two)
	if diff := cmp.Diff(Aliases{"b@x": "a@x", "c@x": "a@x"}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := Join(one, Settings{map[string][]string{"z@x": {"b@x"}}}); err == nil || !strings.Contains(err.Error(), "contradict each other") {
		t.Errorf("got %v", err)
	}
}

// drawFacts draws few ids with few addresses, so that everything meets.
func drawFacts(t *rapid.T) []Fact {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Fact {
		r := rapid.Int64Range(0, 4).Draw(t, "revision")
		w := schemas.Worker{
			Source: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "source"), WorkerID: rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "id"),
			Revision: r, Retracted: rapid.IntRange(0, 4).Draw(t, "retracted") == 0, Active: rapid.Bool().Draw(t, "active"),
			Email: rapid.SampledFrom([]string{"", "p@x", "P@X", "q@x", "r@x", "n/a"}).Draw(t, "email"),
			Tag:   rapid.SampledFrom([]string{"", "", "", "17", "q@x"}).Draw(t, "tag"), Name: rapid.SampledFrom([]string{"", "N", "M"}).Draw(t, "name"),
		}
		return Fact{Worker: w, At: r * 1000}
	}), 0, 25).Draw(t, "facts")
}

// TestMatchInAnyOrder: order and repetition of the facts change nothing, each id is somebody's at most, and what is wrong is listed.
func TestMatchInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := drawFacts(t)
		aliases := Of(Settings{map[string][]string{"p@x": {"17"}, "s@x": {"r@x", "c/3"}}})
		want := Match("acme", facts, aliases)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		again := append(append([]Fact{}, facts...), facts[:len(facts)/2]...)
		r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		if diff := cmp.Diff(want, Match("acme", again, aliases)); diff != "" {
			t.Fatal(diff)
		}

		seen := map[string]bool{}
		listed := map[string]bool{}
		for _, p := range want.Problems {
			for _, id := range p.IDs {
				listed[string(p.Kind)+id.Source+"/"+id.WorkerID] = true
			}
		}
		for _, p := range want.Persons {
			active := map[string]int{}
			for _, id := range p.IDs {
				name := id.Source + "/" + id.WorkerID
				if seen[name] {
					t.Fatalf("%s belongs to two persons", name)
				}
				if seen[name] = true; personOf(id, aliases) != p.Person {
					t.Fatalf("%s says it belongs to %q, not to %q", name, personOf(id, aliases), p.Person)
				}
				if id.Here() {
					active[id.Source]++
				}
			}
			for _, id := range p.IDs {
				if many := active[id.Source] > 1 && id.Here(); many != listed[string(Ambiguous)+id.Source+"/"+id.WorkerID] {
					t.Fatalf("%s/%s: %d active ids, and listed as ambiguous: %t", id.Source, id.WorkerID, active[id.Source], !many)
				}
			}
		}
		for _, f := range facts {
			if name := f.Source + "/" + f.WorkerID; !seen[name] && !listed[string(NoAddress)+name] {
				for _, h := range histories(facts) {
					if h.newest().Source+"/"+h.newest().WorkerID == name && h.newest().Here() {
						t.Fatalf("%s is active, belongs to nobody, and is not listed", name)
					}
				}
			}
		}
	})
}
