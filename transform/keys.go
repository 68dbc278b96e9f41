package transform

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
)

// Key names one interval row.
type Key struct {
	Kind    string // queue, agent_queue or agent
	Tenant  string
	Start   int64  // milliseconds since 1970, UTC
	AgentID string // of agent_queue and agent
	QueueID string // of queue and agent_queue
	Channel string // of queue and agent_queue
}

// The kinds of row.
const (
	KindQueue      = "queue"
	KindAgentQueue = "agent_queue"
	KindAgent      = "agent"
)

// The first byte of a row's key in a topic.
const (
	byteQueue      = 'q'
	byteAgentQueue = 'x'
	byteAgent      = 'a'
)

// AppendQueueKey appends the row's key as bytes: the same bytes for the same row and for no other.
func AppendQueueKey(dst []byte, r *schemas.QueueInterval) []byte {
	dst = appendStart(dst, byteQueue, r.Tenant, r.IntervalStart)
	return appendText(appendText(dst, r.QueueID), r.Channel)
}

// AppendAgentQueueKey appends the row's key as bytes.
func AppendAgentQueueKey(dst []byte, r *schemas.AgentQueueInterval) []byte {
	dst = appendStart(dst, byteAgentQueue, r.Tenant, r.IntervalStart)
	return appendText(appendText(appendText(dst, r.AgentID), r.QueueID), r.Channel)
}

// AppendAgentKey appends the row's key as bytes.
func AppendAgentKey(dst []byte, r *schemas.AgentInterval) []byte {
	return appendText(appendStart(dst, byteAgent, r.Tenant, r.IntervalStart), r.AgentID)
}

func appendStart(dst []byte, kind byte, tenant string, start int64) []byte {
	return binary.BigEndian.AppendUint64(appendText(append(dst, kind), tenant), uint64(start))
}

// appendText writes the length first, so that no text can run into the next.
func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

var errKey = errors.New("not the key of an interval row")

// DecodeKey reads what the Append functions wrote.
func DecodeKey(b []byte) (Key, error) {
	if len(b) == 0 {
		return Key{}, errKey
	}
	var k Key
	fields := []*string{&k.QueueID, &k.Channel}
	switch b[0] {
	case byteQueue:
		k.Kind = KindQueue
	case byteAgentQueue:
		k.Kind, fields = KindAgentQueue, []*string{&k.AgentID, &k.QueueID, &k.Channel}
	case byteAgent:
		k.Kind, fields = KindAgent, []*string{&k.AgentID}
	default:
		return Key{}, errKey
	}
	b, ok := cutText(b[1:], &k.Tenant)
	if !ok || len(b) < 8 {
		return Key{}, errKey
	}
	k.Start, b = int64(binary.BigEndian.Uint64(b)), b[8:]
	for _, f := range fields {
		if b, ok = cutText(b, f); !ok {
			return Key{}, errKey
		}
	}
	if len(b) > 0 {
		return Key{}, errKey
	}
	return k, nil
}

func cutText(b []byte, s *string) ([]byte, bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, false
	}
	end := size + int(n)
	*s = string(b[size:end])
	return b[end:], true
}

// FormatKey writes a key for people, as queue/acme/1999-02-01T06:15:00Z/PS/voice: the kind, the tenant, the interval's start in
// UTC, then agent, queue and channel as the kind has them, with slashes, blanks, % and
// control characters as % and two hexadecimal digits.
func FormatKey(k Key) string {
	parts := []string{k.Kind, escape(k.Tenant), time.UnixMilli(k.Start).UTC().Format(time.RFC3339)}
	if k.Kind != KindQueue {
		parts = append(parts, escape(k.AgentID))
	}
	if k.Kind != KindAgent {
		parts = append(parts, escape(k.QueueID), escape(k.Channel))
	}
	return strings.Join(parts, "/")
}

// ParseKey reads what FormatKey writes.
func ParseKey(s string) (Key, error) {
	parts := strings.Split(s, "/")
	k := Key{Kind: parts[0]}
	fields := []*string{&k.AgentID, &k.QueueID, &k.Channel}
	switch k.Kind {
	case KindQueue:
		fields = fields[1:]
	case KindAgent:
		fields = fields[:1]
	case KindAgentQueue:
	default:
		return Key{}, fmt.Errorf("row key %q begins with %q: use queue, agent_queue or agent, as queue/TENANT/1999-02-01T06:15:00Z/QUEUE/CHANNEL", s, k.Kind)
	}
	if len(parts) != 3+len(fields) {
		return Key{}, fmt.Errorf("row key %q has %d parts, not %d: write %s", s, len(parts), 3+len(fields), shapes[k.Kind])
	}
	at, err := time.Parse(time.RFC3339, parts[2])
	if err != nil {
		return Key{}, fmt.Errorf("row key %q: the interval's start is %q, not as 1999-02-01T06:15:00Z", s, parts[2])
	}
	k.Start = at.UnixMilli()
	for i, f := range append([]*string{&k.Tenant}, fields...) {
		part := parts[1]
		if i > 0 {
			part = parts[2+i]
		}
		if *f, err = unescape(part); err != nil {
			return Key{}, fmt.Errorf("row key %q: %q has a %% without two hexadecimal digits: write %% itself as %%25", s, part)
		}
	}
	return k, nil
}

func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == '/' || c == '%' || c == 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func unescape(s string) (string, error) {
	var b strings.Builder
	for {
		plain, rest, found := strings.Cut(s, "%")
		if b.WriteString(plain); !found {
			return b.String(), nil
		}
		if len(rest) < 2 {
			return "", strconv.ErrSyntax
		}
		c, err := strconv.ParseUint(rest[:2], 16, 8)
		if err != nil {
			return "", err
		}
		b.WriteByte(byte(c))
		s = rest[2:]
	}
}

var shapes = map[string]string{
	KindQueue: "queue/TENANT/START/QUEUE/CHANNEL", KindAgentQueue: "agent_queue/TENANT/START/AGENT/QUEUE/CHANNEL", KindAgent: "agent/TENANT/START/AGENT",
}
