package runtime

import (
	"errors"
	"fmt"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/schemas"
)

// FactMessage is one message of a fact topic, after the pipeline's filter and set stages. One of Contact, State, Shift and Mark is
// set, or Reason says why the message is none of them. All of it is only valid during the call.
type FactMessage struct {
	Offset  int64
	Arrived int64 // milliseconds since 1970
	Key     []byte
	Contact *schemas.Contact
	State   *schemas.AgentState
	Shift   *schemas.Shift
	Mark    *schemas.Mark

	Reason, Detail string // undecodable, or expression: a stage failed on it
	Fact           string // the kind of fact that a stage failed on
}

// factDecoding is the memory that messages are decoded into. Runs and those who read the log again share it: both must see the same.
type factDecoding struct {
	p       *pipeline
	reader  *reader
	message FactMessage
	contact schemas.Contact
	state   schemas.AgentState
	shift   schemas.Shift
	mark    schemas.Mark
}

// decode takes a message apart and applies the filter and set stages, which are about contacts and states. What is wrong with
// the message is in it; the error is about the registry, and the message is to be read again.
func (d *factDecoding) decode(r *broker.Record) (*FactMessage, error) {
	m := &d.message
	*m = FactMessage{Offset: r.Offset, Arrived: r.Time.UnixMilli(), Key: r.Key}
	e, payload, err := d.reader.open(r.Value)
	if errors.Is(err, errAway) {
		return nil, err
	}
	failed := "" // the kind of fact that a stage failed on
	if err == nil {
		switch e.kind {
		case contactKind:
			m.Contact = &d.contact
			if err = decode(e, payload, &d.contact); err == nil {
				err, failed = d.p.stages.Contact(&d.contact), contactTopic
			}
		case agentStateKind:
			m.State = &d.state
			if err = decode(e, payload, &d.state); err == nil {
				err, failed = d.p.stages.AgentState(&d.state), agentStateTopic
			}
		case shiftKind:
			m.Shift = &d.shift
			err = decode(e, payload, &d.shift)
		case markKind:
			m.Mark = &d.mark
			err = decode(e, payload, &d.mark)
		default:
			err = fmt.Errorf("a record of schema %q does not belong in a topic of facts", e.name)
		}
	}
	if err != nil {
		m.Contact, m.State, m.Shift, m.Mark, m.Fact, m.Reason, m.Detail = nil, nil, nil, nil, failed, "undecodable", err.Error()
		if failed != "" {
			m.Reason = "expression"
		}
	}
	return m, nil
}
