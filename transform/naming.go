package transform

import "slices"

// A row is named by the greatest name that its facts give, so that the order in which they came does not matter. Nearly always
// they agree, and the row holds their one pair; where they differ the row holds 0 and the pairs are counted here.
type namings struct {
	names *names
	mixed map[rowName][]naming
}

// rowName is one name of one row.
type rowName struct {
	of  uint8 // the row's kind and which of its names
	row uint32
}

const (
	nameOfQueue      uint8 = iota
	nameOfAgentQueue       // the queue's name in an agent-queue row
	nameOfAgent            // the agent's
)

type naming struct {
	pair  uint32
	facts int32
}

// count notes that a fact names the row (by 1), or no longer does (by -1); facts is how many did before. It returns what the
// row holds from now on in place of have.
func (s *namings) count(k rowName, have uint32, facts int32, pair uint32, by int32) uint32 {
	switch {
	case have == pair:
		return have
	case have != 0 && facts == 0:
		s.names.retain(pair)
		s.names.release(have)
		return pair
	case have != 0:
		s.names.retain(pair)
		if s.mixed == nil {
			s.mixed = map[rowName][]naming{}
		}
		s.mixed[k] = []naming{{have, facts}, {pair, by}}
		return 0
	}
	list := s.mixed[k]
	i := slices.IndexFunc(list, func(n naming) bool { return n.pair == pair })
	if i < 0 {
		s.names.retain(pair)
		s.mixed[k] = append(list, naming{pair, by})
		return 0
	}
	if list[i].facts += by; list[i].facts > 0 {
		return 0
	}
	s.names.release(pair)
	list = slices.Delete(list, i, i+1)
	if len(list) == 1 {
		delete(s.mixed, k)
		return list[0].pair
	}
	s.mixed[k] = list
	return 0
}

// text is the name of the row.
func (s *namings) text(k rowName, have uint32) string {
	if have != 0 {
		return s.names.text(have)
	}
	greatest := ""
	for _, n := range s.mixed[k] {
		greatest = max(greatest, s.names.text(n.pair))
	}
	return greatest
}

// forget releases what a row that is freed holds.
func (s *namings) forget(k rowName, have uint32) {
	if have != 0 {
		s.names.release(have)
		return
	}
	for _, n := range s.mixed[k] {
		s.names.release(n.pair)
	}
	delete(s.mixed, k)
}
