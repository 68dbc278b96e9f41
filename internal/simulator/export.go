package simulator

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Report says what an export holds.
type Report struct {
	Contacts, States                             int // that really happened
	Rows, Late, Duplicated, Corrected, Withdrawn int
}

// Delivery is one run of the exports: the day's own, or what came in after it was closed.
type Delivery int

// The deliveries, in the order they arrive.
const (
	OnTime Delivery = iota
	Late
	deliveries
)

// Exports is a day as two systems report it: calls and state changes of a phone system in local time, chats of a chat system in UTC.
type Exports struct {
	day                   *Day
	rand                  *rand.Rand
	calls, chats, changes [deliveries][]row
	report                Report
}

// Exports lets the systems report the day, with the faults such reports have.
func (d *Day) Exports() *Exports {
	x := &Exports{day: d, rand: rand.New(rand.NewPCG(d.Seed, 0x9e3779b97f4a7c15))}
	for _, c := range d.Contacts {
		x.contact(c)
	}
	for _, a := range d.Agents {
		x.states(a)
	}
	x.withdrawn(30)
	for when := range deliveries {
		x.disorder(x.calls[when])
		x.disorder(x.chats[when])
		x.disorder(x.changes[when])
	}
	x.report.Contacts = len(d.Contacts)
	for _, a := range d.Agents {
		x.report.States += len(a.States)
	}
	return x
}

// Report says what the exports hold.
func (x *Exports) Report() Report { return x.report }

// Write writes one delivery as calls.csv, states.csv and chats.jsonl into a folder, which it makes.
func (x *Exports) Write(dir string, when Delivery) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write the simulated day: %w", err)
	}
	if err := writeCSV(filepath.Join(dir, "calls.csv"), callColumns, x.calls[when]); err != nil {
		return err
	}
	if err := writeCSV(filepath.Join(dir, "states.csv"), stateColumns, x.changes[when]); err != nil {
		return err
	}
	return writeJSONLines(filepath.Join(dir, "chats.jsonl"), x.chats[when])
}

type row = []string

// odds is true once in n times.
func (x *Exports) odds(n int) bool { return x.rand.IntN(n) == 0 }

// send puts a row into a delivery, sometimes twice, sometimes late.
func (x *Exports) send(to *[deliveries][]row, r row) {
	when := OnTime
	if x.odds(25) {
		when = Late
		x.report.Late++
	}
	to[when] = append(to[when], r)
	x.report.Rows++
	if x.odds(30) {
		again := when + Delivery(x.rand.IntN(int(deliveries-when)))
		to[again] = append(to[again], r)
		x.report.Rows++
		x.report.Duplicated++
	}
}

// disorder lets rows change places over a short distance, as exports of several servers do.
func (x *Exports) disorder(rows []row) {
	for i := range rows {
		j := min(i+x.rand.IntN(200), len(rows)-1)
		rows[i], rows[j] = rows[j], rows[i]
	}
}

var callColumns = row{"call_id", "leg", "version", "withdrawn", "direction", "queue", "queue_name", "agent", "agent_name",
	"queued_at", "answered_at", "ended_at", "wrap_ended_at", "hold_ms", "outcome"}

// contact sends the contact; now and then first as it was taken down wrongly, with the right row as a later version.
func (x *Exports) contact(c *Contact) {
	to, write := &x.calls, x.call
	if c.Queue >= 0 && x.day.Queues[c.Queue].digital() {
		to, write = &x.chats, x.chat
	}
	version := 1
	if x.odds(20) {
		wrong := *c
		if wrong.Queue >= 0 {
			for wrong.Queue = x.rand.IntN(len(x.day.Queues)); x.day.Queues[wrong.Queue].Channel != x.day.Queues[c.Queue].Channel; {
				wrong.Queue = x.rand.IntN(len(x.day.Queues))
			}
		}
		if wrong.Agent != nil {
			wrong.Agent = x.day.Agents[x.rand.IntN(len(x.day.Agents))]
			wrong.Ended += 7 * second
			wrong.WrapEnd = max(wrong.WrapEnd, wrong.Ended)
		}
		x.send(to, write(&wrong, version, false))
		x.report.Corrected++
		version++
	}
	x.send(to, write(c, version, false))
}

