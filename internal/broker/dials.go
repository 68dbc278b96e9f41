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

// maxDials bounds what is remembered over months of rebalances.
const maxDials = 16

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
	if len(d.conns) == maxDials { // kafka-go has at most three open: the oldest has long ended
		d.conns = d.conns[:copy(d.conns, d.conns[1:])]
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
