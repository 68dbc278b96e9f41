package transform_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

func drawKey(t *rapid.T) transform.Key {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "/", "%", "\x00", "Sales / EU", "Ünïcode"}))
	k := transform.Key{
		Kind: rapid.SampledFrom([]string{transform.KindQueue, transform.KindAgentQueue, transform.KindAgent}).Draw(t, "kind"), Tenant: text.Draw(t, "tenant"),
		Start: rapid.Int64Range(0, 4_000_000_000).Draw(t, "start") * 1000,
	}
	if k.Kind != transform.KindAgent {
		k.QueueID, k.Channel = text.Draw(t, "queue"), text.Draw(t, "channel")
	}
	if k.Kind != transform.KindQueue {
		k.AgentID = text.Draw(t, "agent")
	}
	return k
}

func keyBytes(k transform.Key) []byte {
	switch k.Kind {
	case transform.KindQueue:
		return transform.AppendQueueKey(nil, &schemas.QueueInterval{Tenant: k.Tenant, IntervalStart: k.Start, QueueID: k.QueueID, Channel: k.Channel})
	case transform.KindAgent:
		return transform.AppendAgentKey(nil, &schemas.AgentInterval{Tenant: k.Tenant, IntervalStart: k.Start, AgentID: k.AgentID})
	}
	return transform.AppendAgentQueueKey(nil, &schemas.AgentQueueInterval{Tenant: k.Tenant, IntervalStart: k.Start, AgentID: k.AgentID, QueueID: k.QueueID, Channel: k.Channel})
}

func TestKeysComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, other := drawKey(t), drawKey(t)
		if got, err := transform.DecodeKey(keyBytes(k)); err != nil || got != k {
			t.Fatalf("%+v came back from bytes as %+v, %v", k, got, err)
		}
		if got, err := transform.ParseKey(transform.FormatKey(k)); err != nil || got != k {
			t.Fatalf("%q came back as %+v, %v", transform.FormatKey(k), got, err)
		}
		if (k == other) != bytes.Equal(keyBytes(k), keyBytes(other)) {
			t.Fatalf("%+v and %+v have the keys %q and %q", k, other, keyBytes(k), keyBytes(other))
		}
	})
}

func TestKeysForPeople(t *testing.T) {
	k := transform.Key{Kind: transform.KindAgentQueue, Tenant: "acme", Start: 917849700000, AgentID: "TOVA", QueueID: "P/S", Channel: "voice"}
	if got, want := transform.FormatKey(k), "agent_queue/acme/1999-02-01T06:15:00Z/TOVA/P%2FS/voice"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, bad := range []string{"", "queue", "team/acme/1999-02-01T06:15:00Z/x", "agent/acme/yesterday/x", "agent/acme/1999-02-01T06:15:00Z/x/y", "agent/acme/1999-02-01T06:15:00Z/%"} {
		if k, err := transform.ParseKey(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, k)
		}
	}
}

func FuzzDecodeKey(f *testing.F) {
	f.Add(keyBytes(transform.Key{Kind: transform.KindQueue, Tenant: "acme", Start: 917849700000, QueueID: "PS", Channel: "voice"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := transform.DecodeKey(b); err == nil {
			if again, err := transform.DecodeKey(keyBytes(k)); err != nil || again != k {
				t.Fatalf("%q decodes to %+v, which decodes to %+v, %v", b, k, again, err)
			}
		}
	})
}
