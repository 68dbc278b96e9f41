package broker

import (
	"context"
	"net"
	"sync"
	"time"
)

// dials are the connections of one group membership. kafka-go cannot be told to stop while it waits to join; ending its
// connection can.
type dials struct {
	cluster *Cluster
	mu      sync.Mutex
	conns   []net.Conn
	closed  bool
}

func (c *Cluster) newDials() *dials { return &dials{cluster: c} }

func (d *dials) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.cluster.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	d.conns = append(d.conns, conn)
	return conn, nil
}

// closeAfter runs the function to its end, and ends the connections if that takes longer than the timeout.
func (d *dials) closeAfter(timeout time.Duration, leave func()) {
	timer := time.AfterFunc(timeout, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.closed = true
		for _, c := range d.conns {
			_ = c.Close()
		}
	})
	defer timer.Stop()
	leave()
}
