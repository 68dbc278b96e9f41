package transform

import (
	"hash/maphash"
	"strings"
)

// symbol is an interned id: what row keys are made of.
type symbol struct {
	text string
	refs int32 // names that use it
}

// name is an id together with the name that facts gave it, as (queue_id, queue_name). Several facts may name one id differently.
type name struct {
	nameKey
	sym  uint32 // of the id
	refs int32  // records and rows that use it

	level, short int64 // of a queue: service level and short abandon, milliseconds
}

type nameKey struct{ id, text string }

// names interns ids with their names, and forgets those that nothing uses.
type names struct {
	ids   table[symbol, string]
	pairs table[name, nameKey]
	limit func(id string) (level, short int64)
}

func newNames(limit func(id string) (level, short int64)) *names {
	n, seed := &names{limit: limit}, maphash.MakeSeed() // the seed decides where in memory a name lies, and nothing else
	n.ids.hash = func(s string) uint64 { return maphash.String(seed, s) }
	n.ids.key = func(s *symbol) string { return s.text }
	n.pairs.hash = func(k nameKey) uint64 { return maphash.String(seed, k.id)*mixA ^ maphash.String(seed, k.text) }
	n.pairs.key = func(p *name) nameKey { return p.nameKey }
	return n
}

// use returns the pair's number and counts one more use of it. The strings are copied where they are new.
func (n *names) use(id, text string) uint32 {
	pair := n.pairs.find(nameKey{id, text})
	if pair == 0 {
		pair = n.enter(id, text)
	}
	n.pairs.at(pair).refs++
	return pair
}

func (n *names) enter(id, text string) uint32 {
	sym := n.ids.find(id)
	if sym == 0 {
		sym = n.ids.add()
		n.ids.at(sym).text = strings.Clone(id)
		n.ids.enter(sym)
	}
	n.ids.at(sym).refs++
	pair := n.pairs.add()
	p := n.pairs.at(pair)
	p.nameKey, p.sym = nameKey{n.ids.at(sym).text, strings.Clone(text)}, sym
	p.level, p.short = n.limit(p.id)
	n.pairs.enter(pair)
	return pair
}

func (n *names) retain(pair uint32) { n.pairs.at(pair).refs++ }

func (n *names) release(pair uint32) {
	p := n.pairs.at(pair)
	if p.refs--; p.refs > 0 {
		return
	}
	sym := p.sym
	n.pairs.remove(pair)
	if s := n.ids.at(sym); s.refs > 1 {
		s.refs--
	} else {
		n.ids.remove(sym)
	}
}

func (n *names) sym(pair uint32) uint32  { return n.pairs.at(pair).sym }
func (n *names) id(pair uint32) string   { return n.pairs.at(pair).id }
func (n *names) text(pair uint32) string { return n.pairs.at(pair).text }

// words interns the few words that name channels, reasons and the like. They are never forgotten.
type words struct {
	numbers map[string]uint16
	texts   []string
}

const (
	maxWords = 1 << 16 // bounds a field that should hold few different words; beyond it facts are rejected
	fewWords = 6       // as many are found faster by comparing than by a map
)

func (w *words) number(s string) (uint16, bool) {
	for i := range min(len(w.texts), fewWords) {
		if w.texts[i] == s {
			return uint16(i), true
		}
	}
	n, ok := w.numbers[s]
	if ok || len(w.texts) == maxWords {
		return n, ok
	}
	if w.numbers == nil {
		w.numbers = map[string]uint16{}
	}
	s = strings.Clone(s)
	n = uint16(len(w.texts))
	w.numbers[s], w.texts = n, append(w.texts, s)
	return n, true
}
