package app

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/internal/simulator/calabrio"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	"github.com/quarterhour/quarterhour/internal/simulator/vendors"
)

// comparison is what one destination has of one kind of record, beside what it should have: values by key, each row's in one text.
type comparison struct {
	destination, what  string
	fields             int // of a row, besides its key
	want, held         map[string]string
	missing, different []string
	extra              []string
}

// compare fills in what differs.
func (c *comparison) compare() {
	for _, key := range slices.Sorted(maps.Keys(c.want)) {
		switch got, ok := c.held[key]; {
		case !ok:
			c.missing = append(c.missing, fmt.Sprintf("%s has no %s", c.destination, key))
		case got != c.want[key]:
			c.different = append(c.different, fmt.Sprintf("%s has %s: %s, and the tables say %s", c.destination, key, got, c.want[key]))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.held)) {
		if _, ok := c.want[key]; !ok {
			c.extra = append(c.extra, fmt.Sprintf("%s has %s, of which the tables know nothing", c.destination, key))
		}
	}
}

// compared compares what every destination holds with the tables, row by row and value by value; it returns what differs.
func (d *demo) compared(ctx context.Context) ([]string, error) {
	list, err := d.comparisons(ctx)
	if err != nil {
		return nil, err
	}
	d.s.Screen.Heading("What the destinations hold, value by value, against the tables")
	t := console.Table{Columns: console.Columns("destination", "what", "#rows", "#values", "#missing", "#extra", "#different")}
	var wrong []string
	for _, c := range list {
		c.compare()
		count := func(n int) string { return console.Count(int64(n)) }
		t.Rows = append(t.Rows, []string{c.destination, c.what, count(len(c.want)), count(len(c.want) * c.fields), count(len(c.missing)), count(len(c.extra)), count(len(c.different))})
		for _, part := range [][]string{c.missing, c.extra, c.different} {
			wrong = append(wrong, part[:min(len(part), 3)]...)
		}
	}
	d.s.Screen.Table(t)
	return wrong, nil
}

// comparisons are all that can be compared.
func (d *demo) comparisons(ctx context.Context) (list []*comparison, err error) {
	var queues, agentQueues, agents []*interval
	for table, to := range map[string]*[]*interval{"queue_intervals": &queues, "agent_queue_intervals": &agentQueues, "agent_intervals": &agents} {
		if *to, err = d.intervals(ctx, table); err != nil {
			return nil, err
		}
	}
	agentQueues = slices.DeleteFunc(agentQueues, func(i *interval) bool { return i.QueueID == "" }) // what is handled outside of queues is in none of these
	list = append(list, d.withCalabrio(queues, agentQueues, agents)...)
	files, err := d.withFiles(queues, agentQueues, agents)
	if err != nil {
		return nil, err
	}
	list = append(list, files...)
	list = append(list, d.withPipkins(queues, agentQueues, agents)...)
	list = append(list, d.withAnyWFM(queues, agents)...)
	for _, more := range []func(context.Context) ([]*comparison, error){d.withQueue, d.withPlayvox, d.withAdherence, d.withLake} {
		further, err := more(ctx)
		if err != nil {
			return nil, err
		}
		list = append(list, further...)
	}
	return list, nil
}

// part is what a destination holds under keys that begin so.
func (d *demo) part(name centre.Vendor, prefix string) map[string]string {
	held, _ := d.vendors.Holds(name)
	maps.DeleteFunc(held, func(key, _ string) bool { return !strings.HasPrefix(key, prefix) })
	return held
}

// wanted makes the rows that a destination should have.
func wanted(list []*interval, row func(i *interval) (key, values string)) map[string]string {
	out := map[string]string{}
	for _, i := range list {
		key, values := row(i)
		out[key] = values
	}
	return out
}

func null(n *int64) string {
	if n == nil {
		return "null"
	}
	return fmt.Sprint(*n)
}

