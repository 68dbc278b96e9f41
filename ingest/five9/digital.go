package five9

import (
	"context"
	"strings"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/schemas"
)

// The columns of the digital report.
const (
	digitalSession = iota
	digitalStamp
	digitalDate
	digitalTime
	digitalAgent
	digitalAgentName
	digitalSkill
	digitalCampaign
	digitalMedia
	digitalStatus
	digitalDisposition
	digitalQueue
	digitalEmailQueue
	digitalAccept
	digitalHandle
	digitalChat
	digitalEmail
	digitalInteraction
	digitalWrap
)

var digitalColumns = []column{
	digitalSession:     {"session", []string{"SESSION GUID"}, true},
	digitalStamp:       {"timestamp", []string{"TIMESTAMP", "CREATE DATE"}, false},
	digitalDate:        {"date", []string{"DATE"}, false},
	digitalTime:        {"time", []string{"TIME"}, false},
	digitalAgent:       {"agent", []string{"AGENT", "USER"}, true},
	digitalAgentName:   {"agent_name", []string{"AGENT NAME"}, false},
	digitalSkill:       {"skill", []string{"SKILL"}, false},
	digitalCampaign:    {"campaign", []string{"CAMPAIGN"}, false},
	digitalMedia:       {"media_type", []string{"MEDIA TYPE"}, true},
	digitalStatus:      {"status", []string{"WORK ITEM STATUS"}, false},
	digitalDisposition: {"disposition", []string{"DISPOSITION"}, false},
	digitalQueue:       {"queue_time", []string{"QUEUE TIME"}, true},
	digitalEmailQueue:  {"email_queue_time", []string{"EMAIL QUEUE TIME"}, false},
	digitalAccept:      {"accept_time", nil, false},
	digitalHandle:      {"handle_time", []string{"HANDLE TIME"}, true},
	digitalChat:        {"chat_time", []string{"CHAT TIME"}, false},
	digitalEmail:       {"email_time", []string{"EMAIL TIME"}, false},
	digitalInteraction: {"interaction_time", []string{"INTERACTION TIME"}, false},
	digitalWrap:        {"after_chat_work", []string{"AFTER CHAT WORK"}, true},
}

// digitalSegment starts the segments of digital contacts, by which they are told from calls.
const digitalSegment = "digital/"

// digitalMapper turns rows of the digital report into contacts. Not safe for concurrent use.
type digitalMapper struct {
	table
	o        *DigitalOptions
	zone     *zone
	window   window
	legs     numbering
	contact  schemas.Contact
	override *overrides
	segment  []byte
}

func (m *digitalMapper) header(cells []string) error {
	if err := m.table.read(cells, digitalColumns, m.o.Columns, m.o.Report); err != nil {
		return err
	}
	if err := m.timed(digitalStamp, digitalDate, digitalTime, m.o.Report, digitalColumns[digitalStamp].names); err != nil {
		return err
	}
	var err error
	m.override, err = newOverrides(&m.contact, m.o.Fields, m.table.header, m.zone.location)
	return err
}

func (m *digitalMapper) row(ctx context.Context, r *flow.Read, cells []string) error {
	if bad := m.session(cells); bad != nil {
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

func (m *digitalMapper) finish(context.Context, *flow.Read) error { return nil }

// session fills the contact.
//
//	offered_at  = TIMESTAMP
//	answered_at = offered_at + QUEUE TIME
//	ended_at    = answered_at + HANDLE TIME - AFTER CHAT WORK
func (m *digitalMapper) session(cells []string) *rowError {
	id := m.name(cells, digitalSession)
	if id == "" {
		return bad("no_identity", "column %q is empty: the row cannot be told from others", m.table.header[m.at[digitalSession]])
	}
	civil, wrong := m.when(cells, digitalStamp, digitalDate, digitalTime)
	if wrong != nil {
		return wrong
	}
	var length [digitalWrap + 1]int64
	for role := digitalQueue; role <= digitalWrap; role++ {
		if length[role], wrong = m.length(cells, role); wrong != nil {
			return wrong
		}
	}
	at := m.zone.within(civil, m.window.from, m.window.to)
	agent, skill := m.name(cells, digitalAgent), m.name(cells, digitalSkill)
	m.segment = segmentOf(append(m.segment[:0], digitalSegment...), at, agent, skill)
	wait := length[digitalQueue]
	if m.cell(cells, digitalQueue) == "" {
		wait = length[digitalEmailQueue]
	}
	queue := skill
	if queue == "" && m.o.Queue == "skill_or_campaign" || m.o.Queue == "campaign" {
		queue = m.name(cells, digitalCampaign)
	}
	c := &m.contact
	*c = schemas.Contact{
		InteractionID: id, Channel: m.o.channel(m.cell(cells, digitalMedia)), Direction: schemas.DirectionInbound, QueueID: queue, QueueName: queue,
		OfferedAt: at, AnsweredAt: schemas.Null, EndedAt: at + wait + length[digitalAccept], WrapEndedAt: schemas.Null,
		TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null, Outcome: schemas.OutcomeAbandoned,
	}
	if agent != "" {
		c.AgentID, c.AgentName, c.Outcome = agent, m.name(cells, digitalAgentName), schemas.OutcomeHandled
		c.AnsweredAt, c.WrapMs = c.EndedAt, length[digitalWrap]
		c.EndedAt = c.AnsweredAt + m.worked(cells, &length)
	}
	if strings.Contains(fold(m.cell(cells, digitalStatus)), "transfer") {
		if c.Outcome = schemas.OutcomeOverflowed; agent != "" {
			c.Outcome = schemas.OutcomeTransferred
		}
	}
	if o, ok := m.o.outcomes[fold(m.cell(cells, digitalDisposition))]; ok && len(m.o.outcomes) > 0 {
		c.Outcome = o
	}
	return nil
}

// worked is how long the agent was with the contact, wrap-up not included.
func (m *digitalMapper) worked(cells []string, length *[digitalWrap + 1]int64) int64 {
	switch {
	case m.cell(cells, digitalHandle) != "" && m.o.HandleIncludesWrap:
		return max(length[digitalHandle]-length[digitalWrap], 0)
	case m.cell(cells, digitalHandle) != "":
		return length[digitalHandle]
	case length[digitalChat]+length[digitalEmail] > 0:
		return length[digitalChat] + length[digitalEmail]
	}
	return length[digitalInteraction]
}
