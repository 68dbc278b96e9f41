package transform

import "strings"

// symbol is an interned id: what row keys are made of.
type symbol struct {
	text string
	refs int32 // names that use it
}

// name is an id together with the name that facts gave it, as (queue_id, queue_name). Several facts may name one id differently.
type name struct {
	id   uint32 // symbol
	refs int32  // records and rows that use it
	text string

	level, short int64 // of a queue: service level and short abandon, milliseconds
}

type nameKey struct {
	id   uint32
	text string
}

// names interns ids with their names, and forgets those that nothing uses.
type names struct {
	ids   table[symbol, string]
	pairs table[name, nameKey]
	limit func(id string) (level, short int64)
}

func newNames(limit func(id string) (level, short int64)) *names {
	n := &names{limit: limit}
	n.ids.hash = func(s string) uint64 { return digest{}.add(s)[0] }
	n.ids.key = func(s *symbol) string { return s.text }
	n.pairs.hash = func(k nameKey) uint64 { return digest{uint64(k.id)}.add(k.text)[0] }
	n.pairs.key = func(p *name) nameKey { return nameKey{p.id, p.text} }
	return n
}

// find returns the pair's number, or 0 where nothing uses it.
func (n *names) find(id, text string) uint32 {
	sym := n.ids.find(id)
	if sym == 0 {
		return 0
	}
	return n.pairs.find(nameKey{sym, text})
}

// use returns the pair's number and counts one more use of it. The strings are copied where they are new.
func (n *names) use(id, text string) uint32 {
	sym := n.ids.find(id)
	if sym == 0 {
		sym = n.ids.add()
		n.ids.at(sym).text = strings.Clone(id)
		n.ids.enter(sym)
	}
	pair := n.pairs.find(nameKey{sym, text})
	if pair == 0 {
		pair = n.pairs.add()
		p := n.pairs.at(pair)
		p.id, p.text = sym, strings.Clone(text)
		p.level, p.short = n.limit(id)
		n.pairs.enter(pair)
		n.ids.at(sym).refs++
	}
	n.pairs.at(pair).refs++
	return pair
}

func (n *names) retain(pair uint32) { n.pairs.at(pair).refs++ }

func (n *names) release(pair uint32) {
	p := n.pairs.at(pair)
	if p.refs--; p.refs > 0 {
		return
	}
	sym := p.id
	n.pairs.remove(pair)
	if s := n.ids.at(sym); s.refs > 1 {
		s.refs--
	} else {
		n.ids.remove(sym)
	}
}

func (n *names) sym(pair uint32) uint32  { return n.pairs.at(pair).id }
func (n *names) id(pair uint32) string   { return n.ids.at(n.pairs.at(pair).id).text }
func (n *names) text(pair uint32) string { return n.pairs.at(pair).text }

// words interns the few words that name channels, reasons and the like. They are never forgotten.
type words struct {
	numbers map[string]uint16
	texts   []string
}

// maxWords bounds a field that should hold few different words; beyond it facts are rejected.
const maxWords = 1 << 16

func (w *words) number(s string) (uint16, bool) {
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
