package script

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
)

// The fields that scripts name. Identities are written before the fields, and the source chooses rather than sets.
var (
	contactFields = fieldsOf(schemas.Contact{}, "source", "interaction_id", "segment")
	stateFields   = fieldsOf(schemas.AgentState{}, "source", "agent_id", "state_id")
	shiftFields   = fieldsOf(schemas.Shift{}, "source", "agent_id", "shift_id")
)

// defaultChannel is the channel of contacts and rows that name none.
const defaultChannel = "voice"

// contact reads `contact ID[/SEGMENT] FIELD=VALUE...`.
func (p *parser) contact(words []word) error {
	if len(words) == 0 || words[0].equals >= 0 {
		return errUsage
	}
	c := &schemas.Contact{Tenant: p.current.setting.Options.Tenant, Revision: 1, Channel: defaultChannel}
	absent(c, contactFields)
	c.InteractionID, c.Segment = words[0].identity()
	e := &event{what: "contact " + words[0].text, fact: contactFact, contact: c}
	source, err := p.fields(c, contactFields, words[1:])
	if err != nil {
		return err
	}
	if c.Source, err = p.writer(source, contactFact); err != nil {
		return err
	}
	p.say(e)
	return nil
}

// state reads `state AGENT[/ID] TIME[..TIME] STATE FIELD=VALUE...`.
func (p *parser) state(words []word) error {
	if len(words) < 3 || words[0].equals >= 0 {
		return errUsage
	}
	s := &schemas.AgentState{Tenant: p.current.setting.Options.Tenant, Revision: 1}
	absent(s, stateFields)
	s.AgentID, s.StateID = words[0].identity()
	from, to, spans := strings.Cut(words[1].text, "..")
	var err error
	if s.StartedAt, err = p.instant(from); err != nil {
		return err
	}
	if spans {
		if s.EndedAt, err = p.instant(to); err != nil {
			return err
		}
	}
	f, err := find(stateFields, "state")
	if err == nil {
		err = f.set(s, words[2].text, p.instant)
	}
	if err != nil {
		return err
	}
	source, err := p.fields(s, stateFields, words[3:])
	if err != nil {
		return err
	}
	if s.Source, err = p.writer(source, stateFact); err != nil {
		return err
	}
	p.say(&event{what: "state " + words[0].text, fact: stateFact, state: s})
	return nil
}

// shift reads `shift AGENT[/ID] TIME..TIME FIELD=VALUE...`.
func (p *parser) shift(words []word) error {
	if len(words) < 2 || words[0].equals >= 0 {
		return errUsage
	}
	s := &schemas.Shift{Tenant: p.current.setting.Options.Tenant, Revision: 1}
	s.AgentID, s.ShiftID = words[0].identity()
	from, to, ok := strings.Cut(words[1].text, "..")
	if !ok {
		return errUsage
	}
	var err error
	if s.StartsAt, err = p.instant(from); err == nil {
		s.EndsAt, err = p.instant(to)
	}
	if err != nil {
		return err
	}
	source, err := p.fields(s, shiftFields, words[2:])
	if err != nil {
		return err
	}
	if s.Source, err = p.writer(source, shiftFact); err != nil {
		return err
	}
	p.say(&event{what: "shift " + words[0].text, fact: shiftFact, shift: s})
	return nil
}

// fields puts FIELD=VALUE words into a record. The source is returned.
func (p *parser) fields(record any, list []field, words []word) (source string, err error) {
	for _, w := range words {
		key, value, ok := w.option()
		if !ok {
			return "", fmt.Errorf("%q is not FIELD=VALUE", w.text)
		}
		if key == "source" {
			source = value
			continue
		}
		f, err := find(list, key)
		if err != nil {
			return "", err
		}
		if err := f.set(record, value, p.instant); err != nil {
			return "", err
		}
	}
	return source, nil
}