// withCalabrio is the historical-data API.
func (d *demo) withCalabrio(queues, agentQueues, agents []*interval) []*comparison {
	const name = "calabrio"
	return []*comparison{
		{destination: name, what: "queues", fields: 4, held: d.part(name, "queues/"), want: wanted(queues, func(i *interval) (string, string) {
			return "queues/" + i.written() + "/" + i.QueueID,
				fmt.Sprintf("queueName=%s offeredContacts=%d answeredContacts=%d contactTime=%d", i.queue(), i.Offered, i.Answered, seconds(i.ContactMs))
		})},
		{destination: name, what: "agents by queue", fields: 5, held: d.part(name, "agent-queues/"), want: wanted(agentQueues, func(i *interval) (string, string) {
			return "agent-queues/" + i.written() + "/" + i.QueueID + "/" + i.AgentID, fmt.Sprintf("queueName=%s agentName=%s contactTime=%d answeredContacts=%d completedContacts=%s",
				i.queue(), i.agent(), seconds(i.ContactMs), i.Answered, null(i.Completed))
		})},
		{destination: name, what: "agents", fields: 3, held: d.part(name, "agents/"), want: wanted(agents, func(i *interval) (string, string) {
			return "agents/" + i.written() + "/" + i.AgentID, fmt.Sprintf("agentName=%s loginTime=%d directOutContacts=%d", i.agent(), within(i.LoginMs), i.DirectOut)
		})},
	}
}

// cells joins the cells of a line.
func cells(with string, values ...any) string {
	texts := make([]string, len(values))
	for n, v := range values {
		texts[n] = fmt.Sprint(v)
	}
	return strings.Join(texts, with)
}

// withFiles is the LogServer's files and those of the import of queue data, which the pipeline for calls and chats writes. Every queue and agent has a
// row in every interval; what is compared is the day's.
func (d *demo) withFiles(queues, agentQueues, agents []*interval) (list []*comparison, err error) {
	dir := filepath.Join(d.s.System.Data, "calabrio")
	logged, wrong := calabrio.ReadLogServer(filepath.Join(dir, "logserver"), quarter)
	imported, more := calabrio.ReadQueueImport(filepath.Join(dir, "queues"), quarter)
	if wrong = append(wrong, more...); len(wrong) > 0 {
		return nil, fmt.Errorf("files for Calabrio are not as its importers want them:\n  %s", strings.Join(wrong[:min(len(wrong), 10)], "\n  "))
	}
	whole := func(list []*interval) []*interval {
		list = slices.DeleteFunc(slices.Clone(list), func(i *interval) bool { return i.mail || !i.at().Before(d.end()) })
		return filled(list, d.end())
	}
	day := func(prefix string, held map[string]string) map[string]string {
		out := map[string]string{}
		for key, line := range held {
			parts := strings.SplitN(strings.TrimPrefix(key, prefix), "/", 3)
			at, err := time.Parse("2006-01-02 15:04", parts[0]+" "+parts[min(1, len(parts)-1)])
			if strings.HasPrefix(key, prefix) && (err != nil || at.Before(d.end())) {
				out[key] = line
			}
		}
		return out
	}
	place := func(i *interval) string { return i.at().Format("2006-01-02/15:04") }
	head := func(i *interval) string { return cells(";", 15, i.at().Format("2006-01-02;15:04")) }
	queue := func(i *interval) string {
		return cells(";", head(i), i.QueueID, i.queue(), i.Offered, 0, i.Abandoned, i.Overflowed, i.Answered, seconds(i.WaitMs), seconds(i.AbandonWaitMs), seconds(i.ContactMs), seconds(i.WrapMs),
			seconds(min(i.WaitMs, i.MaxWaitMs)), seconds(min(i.AbandonWaitMs, i.MaxWaitMs)), 0, i.AnsweredInSl, 0, i.ShortAbandoned, i.AbandonedInSl)
	}
	return []*comparison{
		{destination: "calabrio-logserver", what: "queues", fields: 17, held: day("Queue/", logged), want: wanted(whole(queues), func(i *interval) (string, string) {
			return "Queue/" + place(i) + "/" + i.QueueID, queue(i)
		})},
		{destination: "calabrio-logserver", what: "agents by queue", fields: 6, held: day("AgentQueue/", logged), want: wanted(whole(agentQueues), func(i *interval) (string, string) {
			return "AgentQueue/" + place(i) + "/" + i.AgentID + "/" + i.QueueID,
				cells(";", head(i), i.AgentID, i.agent(), i.QueueID, i.queue(), seconds(i.ContactMs), seconds(i.WrapMs), i.Answered, 0)
		})},
		{destination: "calabrio-logserver", what: "agents", fields: 10, held: day("Agent/", logged), want: wanted(whole(agents), func(i *interval) (string, string) {
			return "Agent/" + place(i) + "/" + i.AgentID, cells(";", head(i), i.AgentID, i.agent(), within(i.LoginMs-i.NotReadyMs), within(i.LoginMs), within(i.NotReadyMs), within(i.AvailableMs),
				0, i.DirectOut, 0, 0, 0)
		})},
		{destination: "calabrio-queues", what: "queues", fields: 17, held: day("", imported), want: wanted(whole(queues), func(i *interval) (string, string) {
			return place(i) + "/" + i.QueueID, queue(i)
		})},
	}, nil
}

