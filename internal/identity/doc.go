// Package identity finds out which ids of which systems belong to one person. It is pure: the same facts give the same answer in any
// order, and read twice.
//
// # The rule
//
// An id belongs to the person that is declared for it, in this order: by an alias for the id itself ("source/worker id"), by the tag
// that the source gives, by the e-mail address. A tag or an address for which there is an alias stands for the alias's person.
// Texts are compared without regard to case and blanks around them. Nothing else is compared: no names, no likeness. So the person
// of an id follows from its own record and the aliases alone, and the view `workers` of the warehouse says the same.
//
// What the rule cannot decide is a Problem, with what to do about it; nothing is guessed.
//
// # Records
//
// Of the records of one id the greatest revision holds. Where a source deleted it, what it said last still tells whose it was: its
// intervals remain. The older records tell whether an id belonged to somebody else before. The log keeps at least the last record
// for every address and tag that an id has had, however old, so a change is never forgotten; only how often an id went back and
// forth is.
package identity
