package sqs

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// drawItem draws an item of any kind, every field of its record anything that the field can be.
func drawItem(t *rapid.T) delivery.Item {
	i := delivery.Item{
		Key: rapid.StringN(1, -1, -1).Draw(t, "key"), Tenant: "acme", Revision: rapid.Int64().Draw(t, "revision"), Final: rapid.Bool().Draw(t, "final"),
		Zero: rapid.Bool().Draw(t, "zero"), Start: rapid.Int64().Draw(t, "start"), Seconds: rapid.IntRange(0, 3600).Draw(t, "seconds"),
	}
	v := reflect.ValueOf(place(&i, rapid.SampledFrom(kinds).Draw(t, "kind"))).Elem()
	for n := range v.NumField() {
		name := v.Type().Field(n).Name
		switch p := v.Field(n).Addr().Interface().(type) {
		case *string:
			*p = rapid.String().Draw(t, name)
		case *bool:
			*p = rapid.Bool().Draw(t, name)
		case *int32:
			*p = rapid.Int32().Draw(t, name)
		case *int64:
			*p = rapid.OneOf(rapid.Int64(), rapid.Just(int64(math.MaxInt64)), rapid.Just(int64(schemas.Null))).Draw(t, name)
		case *schemas.Direction:
			*p = schemas.Direction(rapid.IntRange(0, 3).Draw(t, name))
		case *schemas.Outcome:
			*p = schemas.Outcome(rapid.IntRange(0, 5).Draw(t, name))
		case *schemas.State:
			*p = schemas.State(rapid.IntRange(0, 4).Draw(t, name))
		case *[]schemas.NamedValue:
			if rapid.Bool().Draw(t, name) {
				*p = []schemas.NamedValue{{Name: "Break \"5\uFFFE", Value: 7}, {Name: "Lunch", Value: rapid.Int64Min(0).Draw(t, "lunch")}}
			}
		default:
			t.Fatalf("no value for %s", name)
		}
	}
	return i
}

// What goes into a message comes out of it, and SQS takes every character of it.
func TestMessagesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawItem(t)
		body, err := encode(&want, "voice")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range string(body) {
			if c < 0x20 || c == 0xFFFE || c == 0xFFFF || c >= 0xD800 && c < 0xE000 {
				t.Fatalf("SQS takes no %U", c)
			}
		}
		got, err := decode(body, "acme", "voice")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", diff, body)
		}
		again, err := encode(&want, "voice")
		if err != nil || string(again) != string(body) {
			t.Error("not the same the second time")
		}
	})
}

// A message of an older version lacks a field that may be null, one of a newer version has one more.
func TestOtherVersions(t *testing.T) {
	i := delivery.Item{Key: "k", Tenant: "acme", AgentState: &schemas.AgentState{Tenant: "acme", StartedAt: 5, EndedAt: 6, State: schemas.StateWrap}}
	body, err := encode(&i, "voice")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(body), `"ended_at":6`, `"mood":{"good":true}`, 1)
	got, err := decode([]byte(text), "acme", "voice")
	if err != nil {
		t.Fatal(err)
	}
	if s := got.AgentState; s.EndedAt != schemas.Null || s.StartedAt != 5 || s.State != schemas.StateWrap {
		t.Errorf("%+v", s)
	}
}

func TestUnusable(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if _, err := decode([]byte(text), "acme", "voice"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	head := `{"schema":1,"tenant":"acme","pipeline":"voice","key":"k","revision":1,`
	f(`hello`, "not of this shape")
	f(`{"schema":2}`, "another version")
	f(`{"schema":1,"tenant":"umbrella","pipeline":"voice"}`, "a queue of its own")
	f(`{"schema":1,"tenant":"acme","pipeline":"voice"}`, "key is missing")
	f(head+`"kind":"poem"}`, `kind is "poem"`)
	f(head+`"kind":"contact"}`, "no JSON object")
	f(head+`"kind":"contact","record":{"outcome":"vanished"}}`, `field "outcome" is "vanished"`)
	f(head+`"kind":"contact","record":{"queue_id":null}}`, "cannot be null")
	f(head+`"kind":"queue_interval","record":{"offered":1.5}}`, `field "offered"`)
}

func FuzzDecode(f *testing.F) {
	i := delivery.Item{Key: "k", Tenant: "acme", Agent: &schemas.AgentInterval{NotReadyByReason: []schemas.NamedValue{{Name: "Lunch", Value: 1}}}}
	body, err := encode(&i, "voice")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"schema":1,"tenant":"acme","pipeline":"voice","key":"k","kind":"worker","record":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		i, err := decode(body, "acme", "voice")
		if err != nil {
			return
		}
		again, err := encode(&i, "voice")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decode(again, "acme", "voice"); err != nil || !cmp.Equal(i, got) {
			t.Errorf("%v: %s", err, cmp.Diff(i, got))
		}
	})
}

func TestGroups(t *testing.T) {
	pair := delivery.Item{Tenant: "acme", AgentQueue: &schemas.AgentQueueInterval{AgentID: "ann", QueueID: "sales"}}
	f := func(by string, i delivery.Item, want string) {
		t.Helper()
		if got := group(by, &i); got != want {
			t.Errorf("%s: %q, want %q", by, got, want)
		}
	}
	f("tenant", pair, "acme")
	f("agent", pair, "acme/agent/ann")
	f("queue", pair, "acme/queue/sales")
	f("agent", delivery.Item{Tenant: "acme", Queue: &schemas.QueueInterval{QueueID: "sales"}}, "acme/queue/sales")
	f("queue", delivery.Item{Tenant: "acme", Agent: &schemas.AgentInterval{AgentID: "ann"}}, "acme/agent/ann")
	f("queue", delivery.Item{Tenant: "acme", Contact: &schemas.Contact{Source: "five9", InteractionID: "7", QueueID: "sales"}}, "acme/interaction/five9/7")
}

// SQS takes 128 characters of ASCII without blanks; no two have the same.
func TestIdentifiers(t *testing.T) {
	seen := map[string]string{}
	for _, parts := range [][]string{
		{"acme", "agent", "ann"}, {"acme", "agent", "ann müller"}, {"acme", "agent", "ann/7"}, {"acme", "agent/ann", "7"}, {"acme", "agent", strings.Repeat("x", 200)},
		{""}, {"", ""}, {"acme", "agent", strings.Repeat("x", 201)},
	} {
		id := identifier(parts)
		if id == "" || len(id) > 128 || strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c > '~' }) {
			t.Errorf("%q: %q", parts, id)
		}
		name := strings.Join(parts, "\x00")
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %q have the id %q", other, name, id)
		}
		seen[id] = name
	}
}

func TestSize(t *testing.T) {
	i := delivery.Item{Key: "k", Tenant: "acme", Revision: 12, Worker: &schemas.Worker{}}
	o := &outbox{client: &client{o: &Config{}}, pipeline: "voice"}
	e, err := o.entry(&i, 0)
	if err != nil {
		t.Fatal(err)
	}
	attributes := len("kindStringworker") + len("tenantStringacme") + len("pipelineStringvoice") + len("finalStringfalse") + len("schemaNumber1") + len("revisionNumber12")
	if got, want := size(&e), len(aws.ToString(e.MessageBody))+attributes; got != want {
		t.Errorf("%d bytes, want %d", got, want)
	}
}