// withPipkins is files by HTTPS, with a row for every interval.
func (d *demo) withPipkins(queues, agentQueues, agents []*interval) []*comparison {
	const name = vendors.Pipkins
	day := func(prefix string) map[string]string {
		held := d.part(name, prefix)
		maps.DeleteFunc(held, func(key, _ string) bool {
			start, _, _ := strings.Cut(strings.TrimPrefix(key, prefix), "/")
			at, err := time.Parse(time.RFC3339, start)
			return err == nil && !at.Before(d.end())
		})
		return held
	}
	whole := func(list []*interval) []*interval {
		return filled(slices.DeleteFunc(slices.Clone(list), func(i *interval) bool { return !i.at().Before(d.end()) }), d.end())
	}
	completed := func(i *interval) string { return strings.TrimPrefix(null(i.Completed), "null") }
	return []*comparison{
		{destination: string(name), what: "queues", fields: 4, held: day("queue/"), want: wanted(whole(queues), func(i *interval) (string, string) {
			return "queue/" + i.written() + "/" + i.QueueID, cells("|", i.written(), i.QueueID, i.QueueName, i.Offered, i.Answered, seconds(i.ContactMs))
		})},
		{destination: string(name), what: "agents by queue", fields: 5, held: day("agentqueue/"), want: wanted(whole(agentQueues), func(i *interval) (string, string) {
			return "agentqueue/" + i.written() + "/" + i.AgentID + "/" + i.QueueID,
				cells("|", i.written(), i.QueueID, i.QueueName, i.AgentID, i.AgentName, seconds(i.ContactMs), i.Answered, completed(i))
		})},
		{destination: string(name), what: "agents", fields: 3, held: day("agent/"), want: wanted(whole(agents), func(i *interval) (string, string) {
			return "agent/" + i.written() + "/" + i.AgentID, cells("|", i.written(), i.AgentID, i.AgentName, seconds(i.LoginMs), i.DirectOut)
		})},
	}
}

// withAnyWFM is JSON by HTTPS, by way of the queue.
func (d *demo) withAnyWFM(queues, agents []*interval) []*comparison {
	const name = vendors.AnyWFM
	return []*comparison{
		{destination: string(name), what: "queues", fields: 7, held: d.part(name, "/queues|"), want: wanted(queues, func(i *interval) (string, string) {
			id := key("queue", "demo", i.written(), i.QueueID, i.Channel)
			return "/queues|" + id, fmt.Sprintf("abandoned=%d answered=%d channel=%s id=%s offered=%d queue=%s start=%s talk=%d",
				i.Abandoned, i.Answered, i.Channel, id, i.Offered, i.QueueID, i.written(), seconds(i.TalkMs))
		})},
		{destination: string(name), what: "agents", fields: 4, held: d.part(name, "/agents|"), want: wanted(agents, func(i *interval) (string, string) {
			id := key("agent", "demo", i.written(), i.AgentID)
			return "/agents|" + id, fmt.Sprintf("agent=%s id=%s login=%d notReady=%d start=%s", i.AgentID, id, seconds(i.LoginMs), seconds(i.NotReadyMs), i.written())
		})},
	}
}