// withdrawn sends test calls that never took place, and takes them back.
func (x *Exports) withdrawn(n int) {
	for k := range n {
		c := *x.day.Contacts[x.rand.IntN(len(x.day.Contacts))]
		if c.Queue < 0 || x.day.Queues[c.Queue].digital() {
			continue
		}
		c.Interaction = fmt.Sprintf("test%03d", k+1)
		x.send(&x.calls, x.call(&c, 1, false))
		x.send(&x.calls, x.call(&c, 2, true))
		x.report.Withdrawn++
	}
}

func (x *Exports) call(c *Contact, version int, withdrawn bool) row {
	queue, agent := x.parties(c)
	return row{c.Interaction, strconv.Itoa(c.Segment), strconv.Itoa(version), strconv.FormatBool(withdrawn), c.Direction, queue.ID, queue.Name,
		agent.ID, agent.Name, x.local(c.Offered), x.local(c.Answered), x.local(c.Ended), x.local(c.WrapEnd), strconv.FormatInt(c.Hold, 10), c.Outcome}
}

func (x *Exports) parties(c *Contact) (q Queue, a Agent) {
	if c.Queue >= 0 {
		q = x.day.Queues[c.Queue]
	}
	if c.Agent != nil {
		a = *c.Agent
	}
	return q, a
}

func (x *Exports) at(ms int64) time.Time { return x.day.Date.Add(time.Duration(ms) * time.Millisecond) }

func (x *Exports) local(ms int64) string {
	if ms < 0 {
		return ""
	}
	return x.at(ms).Format("2006-01-02 15:04:05.000")
}

func (x *Exports) utc(ms int64) any {
	if ms < 0 {
		return nil
	}
	return x.at(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

// chat is a row of one field: a JSON object.
func (x *Exports) chat(c *Contact, version int, withdrawn bool) row {
	queue, agent := x.parties(c)
	type named struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	text, err := json.Marshal(map[string]any{
		"conversation": map[string]any{"id": c.Interaction, "part": c.Segment}, "version": version, "withdrawn": withdrawn,
		"channel": queue.Channel, "queue": named{queue.ID, queue.Name}, "agent": named{agent.ID, agent.Name},
		"queued_at": x.utc(c.Offered), "accepted_at": x.utc(c.Answered), "closed_at": x.utc(c.Ended), "wrapped_at": x.utc(c.WrapEnd), "result": c.Outcome,
	})
	if err != nil {
		panic(err) //nolint:forbidigo // strings, numbers and nil always marshal
	}
	return row{string(text)}
}

var stateColumns = row{"agent", "agent_name", "change", "version", "at", "state", "reason"}

func (x *Exports) states(a *Agent) {
	for n, s := range a.States {
		version := 1
		if x.odds(20) {
			wrong := s
			wrong.At += 3 * second
			wrong.Reason = "unknown"
			x.send(&x.changes, x.change(a, n, version, wrong))
			x.report.Corrected++
			version++
		}
		x.send(&x.changes, x.change(a, n, version, s))
	}
}

func (x *Exports) change(a *Agent, n, version int, s State) row {
	return row{a.ID, a.Name, strconv.Itoa(n + 1), strconv.Itoa(version), x.local(s.At), s.State, s.Reason}
}

func writeCSV(path string, header row, rows []row) error {
	return writeFile(path, func(w *bufio.Writer) error {
		c := csv.NewWriter(w)
		if err := c.Write(header); err != nil {
			return err
		}
		return c.WriteAll(rows)
	})
}

func writeJSONLines(path string, rows []row) error {
	return writeFile(path, func(w *bufio.Writer) error {
		for _, r := range rows {
			if _, err := w.WriteString(r[0] + "\n"); err != nil {
				return err
			}
		}
		return nil
	})
}

func writeFile(path string, write func(*bufio.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the simulated day: %w", err)
	}
	w := bufio.NewWriter(f)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write the simulated day to %q: %w", path, err)
	}
	return nil
}
