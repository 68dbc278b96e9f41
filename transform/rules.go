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
	ToEnd  // from its first instant in the interval to the interval's end, whatever came between
)

var ruleNames = []string{"offered_at", "answered_at", "ended_at", "wrap_ended_at", "left_at", "split", "interval_end", "to_interval_end"}

// String is the rule's name in the pipeline file.
func (r Rule) String() string { return ruleNames[r] }

// counted are the measures that have a rule of their own. Those before waitMs are the counts of a queue row.
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
	agentAnswered // answered, in the rows of agents
	loginMs
	numCounted
)

// rules are the attribution in force, by measure.
type rules [numCounted]Rule

// rulesOf are the rules of a profile, with those that the attribution option sets instead. An entry of the option is about a
// measure in all rows that have it, or in one where rows differ, as agent_queue.answered; contact_ms and handle_ms set their parts.
func rulesOf(profile string, attribution map[string]string) (rules, error) {
	var r rules
	for _, m := range MeasuresOf(profile) {
		if len(m.parts) == 1 {
			r[m.parts[0]] = m.Rule
		}
	}
	set := map[counted]string{}
	for _, name := range sortedKeys(attribution) {
		if err := checkRule(name, attribution[name]); err != nil {
			return r, fmt.Errorf("intervals: attribution.%s %w", name, err)
		}
		rule := Rule(slices.Index(ruleNames, attribution[name]))
		for _, m := range settable(name) {
			for _, c := range m.parts {
				if other, twice := set[c]; twice && r[c] != rule {
					return r, fmt.Errorf("intervals: attribution.%s is %q and attribution.%s is %q, and one is part of the other: remove one of them", name, rule, other, r[c])
				}
				r[c], set[c] = rule, name
			}
		}
	}
	return r, nil
}

// settable are the entries of the catalogue that an entry of the attribution option is about.
func settable(name string) (all []Measure) {
	row, measure, qualified := strings.Cut(name, ".")
	if !qualified {
		row, measure = "", name
	}
	for _, m := range catalogue() {
		if m.Name == measure && len(m.Rules) > 0 && (row == "" || len(m.Rows) == 1 && m.Rows[0] == row) {
			all = append(all, m)
		}
	}
	return all
}

// checkRule says what is wrong with an entry of the attribution option.
func checkRule(name, rule string) error {
	all := settable(name)
	if len(all) == 0 {
		return fmt.Errorf("names no measure whose attribution can be set: `quarterhour list measures` shows them")
	}
	for _, m := range all {
		var allowed []string
		for _, r := range m.Rules {
			allowed = append(allowed, r.String())
		}
		if !slices.Contains(allowed, rule) {
			return fmt.Errorf("is %q: %s can be counted by %s", rule, name, strings.Join(allowed, ", "))
		}
	}
	return nil
}
