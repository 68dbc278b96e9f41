package file

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/linkedin/goavro/v2"

	"github.com/quarterhour/quarterhour/ingest/rows"
	"github.com/quarterhour/quarterhour/schemas"
)

// simple maps a row's id, q and at; the facts of a run come back as "id|queue|offered", the dead letters as "line reason".
const simple = "\nas: contact\nfields: {interaction_id: id, queue_id: q, offered_at: at}\n"

func facts(got *recorded) (list []string) {
	for _, c := range got.contacts {
		at := "-"
		if c.OfferedAt != schemas.Null {
			at = fmt.Sprint(c.OfferedAt / 1000)
		}
		list = append(list, c.InteractionID+"|"+c.QueueID+"|"+at)
	}
	return list
}

func dead(got *recorded) (list []string) {
	for _, d := range got.dead {
		list = append(list, d.Location[strings.LastIndexByte(d.Location, ':')+1:]+" "+d.Reason)
	}
	return list
}

func read(t *testing.T, name, content, options string) *recorded {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	write(t, path, content)
	got := &recorded{}
	if err := drain(t, parseOptions(t, "path: "+path+options), got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestDelimited(t *testing.T) {
	f := func(name, content, options string, wantFacts, wantDead []string) {
		t.Helper()
		got := read(t, name, content, simple+options)
		if diff := cmp.Diff(wantFacts, facts(got)); diff != "" {
			t.Errorf("%q: facts %s", content, diff)
		}
		if diff := cmp.Diff(wantDead, dead(got)); diff != "" {
			t.Errorf("%q: dead letters %s", content, diff)
		}
	}
	list := func(s ...string) []string { return s }
	f("a.csv", "id,q,at\n1,x,1970-01-01 00:01\n", "", list("1|x|60"), nil)
	f("a.csv", "id,q,at\r\n1,x,\r\n\r\n2,,\r\n", "", list("1|x|-", "2||-"), nil)           // CRLF, an empty line
	f("a.csv", "id,q,at\n1,x,", "", list("1|x|-"), nil)                                    // no line break at the end
	f("a.csv", "\xef\xbb\xbfid,q,at\n1,x,\n", "", list("1|x|-"), nil)                      // byte order mark
	f("a.csv", "\xef\xbb\xbf\"id\",q,at\n1,x,\n", "", list("1|x|-"), nil)                  // and a quote after it
	f("a.csv", "id , q,at\n1,x,\n", "", list("1|x|-"), nil)                                // spaces around names
	f("a.csv", "id,q,at\n1,\"x, \"\"y\"\"\",\n", "", list(`1|x, "y"|-`), nil)              // RFC 4180
	f("a.csv", "id,q,at\n1,\"x\r\ny\",\n2,z\n", "", list("1|x\r\ny|-"), list("4 columns")) // line breaks inside count
	f("a.csv", "id,q,at\n1,5\" pipe,\n", "", list(`1|5" pipe|-`), nil)                     // a quote that opens nothing
	f("a.csv", "id,q,at\n1,\"x\",\"\"\n2,\"\",\"\"", "", list("1|x|-", "2||-"), nil)       // quoted to the end
	f("a.csv", "id,q,at\n1,\"x\"y,\n2,z,\n", "", list("2|z|-"), list("2 quotes"))          // text after a quote
	f("a.csv", "id,q,at\n1,\"x,\n2,z,\n3,w,\n", "", list("2|z|-", "3|w|-"), list("2 quotes"))
	f("a.csv", "id,q,at\n1,\"x,\n2,z,\n", "quotes: false", list(`1|"x|-`, "2|z|-"), nil)
	f("a.csv", "id,q,at\n1,x\n2,x,,,\n3,x,\n", "", list("3|x|-"), list("2 columns", "3 columns"))
	f("a.csv", "id,q,at\n,x,\n2,x,soon\n3,\xff,\n4,x,\n", "", list("4|x|-"), list("2 no_identity", "3 expression", "4 encoding"))
	f("a.csv", "id;q;at\n1;x;\n", "delimiter: ;", list("1|x|-"), nil)
	f("a.tsv", "id\tq\tat\n1\tx,y\t\n", "", list("1|x,y|-"), nil)
	f("a.txt", "id\tq\tat\n1\tx,y\t\n", "", list("1|x,y|-"), nil) // by content
	f("a.csv", "1,x,\n2,x,\n", "header: false\ncolumns: [id, q, at]", list("1|x|-", "2|x|-"), nil)
	f("a.csv", "foo,bar,baz\n1,x,\n", "columns: [id, q, at]", list("1|x|-"), nil)
	f("a.csv", "id,q,at\n1,NONE,\n2,n/a,\n", "null_values: [NONE, n/a]", list("1||-", "2||-"), nil)
	f("a.csv", "id,q,at\n1,x,\n2,y,\n", "where: q != \"x\"", list("2|y|-"), nil)
	f("a.csv", "id,q,at\n1,x,\n2,y,\n", "let: {wanted: q == \"x\"}\nwhere: wanted", list("1|x|-"), nil)
	f("a.csv", "id,q,at\n", "", nil, nil)
	f("a.csv", "id,q,at\n"+strings.Repeat("x", rows.MaxRow+10)+"\n2,x,\n", "", list("2|x|-"), list("2 too_long"))
	// a quote that is not closed within the size of a row costs its own line
	long := strings.Repeat("x", 99_999) + "\n"
	f("a.csv", "id,q,at\n1,\"\n"+strings.Repeat(long, 11)+"2,\"x\",\n", "", list("2|x|-"), append(list("2 quotes"),
		"3 columns", "4 columns", "5 columns", "6 columns", "7 columns", "8 columns", "9 columns", "10 columns", "11 columns", "12 columns", "13 columns"))
}

func TestLines(t *testing.T) {
	f := func(content, options string, wantFacts, wantDead []string) {
		t.Helper()
		got := read(t, "a.jsonl", content, options)
		if diff := cmp.Diff(wantFacts, facts(got)); diff != "" {
			t.Errorf("%q: facts %s", content, diff)
		}
		if diff := cmp.Diff(wantDead, dead(got)); diff != "" {
			t.Errorf("%q: dead letters %s", content, diff)
		}
	}
	list := func(s ...string) []string { return s }
	f(`{"id":"1","q":"x","at":60000}`+"\n\n"+`{"at":null,"id":2}`, simple, list("1|x|60", "2||-"), nil)
	f(`{"id":"\u00e9\n\ud83d\ude00\/","q":"x","more":{"deep":[1,{"id":"no"}],"t":true}}`, simple, list("é\n😀/|x|-"), nil)
	f(`{"id":12345678901234567890,"q":1.50,"at":1e3}`, simple, list("12345678901234567890|1.5|1"), nil)
	f(`{"a":{"id":7,"q":{"name":"x"}},"tags":["u","v"]}`, "\nas: contact\nfields: {interaction_id: a.id, queue_id: 'a.q.name + \"/\" + tags[1]'}\n", list("7|x/v|-"), nil)
	f(`{"the id":7,"q":"x"}`, "\nas: contact\nfields: {interaction_id: 'row[\"the id\"]', queue_id: q}\n", list("7|x|-"), nil)
	f(`{"interaction_id":"7","queue_id":"x","offered_at":"1970-01-01T00:01:00Z","unknown":1}`, "\nas: contact\n", list("7|x|60"), nil)
	f("{\"id\":1}\n[1]\n{\"id\":}\n{\"id\":2} x\n{\"id\":\"\xff\"}\n{\"id\":01}\n{\"id\":9\n{\"id\":3}", simple,
		list("1||-", "3||-"), list("2 json", "3 json", "4 json", "5 encoding", "6 json", "7 json"))
	f(strings.Repeat("[", 1000)+"\n{\"id\":"+strings.Repeat("[", 1000), simple, nil, list("1 json", "2 json"))
}

func TestCompressed(t *testing.T) {
	content := []byte("id,q,at\n1,x,\n2,y,\n")
	var gz, zst bytes.Buffer
	g := gzip.NewWriter(&gz)
	_, _ = g.Write(content)
	g.Close()
	z, _ := zstd.NewWriter(&zst)
	_, _ = z.Write(content)
	z.Close()
	for name, data := range map[string]string{"a.csv.gz": gz.String(), "a.csv.zst": zst.String(), "renamed.csv": gz.String()} {
		if diff := cmp.Diff([]string{"1|x|-", "2|y|-"}, facts(read(t, name, data, simple))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAvro(t *testing.T) {
	schema := `{"type":"record","name":"call","fields":[{"name":"id","type":"string"},{"name":"q","type":["null","string"]},
		{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}}]}`
	var data bytes.Buffer
	w, err := goavro.NewOCFWriter(goavro.OCFConfig{W: &data, Schema: schema, CompressionName: "deflate"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		row := map[string]any{"id": fmt.Sprint(i), "q": goavro.Union("string", "x"), "at": int64(60_000 * i)}
		if i == 2 {
			row["q"] = nil
		}
		if err := w.Append([]any{row}); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "a.avro")
	write(t, path, data.String())
	got, o := &recorded{}, parseOptions(t, "path: "+path+simple)
	for range 2 { // the second run finds nothing new
		if err := drain(t, o, got); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"0|x|0", "1|x|60", "2||120"}, facts(got)); diff != "" {
		t.Error(diff)
	}
}

// Values of all Avro types arrive as what they are; a row that is no good is shown as JSON.
func TestAvroValues(t *testing.T) {
	schema := `{"type":"record","name":"call","fields":[{"name":"id","type":"long"},{"name":"talk","type":"double"},{"name":"raw","type":"bytes"},
		{"name":"gone","type":"boolean"},{"name":"q","type":{"type":"record","name":"queue","fields":[{"name":"name","type":"string"}]}},
		{"name":"tags","type":{"type":"array","items":"string"}},{"name":"kind","type":{"type":"enum","name":"kinds","symbols":["won","lost"]}}]}`
	var data bytes.Buffer
	w, err := goavro.NewOCFWriter(goavro.OCFConfig{W: &data, Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"won", "lost"} {
		err := w.Append([]any{map[string]any{"id": 7, "talk": 1.5, "raw": []byte("r"), "gone": true, "q": map[string]any{"name": "x"}, "tags": []any{"u", "v"}, "kind": kind}})
		if err != nil {
			t.Fatal(err)
		}
	}
	got := read(t, "a.avro", data.String(), `
as: contact
fields:
  interaction_id: id
  talk_ms: seconds(talk)
  agent_id: raw
  retracted: gone
  queue_id: q.name + tags[1]
  outcome: '{"won": "handled", "lost": "gone"}[kind]'
`)
	want := schemas.Contact{InteractionID: "7", TalkMs: 1500, AgentID: "r", Retracted: true, QueueID: "xv", Outcome: schemas.OutcomeHandled,
		OfferedAt: schemas.Null, AnsweredAt: schemas.Null, EndedAt: schemas.Null, WrapEndedAt: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null}
	if diff := cmp.Diff([]schemas.Contact{want}, got.contacts); diff != "" {
		t.Error(diff)
	}
	if len(got.dead) != 1 || !strings.HasSuffix(got.dead[0].Location, ":record 2") || !strings.Contains(string(got.dead[0].Payload), `"kind":"lost"`) {
		t.Errorf("%+v", got.dead)
	}
}

// shown is an ingest.Progress that keeps what it was told last.
type shown struct{ done, total int64 }

func (s *shown) Report(_ string, done, total int64, _ string) { s.done, s.total = done, total }

func TestProgress(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.csv"), "id,q,at\n1,x,\n")
	write(t, filepath.Join(dir, "b.csv"), "id,q,at\n"+strings.Repeat("1,x,\n", 3*pulse))
	o, bar, got := parseOptions(t, "path: "+dir+"/*.csv"+simple), &shown{}, &recorded{}
	for range 2 { // what was read before counts as done
		d := deps(true)
		d.Progress = bar
		s, err := Registration.Open(o, d)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(t.Context(), got.cursor, got); err != nil {
			t.Fatal(err)
		}
		if want := int64(13 + 8 + 5*3*pulse); bar.done != want || bar.total != want {
			t.Errorf("%d of %d bytes, want %d", bar.done, bar.total, want)
		}
		bar.done = 0
	}
}

func TestAgentStates(t *testing.T) {
	got := read(t, "a.csv", "agent,at,state\nann,1970-01-01 00:01,ready\nann,,ready\n,1970-01-01 00:01,ready\nann,1970-01-01 00:02,lunch\nbob,1970-01-01 00:03,busy\n", `
as: agent_state
fields:
  agent_id: agent
  started_at: at
  state: '{"ready": "available", "busy": "on_contact"}[state] ?? state'
`)
	var states []string
	for _, s := range got.states {
		states = append(states, s.AgentID+" "+s.StateID+" "+s.State.String())
	}
	if diff := cmp.Diff([]string{"ann 60000.0 available", "bob 180000.0 on_contact"}, states); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"3 no_identity", "4 no_identity", "5 expression"}, dead(got)); diff != "" {
		t.Error(diff)
	}
	if d := got.dead[2].Detail; !strings.Contains(d, "field state") || !strings.Contains(d, `"lunch" is no state: known are logged_out`) {
		t.Error(d)
	}
	if string(got.dead[2].Payload) != "ann,1970-01-01 00:02,lunch" {
		t.Errorf("payload %q", got.dead[2].Payload)
	}
}

func TestShifts(t *testing.T) {
	got := read(t, "a.csv", "who,from,to,what\nann,1970-01-01 08:00,1970-01-01 16:00,Phone\nann,1970-01-01 12:00,1970-01-01 12:30,Lunch\nann,1970-01-02 08:00,,Phone\n", `
as: shift
fields:
  agent_id: who
  starts_at: from
  ends_at: to
  activity: 'what == "Phone" ? "" : what'
`)
	want := []schemas.Shift{
		{ShiftID: "28800000.", AgentID: "ann", StartsAt: 28_800_000, EndsAt: 57_600_000},
		{ShiftID: "43200000.Lunch", AgentID: "ann", StartsAt: 43_200_000, EndsAt: 45_000_000, Activity: "Lunch"},
	}
	if diff := cmp.Diff(want, got.shifts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"4 no_identity"}, dead(got)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int64{86_400_000}, got.marks); diff != "" {
		t.Error(diff)
	}
}

func TestStop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	write(t, path, "id,q,at\n1,x,\n2,x,soon\n3,x,\n")
	got := &recorded{}
	err := drain(t, parseOptions(t, "path: "+path+simple+"on_error: stop"), got)
	if err == nil || !strings.HasPrefix(err.Error(), path+":3: expression: field offered_at: ") {
		t.Error(err)
	}
}

func TestSourceErrors(t *testing.T) {
	f := func(name, content, options, want string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), name)
		write(t, path, content)
		err := drain(t, parseOptions(t, "path: "+path+options), &recorded{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	f("a.csv", "id,quene,at\n", simple, `unknown column "q"`)
	f("a.csv", "id;q;at\n", simple, "the header is one column, \"id;q;at\": set `delimiter`")
	f("a.csv", "id,q,q,at\n", simple, `two columns "q"`)
	f("a.csv", "\xff\xfei\x00d\x00", simple, "UTF-16: convert it")
	f("a.avro", "id,q,at\n", simple, "not an Avro container")
	f("a.csv", "id,q,at\n", "\ncompression: gzip"+simple, "is not gzip")
	f("a.csv.gz", "\x1f\x8b\x08\x00", simple, "is not gzip")
	o := parseOptions(t, "path: /nowhere/*.csv"+simple)
	if err := drain(t, o, &recorded{}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Error(err)
	}
}

// People are no events: reading them promises nothing.
func TestWorkers(t *testing.T) {
	got := read(t, "people.csv", "id,mail\n7,Dana@Example.TEST\n,x\n8,\n", "\nas: worker\nfields: {worker_id: id, email: mail}\n")
	if diff := cmp.Diff([]string{"7 dana@example.test true", "8  true"}, got.workers); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"3 no_identity"}, dead(got)); diff != "" || len(got.marks) > 0 {
		t.Errorf("%s; marks %v", diff, got.marks)
	}
}
