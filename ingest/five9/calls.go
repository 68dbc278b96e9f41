package five9

import (
	"context"
	"strconv"
	"strings"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/schemas"
)

// The columns of the call log.
const (
	callID = iota
	callStamp
	callDate
	callTime
	callType
	callAgent
	callAgentName
	callSkill
	callCampaign
	callDisposition
	callIVR
	callWait
	callRing
	callTalk
	callHold
	callPark
	callWrap
	callTransfers
	callAbandoned
)

var callColumns = []column{
	callID:          {"call_id", []string{"CALL ID"}, true},
	callStamp:       {"timestamp", []string{"TIMESTAMP"}, false},
	callDate:        {"date", []string{"DATE"}, false},
	callTime:        {"time", []string{"TIME"}, false},
	callType:        {"call_type", []string{"CALL TYPE"}, true},
	callAgent:       {"agent", []string{"AGENT"}, true},
	callAgentName:   {"agent_name", []string{"AGENT NAME"}, false},
	callSkill:       {"skill", []string{"SKILL"}, true},
	callCampaign:    {"campaign", []string{"CAMPAIGN"}, false},
	callDisposition: {"disposition", []string{"DISPOSITION"}, false},
	callIVR:         {"ivr_time", []string{"IVR TIME"}, true},
	callWait:        {"queue_wait_time", []string{"QUEUE WAIT TIME"}, true},
	callRing:        {"ring_time", []string{"RING TIME"}, true},
	callTalk:        {"talk_time", []string{"TALK TIME"}, true},
	callHold:        {"hold_time", []string{"HOLD TIME"}, true},
	callPark:        {"park_time", []string{"PARK TIME"}, true},
	callWrap:        {"after_call_work_time", []string{"AFTER CALL WORK TIME"}, true},
	callTransfers:   {"transfers", []string{"TRANSFERS"}, true},
	callAbandoned:   {"abandoned", []string{"ABANDONED"}, true},
}

// callMapper turns rows of the call log into contacts, one leg each. Not safe for concurrent use.
type callMapper struct {
	table
	o        *CallOptions
	zone     *zone
	window   window
	legs     numbering
	types    map[string]int // directions of the call types seen
	unknown  *noticed
	contact  schemas.Contact
	override *overrides
	segment  []byte
}

func (m *callMapper) header(cells []string) error {
	if err := m.table.read(cells, callColumns, m.o.Columns, m.o.Report); err != nil {
		return err
	}
	if err := m.timed(callStamp, callDate, callTime, m.o.Report, callColumns[callStamp].names); err != nil {
		return err
	}
	var err error
	m.override, err = newOverrides(&m.contact, m.o.Fields, m.table.header, m.zone.location)
	return err
}

func (m *callMapper) row(ctx context.Context, r *flow.Read, cells []string) error {
	direction := m.direction(m.cell(cells, callType))
	if direction == leaveOut {
		return nil
	}
	if bad := m.leg(cells, schemas.Direction(direction)); bad != nil {
		return bad
	}
	if !m.legs.number(&m.contact, m.segment, cells) {
		return nil
	}
	if bad := m.override.run(cells); bad != nil {
		return bad
	}
	return r.Contact(ctx, &m.contact)
}

// direction is that of a call type, looked up once for each.
func (m *callMapper) direction(callType string) int {
	if d, ok := m.types[callType]; ok {
		return d
	}
	d, known := m.o.direction(callType)
	if !known {
		m.unknown.see(callType)
	}
	m.types[strings.Clone(callType)] = d
	return d
}

func (m *callMapper) finish(context.Context, *flow.Read) error { return nil }

// leg fills the contact. A leg starts at its TIMESTAMP in the IVR, waits in the queue, rings, and talks:
//
//	offered_at  = TIMESTAMP + IVR TIME
//	answered_at = offered_at + QUEUE WAIT TIME + RING TIME
//	ended_at    = answered_at + TALK TIME (+ HOLD TIME, where talk does not include it) + PARK TIME
func (m *callMapper) leg(cells []string, direction schemas.Direction) *rowError {
	id := m.name(cells, callID)
	if id == "" {
		return bad("no_identity", "column %q is empty: the row cannot be told from others", m.table.header[m.at[callID]])
	}
	civil, wrong := m.when(cells, callStamp, callDate, callTime)
	if wrong != nil {
		return wrong
	}
	var length [callWrap + 1]int64
	for role := callIVR; role <= callWrap; role++ {
		if length[role], wrong = m.length(cells, role); wrong != nil {
			return wrong
		}
	}
	at := m.zone.within(civil, m.window.from, m.window.to)
	agent, skill := m.name(cells, callAgent), m.name(cells, callSkill)
	m.segment = segmentOf(m.segment[:0], at, m.cell(cells, callType), agent, skill)
	queue := skill
	if queue == "" && m.o.Queue == "skill_or_campaign" || m.o.Queue == "campaign" {
		queue = m.name(cells, callCampaign)
	}
	abandoned := yes(m.cell(cells, callAbandoned))
	talked := length[callTalk]
	if !m.o.TalkIncludesHold {
		talked += length[callHold]
	}
	offered := at + length[callIVR]
	left := offered + length[callWait] + length[callRing]
	c := &m.contact
	*c = schemas.Contact{
		InteractionID: id, Channel: "voice", Direction: direction, QueueID: queue, QueueName: queue, OfferedAt: offered,
		AnsweredAt: schemas.Null, EndedAt: left, WrapEndedAt: schemas.Null, TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null,
	}
	inbound := direction == schemas.DirectionInbound || direction == schemas.DirectionCallback
	if agent != "" && !abandoned && (inbound || talked > 0) {
		c.AnsweredAt, c.EndedAt = left, left+talked+length[callPark]
		c.TalkMs, c.HoldMs, c.WrapMs = max(talked-length[callHold], 0), length[callHold], length[callWrap]
	}
	if agent != "" && (c.AnsweredAt != schemas.Null || !inbound) {
		c.AgentID, c.AgentName = agent, m.name(cells, callAgentName)
	}
	c.Outcome = m.outcome(cells, inbound, abandoned, yes(m.cell(cells, callTransfers)))
	return nil
}

// outcome is how the leg ended. A disposition that the pipeline file names decides.
func (m *callMapper) outcome(cells []string, inbound, abandoned, transferred bool) schemas.Outcome {
	if len(m.o.outcomes) > 0 {
		if o, ok := m.o.outcomes[fold(m.cell(cells, callDisposition))]; ok {
			return o
		}
	}
	answered := m.contact.AnsweredAt != schemas.Null
	switch {
	case answered && transferred:
		return schemas.OutcomeTransferred
	case answered:
		return schemas.OutcomeHandled
	case abandoned:
		return schemas.OutcomeAbandoned
	case strings.Contains(fold(m.cell(cells, callType)), "voicemail"):
		return schemas.OutcomeVoicemail
	case transferred && inbound: // it left the queue for another one before anybody answered
		return schemas.OutcomeOverflowed
	}
	return schemas.OutcomeUnknown
}

// segmentOf tells the legs of one call apart: TIMESTAMP, CALL TYPE, AGENT and SKILL.
func segmentOf(b []byte, at int64, words ...string) []byte {
	b = strconv.AppendInt(b, at/1000, 10)
	for _, w := range words {
		b = append(b, '/')
		b = append(b, w...)
	}
	return b
}

// fold makes words of the vendor comparable: lower case, single blanks, no underscores or hyphens.
func fold(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ' ' || r == '_' || r == '-' || r == '\u00a0' }), " ")
}
