package schemas

import (
	"strings"
	"testing"

	"github.com/linkedin/goavro/v2"
)

func TestAll(t *testing.T) {
	all := All()
	if len(all) != 15 {
		t.Errorf("got %d schemas, want the 6 facts and marks, 4 rows, and the rest", len(all))
	}
	for _, s := range all {
		if full, err := NameOf(s.JSON); err != nil || full != s.Full || s.Full != "quarterhour."+s.Name {
			t.Errorf("%s: %q %v", s.Name, full, err)
		}
		if _, err := goavro.NewCodec(s.JSON); err != nil {
			t.Errorf("%s: goavro: %v", s.Name, err)
		}
		if strings.Contains(s.JSON, "\n") {
			t.Errorf("%s: schema is not compact", s.Name)
		}
		for _, f := range s.typ.Fields { // every column of a table and of the reference has its meaning
			if f.Doc == "" {
				t.Errorf("%s: field %q has no doc", s.Name, f.Name)
			}
		}
	}
	if s := Of[AgentQueueInterval](); s.Full != "quarterhour.agent_queue_interval" {
		t.Error(s.Full)
	}
}

func TestNameOf(t *testing.T) {
	f := func(schema, want, fault string) {
		t.Helper()
		got, err := NameOf(schema)
		if got != want || (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: got %q, %v; want %q, %q", schema, got, err, want, fault)
		}
	}
	f(`{"type":"record","name":"r","namespace":"a.b","fields":[]}`, "a.b.r", "")
	f(`{"type":"record","name":"c.r","namespace":"a.b","fields":[]}`, "c.r", "")
	f(`{"type":"record","name":"r","fields":[]}`, "r", "")
	f(`"string"`, "", "not a record")
	f(`{"type":"record"}`, "", "name")
	f(`nonsense`, "", "not JSON")
}
