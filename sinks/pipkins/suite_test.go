package pipkins

import (
	"fmt"
	"testing"
	"time"

	simulated "github.com/quarterhour/quarterhour/internal/simulator/pipkins"
	"github.com/quarterhour/quarterhour/sinks/columns"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/deliverytest"
)

// shows is what the site has for an item in the usual columns.
func shows(i delivery.Item) map[string]string {
	at := time.UnixMilli(i.Start).UTC().Format(time.RFC3339)
	s := func(ms int64) int64 { return columns.Seconds(ms) }
	switch {
	case i.Queue != nil:
		q := i.Queue
		return map[string]string{"queue/" + at + "/" + q.QueueID: fmt.Sprintf("%s|%s|%s|%d|%d|%d", at, q.QueueID, q.QueueName, q.Offered, q.Answered, s(q.ContactMs))}
	case i.AgentQueue != nil:
		q := i.AgentQueue
		return map[string]string{"agentqueue/" + at + "/" + q.AgentID + "/" + q.QueueID: fmt.Sprintf("%s|%s|%s|%s|%s|%d|%d|%d",
			at, q.QueueID, q.QueueName, q.AgentID, q.AgentName, s(q.ContactMs), q.Answered, q.Completed)}
	default:
		q := i.Agent
		return map[string]string{"agent/" + at + "/" + q.AgentID: fmt.Sprintf("%s|%s|%s|%d|%d", at, q.AgentID, q.AgentName, s(q.LoginMs), q.DirectOut)}
	}
}

const latin = "encoding: windows-1252\nunencodable: refuse\n"

// foreign gives an item a name that cannot be written so.
func foreign(i *delivery.Item) bool {
	if i.Queue != nil {
		i.Queue.QueueName = "販売"
	}
	return i.Queue != nil
}

func TestSuiteFolder(t *testing.T) {
	t.Parallel()
	deliverytest.Run(t, deliverytest.Case{
		Registration: Registration, YAML: "folder: ${DIR}\n" + latin,
		Cannot: deliverytest.NoNetwork("files are written, and nobody answers"),
		Destination: func(t *testing.T, s deliverytest.Setting) deliverytest.Destination {
			site := simulated.New(s.Watch, simulated.Options{Latin: true})
			return deliverytest.Destination{
				Holds: func() map[string]string {
					if err := site.Scan(s.Dir); err != nil {
						t.Error(err)
					}
					return site.Holds()
				},
				Shows: shows, Violations: site.Violations, Poison: foreign,
			}
		},
	})
}

func TestSuiteHTTPS(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"raw", "multipart"} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			yaml := "https: {url: '${URL}', body: " + body + ", auth: {type: basic, username: acme, password: hunter2}}\nstate: ${DIR}\n"
			field := ""
			if body == "multipart" {
				field = "file"
			}
			deliverytest.Run(t, deliverytest.Case{
				Registration: Registration, YAML: yaml, Secrets: []string{"hunter2"},
				Destination: func(_ *testing.T, s deliverytest.Setting) deliverytest.Destination {
					site := simulated.New(s.Watch, simulated.Options{Username: "acme", Password: "hunter2", Field: field, Unknown: []string{"nobody"}})
					return deliverytest.Destination{
						Handler: site, Holds: site.Holds, Shows: shows, Violations: site.Violations,
						Poison: func(i *delivery.Item) bool {
							if i.Queue != nil {
								i.Queue.QueueID = "nobody"
							}
							return i.Queue != nil
						},
					}
				},
			})
		})
	}
}

func TestSuiteSFTP(t *testing.T) {
	t.Parallel()
	for _, without := range []bool{false, true} {
		t.Run(fmt.Sprintf("posix-rename %t", !without), func(t *testing.T) {
			t.Parallel()
			site, env := new(simulated.Server), map[string]string{}
			c := deliverytest.Case{
				Registration: Registration, Env: env, Secrets: []string{"hunter2"},
				Cannot: deliverytest.NoHTTP("SFTP has no such answers"),
				YAML:   "sftp: {address: '${ADDRESS}', username: acme, password: hunter2, fingerprint: '${FINGERPRINT}', path: /inbound}\nstate: ${DIR}\n" + latin,
				Destination: func(t *testing.T, s deliverytest.Setting) deliverytest.Destination {
					site = simulated.New(s.Watch, simulated.Options{Username: "acme", Password: "hunter2", NoPosixRename: without, Latin: true})
					server, err := site.ServeSFTP()
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { _ = server.Close() })
					env["FINGERPRINT"] = server.Fingerprint
					return deliverytest.Destination{Address: server.Addr, Holds: site.Holds, Shows: shows, Violations: site.Violations, Poison: foreign}
				},
			}
			deliverytest.Run(t, c)
		})
	}
}
