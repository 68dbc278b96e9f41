package broker

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/segmentio/kafka-go/protocol"
)

// maxResponse bounds what a damaged length can make us allocate.
const maxResponse = 1 << 30

// exchange is one request that goes to the leader of a partition and its response, both encoded here. It takes the place of
// kafka-go's own messages on its transport, which decode into pages of their own and convert record by record.
type exchange struct {
	key       protocol.ApiKey
	topic     string
	partition int32
	client    string

	version int16 // agreed upon with the broker
	body    func(dst []byte, version int16) []byte
	request []byte // reused
	answer  []byte // the response after its header; reused
	minimum int16  // the oldest version that body can write
	maximum int16  // and the newest
}

// correlation is what a response must echo. A connection carries one request at a time, so any number does.
const correlation = 0x5148_0001

var (
	_ protocol.BrokerMessage = (*exchange)(nil)
	_ protocol.RawExchanger  = (*exchange)(nil)
)

// ApiKey names the request; the method's name is kafka-go's.
func (x *exchange) ApiKey() protocol.ApiKey { return x.key }

// Broker is the partition's leader; any broker, for a request that is about no partition.
func (x *exchange) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	none := protocol.Broker{ID: -1}
	if x.topic == "" {
		return none, nil
	}
	topic, ok := cluster.Topics[x.topic]
	if !ok {
		return none, protocol.NewErrNoTopic(x.topic)
	}
	partition, ok := topic.Partitions[x.partition]
	if !ok {
		return none, protocol.NewErrNoPartition(x.topic, x.partition)
	}
	leader, ok := cluster.Brokers[partition.Leader]
	if !ok {
		return none, protocol.NewErrNoLeader(x.topic, x.partition)
	}
	return leader, nil
}

// Required notes the version and asks kafka-go for the bare connection.
func (x *exchange) Required(versions map[protocol.ApiKey]int16) bool {
	x.version = min(versions[x.key], x.maximum)
	return true
}

// RawExchange writes the request and reads the whole response.
func (x *exchange) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if x.version < x.minimum {
		return nil, fmt.Errorf("the broker is too old: it speaks version %d of %s, and %d is the least needed (Kafka 1.0)", x.version, x.key, x.minimum)
	}
	b := append(x.request[:0], 0, 0, 0, 0) // its length, known at the end
	b = appendInt16(b, int16(x.key))
	b = appendInt16(b, x.version)
	b = appendInt32(b, correlation)
	b = appendString(b, x.client)
	b = x.body(b, x.version)
	x.request = b
	if len(b) > math.MaxInt32 {
		return nil, fmt.Errorf("a request of %d bytes is more than Kafka takes: send fewer records at once", len(b))
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	if _, err := rw.Write(b); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(head[:])) - 4
	if echo := binary.BigEndian.Uint32(head[4:]); echo != correlation || size < 0 || size > maxResponse {
		return nil, fmt.Errorf("malformed response: %d bytes in answer to request %#x", size, echo)
	}
	if cap(x.answer) < size {
		x.answer = make([]byte, size+size/4)
	}
	x.answer = x.answer[:size]
	if _, err := io.ReadFull(rw, x.answer); err != nil {
		return nil, err
	}
	return x, nil
}
