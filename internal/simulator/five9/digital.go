package five9

import (
	"fmt"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator"
)

// chat is a visit of a chat or an e-mail to a skill.
type chat struct {
	guid, media, user, name, skill, status, customer string
	start                                            time.Time
	queue, talk, wrap                                time.Duration
}

// digital makes the rows of a day's chats and e-mails.
func (r *rows) digital(day *simulator.Day) (rows []row) {
	for _, c := range day.Contacts {
		q, _ := queueOf(day, c)
		if q.Channel == "voice" {
			continue
		}
		d := r.centre.Dice("five9", "session", c.Interaction, fmt.Sprint(c.Segment))
		id := r.centre.Number('0', 12, "session", c.Interaction)
		v := &chat{
			guid: fmt.Sprintf("5D3A%s-77AB-4E0C-9F11-%s", id[:4], id), media: map[string]string{"chat": "Chat", "email": "Email"}[q.Channel],
			skill: q.Name, status: "Completed", customer: customers[d.IntN(len(customers))], start: day.At(c.Offered), queue: lasted(c.Offered, c.Ended),
		}
		switch c.Outcome {
		case "transferred", "overflowed":
			v.status = "Transferred"
		case "abandoned":
			v.status = "Abandoned"
		}
		if c.Agent != nil {
			v.user, v.name = c.Agent.ID, c.Agent.Name
			v.queue, v.talk, v.wrap = lasted(c.Offered, c.Answered), lasted(c.Answered, c.Ended), lasted(c.Ended, max(c.Ended, c.WrapEnd))
		}
		rows = r.show(rows, d, v.row(), r.appears(d, day.At(max(c.Ended, c.WrapEnd))), func() *row {
			w := *v
			if w.queue += 5 * time.Second; v.wrap > 0 {
				w.queue, w.wrap = v.queue, v.wrap+11*time.Second
			}
			shown := w.row()
			return &shown
		})
	}
	return rows
}

func (c *chat) row() row { return row{at: c.start.UnixMilli(), user: c.user, skill: c.skill, told: c} }

func (c *chat) only(media string, d time.Duration) cell {
	if c.media != media {
		return cell{null: true}
	}
	return length(d)
}

// chatCells are what the columns say of a visit.
var chatCells = map[string]func(*sheet, *chat) cell{
	"TIMESTAMP":     func(s *sheet, c *chat) cell { return s.timestamp(c.start) },
	"CREATE DATE":   func(s *sheet, c *chat) cell { return s.timestamp(c.start) },
	"QUARTER HOUR":  func(s *sheet, c *chat) cell { return s.clock(c.start, 15) },
	"AGENT":         func(s *sheet, c *chat) cell { return cell{s.shown(c.user), c.user == ""} },
	"USER":          func(s *sheet, c *chat) cell { return cell{s.shown(c.user), c.user == ""} },
	"AGENT NAME":    func(s *sheet, c *chat) cell { return cell{text: s.named(c.user, c.name)} },
	"AGENT GROUP":   func(_ *sheet, c *chat) cell { return cell{text: pick(c.user != "", "Support Agents", "")} },
	"ACCOUNT NAME":  func(*sheet, *chat) cell { return cell{text: "web"} },
	"CAMPAIGN":      func(*sheet, *chat) cell { return cell{text: "Web"} },
	"CUSTOMER ID":   func(_ *sheet, c *chat) cell { return cell{text: c.guid[:8]} },
	"CUSTOMER NAME": func(_ *sheet, c *chat) cell { return cell{text: c.customer} },
	"DISPOSITION":   func(_ *sheet, c *chat) cell { return cell{text: pick(c.user != "", "Resolved", "")} },
	"FROM ADDRESS":  func(*sheet, *chat) cell { return cell{text: "customer@mail.test"} },
	"MEDIA SUBTYPE": func(*sheet, *chat) cell { return cell{null: true} },
	"MEDIA TYPE":    func(_ *sheet, c *chat) cell { return cell{text: c.media} },
	"SESSION GUID":  func(_ *sheet, c *chat) cell { return cell{text: c.guid} },
	"SKILL":         func(s *sheet, c *chat) cell { return cell{text: s.shown(c.skill)} },
	"TO ADDRESS":    func(*sheet, *chat) cell { return cell{text: "help@example.test"} },
	"TRANSCRIPT LINK": func(_ *sheet, c *chat) cell {
		return cell{text: "https://transcripts.example.test/?id=" + c.guid + "&v=1"}
	},
	"WORK ITEM STATUS": func(_ *sheet, c *chat) cell { return cell{text: c.status} },
	"AFTER CHAT WORK":  func(_ *sheet, c *chat) cell { return length(c.wrap) },
	"CHAT TIME":        func(_ *sheet, c *chat) cell { return c.only("Chat", c.talk) },
	"EMAIL TIME":       func(_ *sheet, c *chat) cell { return c.only("Email", c.talk) },
	"EMAIL QUEUE TIME": func(_ *sheet, c *chat) cell { return c.only("Email", c.queue) },
	"HANDLE TIME":      func(_ *sheet, c *chat) cell { return length(c.talk + c.wrap) },
	"INTERACTION TIME": func(_ *sheet, c *chat) cell { return length(c.talk) },
	"QUEUE TIME":       func(_ *sheet, c *chat) cell { return length(c.queue) },
}