// say notes a record as the newest of its identity, and adds it to the case.
func (p *parser) say(e *event) {
	list := p.said[e.what]
	i := slices.IndexFunc(list, func(other *event) bool { return other.source() == e.source() })
	if i < 0 {
		p.said[e.what] = append(list, e)
	} else {
		list[i] = e
	}
	p.add(e)
}

func (e *event) source() string {
	switch {
	case e.contact != nil:
		return e.contact.Source
	case e.state != nil:
		return e.state.Source
	case e.shift != nil:
		return e.shift.Source
	}
	return e.mark.Source
}

// correct reads `correct ID[/PART] FIELD=VALUE...`: the next revision of what was said, with other values in some fields.
func (p *parser) correct(words []word) error { return p.revise(words, false) }

// retract reads `retract ID[/PART]`: the source deleted the record.
func (p *parser) retract(words []word) error { return p.revise(words, true) }

func (p *parser) revise(words []word, retracted bool) error {
	if len(words) == 0 || words[0].equals >= 0 {
		return errUsage
	}
	source := ""
	for _, w := range words[1:] {
		if key, value, ok := w.option(); ok && key == "source" {
			source = value
		}
	}
	was, err := p.newest(words[0].text, source)
	if err != nil {
		return err
	}
	e := *was
	switch {
	case e.contact != nil:
		c := *was.contact
		e.contact, c.Revision, c.Retracted = &c, c.Revision+1, retracted
		_, err = p.fields(&c, contactFields, words[1:])
	case e.state != nil:
		s := *was.state
		e.state, s.Revision, s.Retracted = &s, s.Revision+1, retracted
		_, err = p.fields(&s, stateFields, words[1:])
	default:
		s := *was.shift
		e.shift, s.Revision, s.Retracted = &s, s.Revision+1, retracted
		_, err = p.fields(&s, shiftFields, words[1:])
	}
	if err == nil {
		p.say(&e)
	}
	return err
}

// newest finds what was said of an identity.
func (p *parser) newest(id, source string) (*event, error) {
	var found []*event
	for _, kind := range []string{"contact ", "state ", "shift "} {
		for _, e := range p.said[kind+id] {
			if source == "" || e.source() == source {
				found = append(found, e)
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		var known []string
		for _, what := range slices.Sorted(maps.Keys(p.said)) {
			_, id, _ := strings.Cut(what, " ")
			known = append(known, id)
		}
		if len(known) == 0 {
			return nil, fmt.Errorf("nothing was said of %q before", id)
		}
		return nil, fmt.Errorf("nothing was said of %q before%s", id, suggest(id, known))
	}
	return nil, fmt.Errorf("%q is a record of more than one source or kind: add source=%s, or give one of them another id", id, found[0].source())
}

// mark reads `mark [SOURCE] [contacts|states|shifts] TIME`.
func (p *parser) mark(words []word) error {
	if len(words) == 0 || len(words) > 3 {
		return errUsage
	}
	last := len(words) - 1
	through, err := p.instant(words[last].text)
	if err != nil {
		return err
	}
	m := &schemas.Mark{Tenant: p.current.setting.Options.Tenant, CompleteThrough: through}
	for i, w := range words[:last] {
		kind, ok := kindOf(w)
		switch {
		case ok && m.Fact == "":
			m.Fact = kind
		case i > 0:
			return fmt.Errorf("%q is no kind of fact%s", w.text, suggest(w.text, kindWords))
		default:
			if m.Source, err = p.marker(w.text); err != nil {
				return err
			}
		}
	}
	if m.Source != "" && m.Fact != "" {
		if _, err := p.writer(m.Source, m.Fact); err != nil {
			return err
		}
	}
	p.add(&event{what: "mark " + words[last].text, mark: m})
	return nil
}

// marker is a source that makes a promise.
func (p *parser) marker(name string) (string, error) {
	if s, ok := p.current.source(name); ok {
		return p.writer(name, s.Facts[0])
	}
	return p.writer(name, contactFact)
}
