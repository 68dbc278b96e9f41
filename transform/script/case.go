package script

import (
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// Setting is what cases run in: the options of a pipeline, or those that scripts on their own begin with.
type Setting struct {
	Options transform.Options
	Sources []Source // that there are; none: cases name their own
	Stages  Stages   // that facts pass before they are folded; nil for none
	Fixed   bool     // the options are a pipeline's: a case cannot set others
}

// Source is a source that intervals wait for, and the kinds of fact that it writes.
type Source struct {
	Name  string
	Facts []string
}

// Stages are the filter and set stages of a pipeline.
type Stages interface {
	Contact(*schemas.Contact) error
	AgentState(*schemas.AgentState) error
}

// Alone is the setting of scripts without a pipeline: what a pipeline file says by default, in UTC, with the late policy revise.
func Alone() Setting {
	return Setting{Options: transform.Options{
		Tenant: "acme", Pipeline: "script", Zone: time.UTC, Interval: transform.DefaultInterval, ClockSkew: 5 * time.Second,
		StageOptions: transform.StageOptions{
			Profile: transform.ProfileACD, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second, Late: transform.LateRevise,
		},
	}}
}

// Case is one case of a script: records, and what the tables say after them.
type Case struct {
	Name string
	At   spec.Position

	setting      Setting
	orderMatters bool
	steps        []step
}

// step is a record or an expectation.
type step struct {
	at     spec.Position
	event  *event
	expect expectation
}

// event is one record that a source writes.
type event struct {
	at      spec.Position
	what    string // "contact c1/1"
	fact    string // the kind of fact, which says whose shards it goes to
	arrived int64  // 0 unknown

	// One of these is set.
	contact *schemas.Contact
	state   *schemas.AgentState
	shift   *schemas.Shift
	mark    *schemas.Mark
}

// The kinds of fact. Shifts go to the shards of their agents' states.
const (
	contactFact = "contact"
	stateFact   = "agent_state"
	shiftFact   = "shift"
)

// kinds are all of them; usual are those that a source writes of which nothing else was said.
var (
	kinds = []string{contactFact, stateFact, shiftFact}
	usual = []string{contactFact, stateFact}
)

// defaultSource is what cases call the source that they do not name.
const defaultSource = "acd"

// source finds a source by name.
func (c *Case) source(name string) (Source, bool) {
	i := slices.IndexFunc(c.setting.Sources, func(s Source) bool { return s.Name == name })
	if i < 0 {
		return Source{}, false
	}
	return c.setting.Sources[i], true
}

// finish replaces marks that name no source or no kind of fact by marks of all: only now are all sources known.
func (c *Case) finish() {
	var steps []step
	for _, s := range c.steps {
		if s.event == nil || s.event.mark == nil {
			steps = append(steps, s)
			continue
		}
		for _, source := range c.setting.Sources {
			for _, fact := range source.Facts {
				if m := s.event.mark; m.Source != "" && m.Source != source.Name || m.Fact != "" && m.Fact != fact {
					continue
				}
				e := *s.event
				m := *e.mark
				m.Source, m.Fact = source.Name, fact
				e.mark, e.fact = &m, fact
				steps = append(steps, step{at: s.at, event: &e})
			}
		}
	}
	c.steps = steps
}
