package broker

import (
	"encoding/binary"
	"net"
	"sync"

	"github.com/segmentio/kafka-go/protocol"
)

// tampered is a connection that tests look into. Requests arrive in one write each.
type tampered struct {
	net.Conn
	sent     func(key protocol.ApiKey, request []byte)
	received func(key protocol.ApiKey, part []byte) error // may change the bytes; its error takes their place

	mu  sync.Mutex
	key protocol.ApiKey // of the last request
}

func (t *tampered) Write(b []byte) (int, error) {
	if len(b) > 6 {
		key := protocol.ApiKey(binary.BigEndian.Uint16(b[4:]))
		t.mu.Lock()
		t.key = key
		t.mu.Unlock()
		if t.sent != nil {
			t.sent(key, b)
		}
	}
	return t.Conn.Write(b)
}

func (t *tampered) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if err == nil && t.received != nil {
		t.mu.Lock()
		key := t.key
		t.mu.Unlock()
		if err := t.received(key, b[:n]); err != nil {
			_ = t.Conn.Close()
			return 0, err
		}
	}
	return n, err
}
