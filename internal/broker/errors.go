package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// ErrLost is what an assignment's methods fail with once the partition belongs, or may belong, to another member of the
// group. What was done since the last commit will be done again there.
var ErrLost = errors.New("the partition is no longer assigned to this process")

// CorruptError is a batch whose checksum does not match its bytes.
type CorruptError struct {
	Topic     string
	Partition int
	Offset    int64 // of the batch's first record
	Detail    string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("topic %q partition %d: the batch at offset %d is damaged (%s): if a second reading says the same, "+
		"restore the partition from a replica", e.Topic, e.Partition, e.Offset, e.Detail)
}

// BeyondError is a position after the end of the log: what was there has been there once, or the position is of another log.
type BeyondError struct {
	Topic     string
	Partition int
	Offset    int64
	Range     Range
}

func (e *BeyondError) Error() string {
	return fmt.Sprintf("topic %q partition %d holds offsets %d to %d, and %d was asked for: the topic was deleted and made "+
		"again, or its newest records are lost; reset the group's offsets once you know which", e.Topic, e.Partition, e.Range.First, e.Range.Next, e.Offset)
}

// retryable says whether the same request may succeed later, by itself.
func retryable(err error) bool {
	var code kafka.Error
	if errors.As(err, &code) {
		switch code {
		case kafka.Unknown, // what kafka-go makes of a connection that broke within a request to several brokers
			kafka.UnknownTopicOrPartition, kafka.BrokerNotAvailable, kafka.ReplicaNotAvailable, kafka.UnknownLeaderEpoch, kafka.RebalanceInProgress:
			return true
		}
		return code.Temporary()
	}
	var corrupt *CorruptError
	if errors.As(err, &corrupt) {
		return true // perhaps only on its way here; the caller bounds how often
	}
	if errors.Is(err, context.Canceled) {
		return false
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.ErrClosedPipe) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, errShort) ||
		errors.Is(err, context.DeadlineExceeded) || unrouted(err)
}

// unrouted says that the request was not sent, for want of a leader to send it to.
func unrouted(err error) bool {
	return errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition) || errors.Is(err, protocol.ErrNoLeader) ||
		errors.Is(err, kafka.BrokerNotAvailable)
}

// code is the error a broker answered with, or nil.
func code(n int16) error {
	if n == 0 {
		return nil
	}
	return kafka.Error(n)
}
