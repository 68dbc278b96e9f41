package sqs

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// held is a message that was read and is not settled.
type held struct {
	id, handle string
	key        string
	origin     string // as dead letters name it
	revision   int64
	receives   int           // how often it was read, as the queue counts
	read       time.Time     // by the machine's clock, as are all times of the queue
	hidden     time.Time     // until when
	lost       bool          // the queue does not let it be hidden any longer
	again      time.Duration // after which it may come again, where it goes back into the queue
}

// holding is everything that is held, by message and by key.
type holding struct {
	messages map[string]*held
	keys     map[string][]*held
}

func newHolding() *holding { return &holding{messages: map[string]*held{}, keys: map[string][]*held{}} }

// newest is the greatest revision of a key that is held.
func (h *holding) newest(key string) (revision int64, ok bool) {
	for _, m := range h.keys[key] {
		if !ok || m.revision > revision {
			revision, ok = m.revision, true
		}
	}
	return revision, ok
}

func (h *holding) add(m *held) {
	h.messages[m.id] = m
	h.keys[m.key] = append(h.keys[m.key], m)
}

// take takes the messages of a key through the revision out.
func (h *holding) take(key string, through int64) (taken []*held) {
	var left []*held
	for _, m := range h.keys[key] {
		if m.revision > through {
			left = append(left, m)
			continue
		}
		taken = append(taken, m)
		delete(h.messages, m.id)
	}
	if h.keys[key] = left; len(left) == 0 {
		delete(h.keys, key)
	}
	return taken
}

// receives is how often the messages of a revision were read at most; at least 1.
func (h *holding) receives(key string, revision int64) int {
	most := 1
	for _, m := range h.keys[key] {
		if m.revision == revision {
			most = max(most, m.receives)
		}
	}
	return most
}

// origin is what dead letters call a revision.
func (h *holding) origin(key string, revision int64) string {
	for _, m := range h.keys[key] {
		if m.revision == revision {
			return m.origin
		}
	}
	return ""
}

// read is what is known of a message that was just read.
func read(m *types.Message, visibility time.Duration) *held {
	now := clock.Now()
	h := &held{id: aws.ToString(m.MessageId), handle: aws.ToString(m.ReceiptHandle), read: now, hidden: now.Add(visibility), receives: 1}
	if n, err := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)]); err == nil {
		h.receives = n
	}
	return h
}
