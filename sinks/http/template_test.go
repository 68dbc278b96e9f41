package http

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/columns"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

func readCSV(t testing.TB, text []byte) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestParse(t *testing.T) {
	f := func(text, rest string, want ...hole) {
		t.Helper()
		holes, got, err := parse(text)
		if diff := cmp.Diff(want, holes, cmp.AllowUnexported(hole{})); err != nil || diff != "" || got != rest {
			t.Errorf("%s: rest %q, %v\n%s", text, got, err, diff)
		}
	}
	f("plain", "plain")
	f(`a{{ b }}c`, "c", hole{before: "a", expr: "b"})
	f(`"{{b}}" {{c}}`, "", hole{before: `"`, expr: "b", quoted: true}, hole{before: `" `, expr: "c"})
	f(`"\"{{b}}"`, `"`, hole{before: `"\"`, expr: "b", quoted: true})
	f(`{{ {"a": {"b": "}}"}}[state] }}}`, "}", hole{expr: `{"a": {"b": "}}"}}[state]`})
	f("{{ `}}` + '\\'}}' }}", "", hole{expr: "`}}` + '\\'}}'"})
}

// Whatever is parsed can be put together again, and a JSON template stays JSON whatever the values are.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{`{"a": "{{queue_id}}", "b": {{offered}}}`, "rows/{{queue_id}}?x={{queue_name}}", "{{", "}}", `{{"}}"}}`, `["{{queue_name}} \" {{key}}"]`} {
		f.Add(text, "na\"me\\ \n<&>")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		holes, rest, err := parse(text)
		if err != nil {
			return
		}
		size := len(rest)
		for _, h := range holes {
			size += len(h.before) + len(h.expr) + 4
		}
		if size > len(text) {
			t.Fatalf("%q has parts of %d bytes", text, size)
		}
		tm, err := newTemplate("queue_interval", text, &columns.Format{})
		if err != nil {
			return
		}
		i := example("queue_interval")
		before, err := tm.body(i, formatJSON)
		if err != nil {
			return
		}
		i.Queue.QueueID, i.Queue.QueueName = name, name
		after, err := tm.body(i, formatJSON)
		if err == nil && json.Valid(before) && !json.Valid(after) {
			t.Fatalf("%q is JSON, and with %q it is not: %q", text, name, after)
		}
		if path, err := tm.url(i); err == nil && len(holes) > 0 && strings.ContainsAny(strings.TrimPrefix(path, holes[0].before), "\n\x00") && !strings.ContainsAny(text, "\n\x00") {
			t.Fatalf("path %q", path)
		}
		if header, err := tm.header(i); err == nil && strings.ContainsAny(header, "\r\n") && !strings.ContainsAny(text, "\r\n") {
			t.Fatalf("header %q", header)
		}
	})
}

// A record in XML or CSV has one record in it, whatever its texts are.
func FuzzRecord(f *testing.F) {
	f.Add("a", "b")
	f.Add("</record>", "\"x\",\r\ny]]>")
	f.Fuzz(func(t *testing.T, id, name string) {
		i := example("queue_interval")
		i.Queue.QueueID, i.Queue.QueueName = id, name
		for _, format := range []string{"json", "ndjson", "xml", "csv"} {
			o, err := parsed(t, "url: https://x.test\nformat: "+format+"\nrecords: {queue_interval: {fields: {q.id: queue_id, name: queue_name}}}\n", "")
			if err != nil {
				t.Fatal(err)
			}
			record, err := o.compile(func(string, string) {})["queue_interval"].record(i)
			if err != nil {
				t.Fatal(err)
			}
			switch format {
			case "xml":
				if err := wellFormed(record, formatXML); err != nil {
					t.Fatalf("%q: %v", record, err)
				}
			case "csv":
				if rows := readCSV(t, record); len(rows) != 1 || len(rows[0]) != 2 {
					t.Fatalf("%q", record)
				}
			default:
				if !json.Valid(record) {
					t.Fatalf("%q", record)
				}
			}
		}
	})
}

// The name and the revision of a record may stand within expressions, as they may alone.
func TestKeyAndRevisionInExpressions(t *testing.T) {
	row := &delivery.Item{Key: "queue/q1", Revision: 7, Queue: &schemas.QueueInterval{IntervalSeconds: 900, Revision: 7}}
	fact := &delivery.Item{Key: "contact/c1", Revision: 4711, Contact: &schemas.Contact{Revision: 2}}
	f := func(kind string, i *delivery.Item, text, want string) {
		t.Helper()
		tmpl, err := newTemplate(kind, text, &columns.Format{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		if got, err := tmpl.header(i); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", text, got, err, want)
		}
	}
	f("queue_interval", row, "{{key}}-{{revision}}", "queue/q1-7")
	f("queue_interval", row, "{{upper(key)}}", "QUEUE/Q1")
	f("queue_interval", row, "{{revision * 2}} {{interval_seconds}}", "14 900")
	f("contact", fact, "{{upper(key)}} {{revision}} {{revision + 1}}", "CONTACT/C1 4711 4712")
}
