package books

import (
	"fmt"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
)

// saysContact is a contact in a line, on the tenant's clock.
func saysContact(c *schemas.Contact, zone *time.Location) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", c.Direction, c.Channel)
	if c.QueueID != "" {
		b.WriteString(" to " + c.QueueID)
	}
	if c.AgentID != "" {
		b.WriteString(" with " + c.AgentID)
	}
	for _, i := range []struct {
		word string
		ms   int64
	}{{"offered", c.OfferedAt}, {"answered", c.AnsweredAt}, {"ended", c.EndedAt}, {"wrapped up", c.WrapEndedAt}} {
		if i.ms != schemas.Null {
			b.WriteString(", " + i.word + " " + clocks(zone, i.ms))
		}
	}
	if c.Outcome != schemas.OutcomeUnknown {
		fmt.Fprintf(&b, ", %s", c.Outcome)
	}
	return b.String() + retracted(c.Retracted)
}

// saysState is an agent state in a line.
func saysState(a *schemas.AgentState, zone *time.Location) string {
	text := a.State.String()
	if a.Reason != "" {
		text += " (" + a.Reason + ")"
	}
	if a.Channel != "" {
		text += " in " + a.Channel
	}
	if a.EndedAt != schemas.Null {
		return text + " " + clocks(zone, a.StartedAt, a.EndedAt) + retracted(a.Retracted)
	}
	if a.StartedAt != schemas.Null {
		text += " from " + clocks(zone, a.StartedAt)
	}
	return text + retracted(a.Retracted)
}

func retracted(is bool) string {
	if is {
		return "; retracted, or refused by a filter"
	}
	return ""
}

// clocks writes instants on a clock, and the date where the next is on another day.
func clocks(zone *time.Location, instants ...int64) string {
	var parts []string
	day := ""
	for _, ms := range instants {
		if ms == schemas.Null {
			parts = append(parts, "?")
			continue
		}
		t := time.UnixMilli(ms).In(zone)
		text := strings.TrimSuffix(t.Format("15:04:05.000"), ".000")
		if d := t.Format("2006-01-02"); d != day {
			day = d
			text = t.Format("01-02 ") + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "–")
}

func instantMs(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }
