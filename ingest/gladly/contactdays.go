package gladly

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/schemas"
)

const contactReport = "ContactTimestampsReport"

// days reads the events of contacts in [from, to) from the report that lists them by day. Its columns are known in part: where it has no
// status, a contact that nobody answered ended in an unknown way.
func (c *contacts) days(ctx context.Context, r *flow.Read, from, to time.Time) error {
	return byDay(r, from, to, func(day time.Time) error { return c.day(ctx, r, day, from, to) })
}

func (c *contacts) day(ctx context.Context, r *flow.Read, day, from, to time.Time) error {
	date := day.Format(time.DateOnly)
	body := map[string]any{"metricSet": contactReport, "timezone": "UTC", "startAt": date, "endAt": date}
	return c.client.report(ctx, "reports", body, func(resp *httpcall.Response) error {
		t, err := openTable(contactReport, resp.Body, "Timestamp", "Event Type", "Contact ID")
		if t == nil {
			return err
		}
		for {
			problem, err := t.next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			var e event
			if problem == "" {
				e, problem = contactEvent(t)
			}
			if problem == "" && e.timestamp >= from.UnixMilli() && e.timestamp < to.UnixMilli() {
				problem, err = c.take(ctx, r, &e)
			}
			if err == nil && problem != "" {
				err = c.reject(ctx, r, contactFact, t.location(), problem, t.text())
			}
			if err != nil {
				return err
			}
		}
	})
}

// contactEvent makes an event of a row.
func contactEvent(t *table) (e event, problem string) {
	e = event{
		kind: []byte(strings.ToUpper(t.cell("Event Type"))), occurredAt: schemas.Null, contactID: []byte(t.cell("Contact ID")),
		conversationID: []byte(t.cell("Conversation ID")), channel: []byte(strings.ToUpper(t.cell("Channel"))), status: []byte(t.cell("Status")),
		initiator: []byte(t.cell("Initiator Type")), initiatorID: []byte(t.cell("Initiator ID")), agentID: []byte(t.cell("Assigned Agent ID")),
		context: party{[]byte(t.cell("Assigned Inbox ID")), []byte(t.cell("Assigned Agent ID"))},
	}
	if string(e.initiator) == "AGENT" && string(e.kind) == "CONTACT/OFFER_ACCEPTED" {
		e.agentID = e.initiatorID // assigned is who had it before
	}
	e.assignee = party{[]byte(t.cell("Newly Assigned Inbox ID")), []byte(t.cell("Newly Assigned Agent ID"))}
	at, ok := instant([]byte(t.cell("Timestamp")))
	if !ok || at == schemas.Null {
		return e, `has no "Timestamp" that is an instant`
	}
	e.timestamp = at
	return e, ""
}
