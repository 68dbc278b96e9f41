package calabrio

import (
	"fmt"
	"strings"
	"testing"
	"time"

	vendor "github.com/quarterhour/quarterhour/internal/simulator/calabrio"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/deliverytest"
)

const historicalYAML = `
historical:
  url: ${URL}/historical-data/api/v1
  tenant_key: calabrio-tenant-key
  data_source_key: calabrio-data-source-key
  queue: {path: queues}
  agent_queue: {path: agent-queues}
  agent: {path: agents}
`

// sec is milliseconds as whole seconds, half to even, worked out another way than the sink does.
func sec(ms int64) string { return fmt.Sprintf("%.0f", float64(ms)/1000) }

func nullable64(n int64) string {
	if n == schemas.Null {
		return "null"
	}
	return fmt.Sprint(n)
}

// recordOf is how an item has to look at the historical-data API.
func recordOf(i delivery.Item) map[string]string {
	at := time.UnixMilli(i.Start).UTC().Format(time.RFC3339)
	switch {
	case i.Queue != nil:
		q := i.Queue
		return map[string]string{"queues/" + at + "/" + q.QueueID: fmt.Sprintf("queueName=%s offeredContacts=%d answeredContacts=%d contactTime=%s",
			q.QueueName, q.Offered, q.Answered, sec(q.ContactMs))}
	case i.AgentQueue != nil:
		q := i.AgentQueue
		return map[string]string{"agent-queues/" + at + "/" + q.QueueID + "/" + q.AgentID: fmt.Sprintf(
			"queueName=%s agentName=%s contactTime=%s answeredContacts=%d completedContacts=%s", q.QueueName, q.AgentName, sec(q.ContactMs), q.Answered, nullable64(q.Completed))}
	}
	a := i.Agent
	return map[string]string{"agents/" + at + "/" + a.AgentID: fmt.Sprintf("agentName=%s loginTime=%s directOutContacts=%d", a.AgentName, sec(a.LoginMs), a.DirectOut)}
}

func TestHistoricalSuite(t *testing.T) {
	t.Parallel()
	deliverytest.Run(t, deliverytest.Case{
		Registration: Registration, YAML: historicalYAML, Secrets: []string{vendor.TenantKey, vendor.DataSourceKey},
		Destination: func(_ *testing.T, s deliverytest.Setting) deliverytest.Destination {
			sim := vendor.New(s.Watch, vendor.Options{Unwanted: []string{"nobody"}})
			return deliverytest.Destination{
				Handler: sim, Holds: sim.Holds, Violations: sim.Violations, Shows: recordOf,
				Poison: func(i *delivery.Item) bool {
					switch {
					case i.Queue != nil:
						i.Queue.QueueID = strings.Repeat("q", 101) // the sink sees it
					case i.AgentQueue != nil:
						i.AgentQueue.QueueID = "nobody" // the destination does
					case i.Agent != nil:
						i.Agent.DirectOut = -1
					}
					return true
				},
			}
		},
	})
}

// The answer names the records that were not taken.
func TestRefusalsSuite(t *testing.T) {
	t.Parallel()
	deliverytest.Run(t, deliverytest.Case{
		Registration: Registration, Secrets: []string{vendor.TenantKey, vendor.DataSourceKey},
		YAML: historicalYAML + "  key_in: body\n  envelope: records\n  refusals: {list: errors}\n",
		Destination: func(_ *testing.T, s deliverytest.Setting) deliverytest.Destination {
			sim := vendor.New(s.Watch, vendor.Options{Unwanted: []string{"nobody"}, Partly: true, KeyIn: "body", Envelope: "records"})
			return deliverytest.Destination{
				Handler: sim, Holds: sim.Holds, Violations: sim.Violations, Shows: recordOf,
				Poison: func(i *delivery.Item) bool {
					if i.Queue != nil {
						i.Queue.QueueID = "nobody"
					}
					return i.Queue != nil
				},
			}
		},
	})
}

// stateOf is how an agent has to be held: by the state that began last, whatever came later about an earlier one.
func stateOf() func(i delivery.Item) map[string]string {
	newest := map[string]delivery.Item{}
	return func(i delivery.Item) map[string]string {
		if s := i.AgentState; newest[s.AgentID].AgentState == nil || s.StartedAt >= newest[s.AgentID].AgentState.StartedAt {
			newest[s.AgentID] = i
		}
		s := newest[i.AgentState.AgentID].AgentState
		description := s.Reason
		if description == "" {
			description = strings.ReplaceAll(s.State.String(), "_", " ")
		}
		code := map[string]string{"not_ready/Break": "BREAK", "available/": "READY"}[s.State.String()+"/"+s.Reason]
		if code == "" {
			code = s.State.String()
		}
		return map[string]string{"state/" + s.AgentID: fmt.Sprintf("%s (%s) logged on true since %s", code, description, time.UnixMilli(s.StartedAt).UTC().Format(time.RFC3339))}
	}
}

func TestAdherenceSuite(t *testing.T) {
	t.Parallel()
	deliverytest.Run(t, adherenceCase(""))
}

