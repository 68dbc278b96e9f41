package file

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

const bankHeader = "vru+line\tcall_id\tpriority\ttype\tdate\tvru_entry\tvru_exit\tvru_time\tq_start\tq_exit\tq_time\toutcome\tser_start\tser_exit\tser_time\tserver\n"

// The shipped mapping of the bank's calls, on rows with the oddities that the real ones have.
func TestBankCalls(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "pipelines", "examples", "bank-calls.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Ingest struct{ Calls yaml.Node }
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	f := func(row, want string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "calls.tsv")
		write(t, path, bankHeader+strings.ReplaceAll(row, " ", "\t")+"\n")
		o := new(Options)
		problems := spec.Decode(&doc.Ingest.Calls, o, spec.Source{File: "bank-calls.yaml", Env: spec.Environment{"BANK_CALLS": path}, Also: []string{"type"}})
		if err := spec.Err(problems); err != nil {
			t.Fatal(err)
		}
		o.Zone, _ = time.LoadLocation("Asia/Jerusalem")
		got := &recorded{}
		if err := drain(t, o, got); err != nil {
			t.Fatal(err)
		}
		have := ""
		for _, c := range got.contacts {
			at := func(ms int64) string {
				if ms == schemas.Null {
					return "-"
				}
				return time.UnixMilli(ms).In(o.Zone).Format("02T15:04:05")
			}
			have = fmt.Sprintf("%s %s %s %s %s %s %s", c.InteractionID, c.QueueID, c.AgentID, at(c.OfferedAt), at(c.AnsweredAt), at(c.EndedAt), c.Outcome)
		}
		if diff := cmp.Diff(want, have); diff != "" || len(got.dead) > 0 {
			t.Errorf("%s: %s %v", row, diff, dead(got))
		}
	}
	// served without waiting: offered when the service starts
	f("AA01 7 0 PS 990201 7:02:47 7:02:56 9 0:00:00 0:00:00 0 AGENT 7:02:55 7:05:41 166 ANN", "AA01/7/990201 PS ANN 01T07:02:55 01T07:02:55 01T07:05:41 handled")
	// waited, then served
	f("AA01 7 0 NE 990201 7:02:47 7:02:56 9 7:02:56 7:04:00 64 AGENT 7:04:01 7:05:41 100 ANN", "AA01/7/990201 NE ANN 01T07:02:56 01T07:04:01 01T07:05:41 handled")
	// served by nobody who is named: counts for its queue
	f("AA01 7 0 PS 990201 7:02:47 7:02:56 9 0:00:00 0:00:00 0 AGENT 7:02:55 7:05:41 166 NO_SERVER", "AA01/7/990201 PS  01T07:02:55 01T07:02:55 01T07:05:41 handled")
	// hung up while waiting; a service start of a call that hung up is not an answer
	f("AA01 7 2 PS 990201 8:09:16 8:09:22 6 8:09:22 8:09:27 5 HANG 0:00:00 0:00:00 0 NO_SERVER", "AA01/7/990201 PS  01T08:09:22 - 01T08:09:27 abandoned")
	f("AA01 7 2 PS 990201 8:09:16 8:09:22 6 8:09:22 8:09:27 5 HANG 8:09:28 8:09:40 12 NO_SERVER", "AA01/7/990201 PS  01T08:09:22 - 01T08:09:27 abandoned")
	// an agent was found, but the service never started
	f("AA01 7 2 PS 990202 13:44:47 13:44:53 6 13:44:53 13:45:06 13 AGENT 0:00:00 0:00:00 0 ANN", "AA01/7/990202 PS ANN 02T13:44:53 - 02T13:45:06 abandoned")
	// past midnight, in service and while waiting
	f("AA01 7 0 PS 990206 23:57:05 23:57:16 11 0:00:00 0:00:00 0 AGENT 23:57:15 0:01:10 235 ANN", "AA01/7/990206 PS ANN 06T23:57:15 06T23:57:15 07T00:01:10 handled")
	f("AA01 7 0 NW 990202 23:59:17 23:59:17 0 23:59:26 0:00:27 61 HANG 0:00:00 0:00:00 0 NO_SERVER", "AA01/7/990202 NW  02T23:59:26 - 03T00:00:27 abandoned")
	f("AA01 7 0 NW 990202 23:59:17 23:59:17 0 23:59:26 0:00:27 61 AGENT 0:00:28 0:02:00 92 ANN", "AA01/7/990202 NW ANN 02T23:59:26 03T00:00:28 03T00:02:00 handled")
	// answered before offered: left to the transform's clock skew
	f("AA01 7 0 PS 990201 7:02:47 7:02:56 9 7:02:56 7:02:57 1 AGENT 7:02:54 7:05:41 167 ANN", "AA01/7/990201 PS ANN 01T07:02:56 01T07:02:54 01T07:05:41 handled")
	// left out
	f("AA01 7 0 PS 990201 7:02:47 7:02:56 9 0:00:00 0:00:00 0 PHANTOM 7:02:55 7:05:41 166 ANN", "")
	f("AA01 7 0 PS 990201 7:02:47 7:02:56 9 0:00:00 0:00:00 0 HANG 0:00:00 0:00:00 0 NO_SERVER", "")
}
