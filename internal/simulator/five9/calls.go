package five9

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator"
)

// call is a leg of a call.
type call struct {
	id, kind, campaign, user, name, skill string
	disposition, ani, dnis, customer      string
	none                                  int // how the absence of an agent or a skill is written
	start                                 time.Time
	ivr, queue, ring, talk, hold, wrap    time.Duration
	transfers, holds                      int
	abandoned                             bool
}

// calls makes the rows of a day's voice contacts.
func (r *rows) calls(day *simulator.Day) (rows []row) {
	for _, c := range day.Contacts {
		if q, _ := queueOf(day, c); q.Channel != "voice" {
			continue
		}
		d := r.centre.Dice("five9", "leg", c.Interaction, fmt.Sprint(c.Segment))
		leg := r.call(day, c, d)
		appears := r.appears(d, day.At(max(c.Ended, c.WrapEnd)))
		rows = r.show(rows, d, leg.row(), appears, func() *row { return leg.wrong(day, d) })
		if share(d, r.faults.Tests) {
			test := *leg
			test.id, test.campaign = r.centre.Number('9', 15, "test", c.Interaction), "[Deleted]"
			w := test.row()
			w.from, w.until = appears.UnixMilli(), appears.Add(upTo(d, time.Minute, r.faults.Corrected)).UnixMilli()
			rows = append(rows, w)
		}
	}
	return rows
}

func (c *call) row() row { return row{at: c.start.UnixMilli(), user: c.user, skill: c.skill, told: c} }

// call says what the contact looks like as a leg.
func (r *rows) call(day *simulator.Day, c *simulator.Contact, d *rand.Rand) *call {
	q, queued := queueOf(day, c)
	leg := &call{
		id: r.centre.Number('3', 15, "call", c.Interaction), kind: "Inbound", campaign: "Main Line", skill: q.Name, start: day.At(c.Offered),
		ani: r.centre.Number('2', 10, "customer", c.Interaction), dnis: "8005550100", customer: customers[d.IntN(len(customers))],
		disposition: []string{"Resolved", "Follow-up", "No Disposition", `Escalated, "urgent"`, "R&D <beta>"}[d.IntN(5)], none: d.IntN(3),
	}
	left := c.Ended
	if c.Agent != nil {
		leg.user, leg.name, left = c.Agent.ID, c.Agent.Name, c.Answered
		leg.talk, leg.hold = lasted(c.Answered, c.Ended), time.Duration(c.Hold)*time.Millisecond
		leg.wrap = lasted(c.Ended, max(c.Ended, c.WrapEnd))
		if leg.hold > 0 {
			leg.holds = 1
		}
	}
	if !queued {
		leg.kind, leg.ani, leg.dnis, leg.skill = "Manual", leg.dnis, leg.ani, ""
		return leg
	}
	if c.Segment == 1 {
		leg.ivr = upTo(d, 0, 45*time.Second)
		leg.start = leg.start.Add(-leg.ivr)
	}
	leg.queue = lasted(c.Offered, left)
	if c.Agent != nil { // the vendor times some lengths to the millisecond
		leg.ring = min(leg.queue, time.Duration(500+d.IntN(6500))*time.Millisecond)
		leg.queue -= leg.ring
	}
	switch c.Outcome {
	case "abandoned":
		leg.abandoned, leg.disposition = true, "Abandon"
	case "voicemail":
		leg.kind, leg.disposition = "Inbound Voicemail", "Sent To Voicemail"
	case "transferred", "overflowed":
		leg.transfers = 1
	}
	return leg
}

// wrong is a copy with the skill, the after-call work or the TIMESTAMP wrong.
func (c *call) wrong(day *simulator.Day, d *rand.Rand) *row {
	w := *c
	switch roll := d.IntN(3); {
	case roll == 0 && c.skill != "":
		for _, q := range day.Queues {
			if q.Channel == "voice" && q.Name != c.skill {
				w.skill = q.Name
			}
		}
	case roll == 1 && c.wrap > 0:
		w.wrap += 17 * time.Second
	default:
		w.start = c.start.Add(7 * time.Second)
	}
	shown := w.row()
	return &shown
}

// whole is IVR, queue, ring and talk.
func (c *call) whole() time.Duration { return c.ivr + c.queue + c.ring + c.talk }

