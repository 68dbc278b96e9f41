package transform

import (
	"fmt"
	"slices"
	"strings"
)

// Rule says which instant, or which span, of a fact assigns a measure to intervals.
type Rule uint8

// The rules. The first five are instants of a contact.
const (
	AtOffered Rule = iota
	AtAnswered
	AtEnded
	AtWrapEnded
	AtLeft // answered, or ended where never answered: when waiting ended
	Split  // over the span in which it happened, exactly
	AtEnd  // at the interval's own end
)

var ruleNames = []string{"offered_at", "answered_at", "ended_at", "wrap_ended_at", "left_at", "split", "interval_end"}

// String is the rule's name in the pipeline file.
func (r Rule) String() string { return ruleNames[r] }

// counted are the measures of contacts that a cell has, each with a rule of its own.
type counted uint8

const (
	offered counted = iota
	answered
	abandoned
	shortAbandoned
	answeredInSL
	abandonedInSL
	transferredOut
	overflowed
	waitMs
	abandonWaitMs
	maxWaitMs
	talkMs
	holdMs
	wrapMs
	completed
	directOut
	numCounted
)

// rules are the attribution in force, by measure.
type rules [numCounted]Rule

// countedNames maps names in the pipeline file to measures; contact_ms and handle_ms set their parts.
var countedNames = map[string][]counted{
	"offered": {offered}, "answered": {answered}, "abandoned": {abandoned}, "short_abandoned": {shortAbandoned},
	"answered_in_sl": {answeredInSL}, "abandoned_in_sl": {abandonedInSL}, "transferred_out": {transferredOut}, "overflowed": {overflowed},
	"wait_ms": {waitMs}, "abandon_wait_ms": {abandonWaitMs}, "max_wait_ms": {maxWaitMs},
	"talk_ms": {talkMs}, "hold_ms": {holdMs}, "wrap_ms": {wrapMs}, "completed": {completed}, "direct_out": {directOut},
	"contact_ms": {talkMs, holdMs}, "handle_ms": {talkMs, holdMs, wrapMs},
}

func rulesOf(attribution map[string]string) (rules, error) {
	var r rules
	for _, m := range Measures() {
		for _, c := range countedNames[m.Name] {
			if len(countedNames[m.Name]) == 1 {
				r[c] = m.Rule
			}
		}
	}
	set := map[counted]string{}
	for _, name := range sortedKeys(attribution) {
		if err := checkRule(name, attribution[name]); err != nil {
			return r, fmt.Errorf("intervals: attribution.%s %w", name, err)
		}
		rule := Rule(slices.Index(ruleNames, attribution[name]))
		for _, c := range countedNames[name] {
			if other, twice := set[c]; twice && r[c] != rule {
				return r, fmt.Errorf("intervals: attribution.%s is %q and attribution.%s is %q, and one is part of the other: remove one of them", name, rule, other, r[c])
			}
			r[c], set[c] = rule, name
		}
	}
	return r, nil
}

// checkRule says what is wrong with an entry of the attribution option.
func checkRule(measure, rule string) error {
	for _, m := range Measures() {
		if m.Name != measure || len(m.Rules) == 0 {
			continue
		}
		var allowed []string
		for _, r := range m.Rules {
			if r.String() == rule {
				return nil
			}
			allowed = append(allowed, r.String())
		}
		return fmt.Errorf("is %q: %s can be counted by %s", rule, measure, strings.Join(allowed, ", "))
	}
	return fmt.Errorf("names no measure whose attribution can be set: `quarterhour list measures` shows them")
}