func TestSnapshotSuite(t *testing.T) {
	t.Parallel()
	deliverytest.Run(t, adherenceCase("  snapshot: {file: '${DIR}/agents.json'}\n"))
}

func adherenceCase(more string) deliverytest.Case {
	return deliverytest.Case{
		Registration: Registration, Secrets: []string{vendor.AuthenticationKey},
		YAML: "adherence:\n  url: ${URL}" + vendor.AdherencePath + "\n  authentication_key: " + vendor.AuthenticationKey +
			"\n  source_id: 1\n  states: {not_ready/Break: BREAK, available: READY}\n" + more,
		Destination: func(_ *testing.T, s deliverytest.Setting) deliverytest.Destination {
			sim := vendor.New(s.Watch, vendor.Options{})
			return deliverytest.Destination{Handler: sim, Holds: sim.Holds, Violations: sim.Violations, Shows: stateOf()}
		},
		Cannot: deliverytest.Cannot{"poison": "any agent and any state is taken", "zero rows": "a state is no row"},
	}
}

// reads makes a destination of a folder.
func reads(s deliverytest.Setting, read func(dir string, interval time.Duration) (map[string]string, []string), shows func(i delivery.Item) map[string]string) deliverytest.Destination {
	dir := s.Dir + "/wfm"
	return deliverytest.Destination{
		Holds:      func() map[string]string { held, _ := read(dir, 15*time.Minute); return held },
		Violations: func() []string { _, wrong := read(dir, 15*time.Minute); return wrong },
		Shows:      shows,
		Poison: func(i *delivery.Item) bool {
			switch {
			case i.Queue != nil:
				i.Queue.QueueID = "sales;support"
			case i.AgentQueue != nil:
				i.AgentQueue.WrapMs = -5000
			case i.Agent != nil:
				i.Agent.AgentID, i.Agent.AgentName = "", ""
			}
			return true
		},
	}
}

// queueCells is the row of 21 fields.
func queueCells(i delivery.Item) string {
	q := i.Queue
	at := time.UnixMilli(i.Start).UTC()
	return strings.Join([]string{
		"15", at.Format("2006-01-02"), at.Format("15:04"), q.QueueID, q.QueueName, fmt.Sprint(q.Offered), "0", fmt.Sprint(q.Abandoned), fmt.Sprint(q.Overflowed),
		fmt.Sprint(q.Answered), sec(q.WaitMs), sec(q.AbandonWaitMs), sec(q.ContactMs), sec(q.WrapMs), sec(min(q.MaxWaitMs, q.WaitMs)), sec(min(q.MaxWaitMs, q.AbandonWaitMs)),
		"0", fmt.Sprint(q.AnsweredInSl), "0", fmt.Sprint(q.ShortAbandoned), fmt.Sprint(q.AbandonedInSl),
	}, ";")
}

func logServerShows(i delivery.Item) map[string]string {
	at := time.UnixMilli(i.Start).UTC()
	key, line := at.Format("2006-01-02/15:04"), "15;"+at.Format("2006-01-02;15:04")
	switch {
	case i.Queue != nil:
		return map[string]string{"Queue/" + key + "/" + i.Queue.QueueID: queueCells(i)}
	case i.AgentQueue != nil:
		q := i.AgentQueue
		return map[string]string{"AgentQueue/" + key + "/" + q.AgentID + "/" + q.QueueID: strings.Join([]string{
			line, q.AgentID, q.AgentName, q.QueueID, q.QueueName, sec(q.ContactMs), sec(q.WrapMs), fmt.Sprint(q.Answered), "0",
		}, ";")}
	}
	a := i.Agent
	return map[string]string{"Agent/" + key + "/" + a.AgentID: strings.Join([]string{
		line, a.AgentID, a.AgentName, sec(a.LoginMs - a.NotReadyMs), sec(a.LoginMs), sec(a.NotReadyMs), sec(a.AvailableMs), "0", fmt.Sprint(a.DirectOut), "0", "0", "0",
	}, ";")}
}

func TestLogServerSuite(t *testing.T) {
	t.Parallel()
	deliverytest.Run(t, deliverytest.Case{
		Registration: Registration, YAML: "logserver: {dir: '${DIR}/wfm'}\n", Cannot: deliverytest.NoNetwork("files are written, and nobody answers"),
		Destination: func(_ *testing.T, s deliverytest.Setting) deliverytest.Destination {
			return reads(s, vendor.ReadLogServer, logServerShows)
		},
	})
}

func TestQueueImportSuite(t *testing.T) {
	t.Parallel()
	deliverytest.Run(t, deliverytest.Case{
		Registration: Registration, YAML: "queue_import: {dir: '${DIR}/wfm'}\n", Cannot: deliverytest.NoNetwork("files are written, and nobody answers"),
		Destination: func(_ *testing.T, s deliverytest.Setting) deliverytest.Destination {
			return reads(s, vendor.ReadQueueImport, func(i delivery.Item) map[string]string {
				at := time.UnixMilli(i.Start).UTC()
				return map[string]string{at.Format("2006-01-02/15:04/") + i.Queue.QueueID: queueCells(i)}
			})
		},
	})
}