// callCells are what the columns say of a leg.
var callCells = map[string]func(*sheet, *call) cell{
	"CALL ID":             func(_ *sheet, c *call) cell { return cell{text: c.id} },
	"TIMESTAMP":           func(s *sheet, c *call) cell { return s.timestamp(c.start) },
	"DATE":                func(s *sheet, c *call) cell { return s.date(c.start) },
	"TIME":                func(s *sheet, c *call) cell { return s.time(c.start) },
	"HALF HOUR":           func(s *sheet, c *call) cell { return s.clock(c.start, 30) },
	"QUARTER HOUR":        func(s *sheet, c *call) cell { return s.clock(c.start, 15) },
	"CAMPAIGN":            func(_ *sheet, c *call) cell { return cell{text: c.campaign} },
	"CALL TYPE":           func(_ *sheet, c *call) cell { return cell{text: c.kind} },
	"AGENT":               func(s *sheet, c *call) cell { return absent(s.shown(c.user), c.none) },
	"AGENT NAME":          func(s *sheet, c *call) cell { return absent(s.named(c.user, c.name), c.none) },
	"AGENT ID":            func(s *sheet, c *call) cell { return absent(s.numbers[c.user], c.none) },
	"AGENT GROUP":         func(_ *sheet, c *call) cell { return absent(pick(c.user != "", "Support Agents", ""), c.none) },
	"AGENT EMAIL":         func(_ *sheet, c *call) cell { return absent(pick(c.user != "", c.user+"@example.test", ""), c.none) },
	"SKILL":               func(s *sheet, c *call) cell { return absent(s.shown(c.skill), c.none) },
	"DISPOSITION":         func(_ *sheet, c *call) cell { return cell{text: c.disposition} },
	"ANI":                 func(_ *sheet, c *call) cell { return cell{text: c.ani} },
	"DNIS":                func(_ *sheet, c *call) cell { return cell{text: c.dnis} },
	"CUSTOMER NAME":       func(_ *sheet, c *call) cell { return cell{c.customer, c.customer == ""} },
	"CALL TIME":           func(_ *sheet, c *call) cell { return length(c.whole()) },
	"BILL TIME (ROUNDED)": func(_ *sheet, c *call) cell { return length(c.whole().Round(6 * time.Second)) },
	"COST": func(_ *sheet, c *call) cell {
		return cell{text: strconv.FormatFloat(c.whole().Minutes()*0.03, 'f', 2, 64)}
	},
	"IVR TIME":        func(_ *sheet, c *call) cell { return length(c.ivr) },
	"IVR PATH":        func(_ *sheet, c *call) cell { return cell{text: pick(c.ivr > 0, "Main > Menu 1", "")} },
	"QUEUE WAIT TIME": func(_ *sheet, c *call) cell { return length(c.queue) },
	"SPEED OF ANSWER": func(_ *sheet, c *call) cell { return length(c.queue + c.ring) },
	"RING TIME":       func(_ *sheet, c *call) cell { return length(c.ring) },
	"TALK TIME":       func(_ *sheet, c *call) cell { return length(c.talk) },
	"HOLD TIME":       func(_ *sheet, c *call) cell { return length(c.hold) },
	"PARK TIME":       func(*sheet, *call) cell { return length(0) },
	"AFTER CALL WORK TIME": func(_ *sheet, c *call) cell {
		return length(c.wrap)
	},
	"HANDLE TIME": func(_ *sheet, c *call) cell { return length(c.talk + c.wrap) },
	"TRANSFERS":   func(_ *sheet, c *call) cell { return blank(c.transfers, c.none) },
	"CONFERENCES": func(_ *sheet, c *call) cell { return blank(0, c.none) },
	"HOLDS":       func(_ *sheet, c *call) cell { return blank(c.holds, c.none) },
	"ABANDONED":   func(_ *sheet, c *call) cell { return blank(pick(c.abandoned, 1, 0), c.none) },
	"RECORDINGS": func(s *sheet, c *call) cell {
		at := c.start.Add(c.ivr + c.queue + c.ring)
		if c.talk == 0 {
			return cell{null: true}
		}
		return cell{text: fmt.Sprintf("%s(%d:%02d)", s.time(at).text, int(c.talk.Minutes()), int(c.talk.Seconds())%60)}
	},
}

var customers = []string{"", "Ada Byron", "Müller, Jörg", `Bob "Bobby" Brown`, "Łucja & Søn", "Nguyễn Thị Hương", "[Unknown]"}

func pick[T any](when bool, a, b T) T {
	if when {
		return a
	}
	return b
}

// absent writes what is not there in one of the three ways.
func absent(text string, how int) cell {
	if text != "" {
		return cell{text: text}
	}
	return cell{[]string{"[None]", "", ""}[how%3], how%3 == 2}
}

// blank writes a count; no count may be 0 or blank.
func blank(n, how int) cell {
	if n == 0 && how%3 > 0 {
		return cell{null: how%3 == 2}
	}
	return cell{text: strconv.Itoa(n)}
}

// length is HH:MM:SS, with milliseconds where there are any. Hours may be more than 24.
func length(d time.Duration) cell {
	b := make([]byte, 0, 12)
	for i, n := range [3]int64{int64(d / time.Hour), int64(d / time.Minute % 60), int64(d / time.Second % 60)} {
		if i > 0 {
			b = append(b, ':')
		}
		if n < 10 {
			b = append(b, '0')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	if ms := d.Milliseconds() % 1000; ms != 0 {
		b = strconv.AppendInt(append(b, '.'), 1000+ms, 10)
		b = append(b[:len(b)-4], b[len(b)-3:]...)
	}
	return cell{text: string(b)}
}
