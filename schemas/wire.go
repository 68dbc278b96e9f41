package schemas

import (
	"encoding/binary"
	"fmt"
	"math"
)

// wireHeader is the length of the Confluent wire format's header: a zero byte and the schema's id, big endian.
const wireHeader = 5

// SplitWire splits a message in the Confluent wire format into the id of its schema and the Avro payload, which aliases msg.
func SplitWire(msg []byte) (id int, payload []byte, err error) {
	if len(msg) < wireHeader {
		return 0, nil, fmt.Errorf("message of %d bytes is too short for the wire format, whose header is %d: the producer must use a schema registry serializer", len(msg), wireHeader)
	}
	if msg[0] != 0 {
		return 0, nil, fmt.Errorf("message starts with byte %#02x, not the wire format's 0: the producer must use a schema registry serializer", msg[0])
	}
	n := binary.BigEndian.Uint32(msg[1:])
	if n > math.MaxInt32 {
		return 0, nil, fmt.Errorf("message has the schema id %d, which no registry gives out", n)
	}
	return int(n), msg[wireHeader:], nil
}

// appendWire adds the wire format's header.
func appendWire(dst []byte, id int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0), uint32(id))
}
