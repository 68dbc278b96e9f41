package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/sasl"

	"github.com/quarterhour/quarterhour/internal/clock"
)

const (
	requestTimeout = 10 * time.Second
	firstBackoff   = 10 * time.Millisecond
	lastBackoff    = time.Second
	metadataTTL    = 5 * time.Second
)

// Cluster is a connection to a Kafka cluster, for the whole process: connections are pooled in it. Its methods may be called
// from any goroutine.
type Cluster struct {
	brokers   []string
	client    string
	patience  time.Duration
	timeout   time.Duration // for an answer, beyond what the request asks the broker to wait
	log       *slog.Logger
	mechanism sasl.Mechanism
	config    Config

	transport *kafka.Transport
	admin     *kafka.Client
	dialer    net.Dialer
	stale     chan struct{} // holds one token: who has it may ask for new metadata

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
	tamper func(net.Conn) net.Conn // tests only: stands between us and the broker
}

// Open prepares the connection; nothing is dialled until something is asked for. The error is about the configuration.
func Open(o Config) (*Cluster, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	mechanism, err := o.mechanism()
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		brokers: o.Brokers, client: o.ClientID, patience: o.Patience, timeout: requestTimeout, log: o.Log, mechanism: mechanism, config: o,
		dialer: net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second},
		stale:  make(chan struct{}, 1), conns: map[net.Conn]struct{}{},
	}
	c.transport = &kafka.Transport{
		Dial: c.dial, ClientID: o.ClientID, TLS: o.TLS, SASL: mechanism,
		MetadataTTL: metadataTTL, IdleTimeout: time.Minute, DialTimeout: 5 * time.Second,
	}
	c.admin = &kafka.Client{Addr: kafka.TCP(o.Brokers...), Transport: c.transport}
	return c, nil
}

// Close ends every connection. What is still under way fails.
func (c *Cluster) Close() {
	c.transport.CloseIdleConnections()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.conns {
		_ = conn.Close()
	}
}

// dial keeps every connection in sight, so that Close can end the ones that wait for an answer.
func (c *Cluster) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	if c.tamper != nil {
		conn = c.tamper(conn)
	}
	t := &trackedConn{Conn: conn, cluster: c}
	c.conns[t] = struct{}{}
	return t, nil
}

type trackedConn struct {
	net.Conn
	cluster *Cluster
	once    sync.Once
}

func (t *trackedConn) Close() error {
	t.once.Do(func() {
		go t.forget() // Close may be called with the lock held
	})
	return t.Conn.Close()
}

func (t *trackedConn) forget() {
	t.cluster.mu.Lock()
	defer t.cluster.mu.Unlock()
	delete(t.cluster.conns, t)
}

// roundTrip sends a request. An answer that does not come within the timeout is an error that may be retried.
func (c *Cluster) roundTrip(ctx context.Context, m protocol.Message, timeout time.Duration) (protocol.Message, error) {
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	res, err := c.transport.RoundTrip(bounded, c.admin.Addr, m)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return res, err
}

// retry makes attempts until one succeeds, one fails for good, the cluster's patience is over or ctx ends. what is for the
// error: the doing that failed.
func (c *Cluster) retry(ctx context.Context, what string, attempt func(context.Context) error) error {
	patient, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	backoff := firstBackoff
	for attempts := 1; ; attempts++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := attempt(patient)
		if unrouted(err) {
			err = c.explain(patient, err)
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !retryable(err):
			return fmt.Errorf("%s: %w", what, err)
		}
		if patient.Err() == nil {
			c.log.Log(ctx, troubleLevel(attempts), "kafka: will be tried again", "what", what, "attempts", attempts, "error", err)
			c.refresh(patient)
			wait := backoff/2 + rand.N(backoff)
			backoff = min(2*backoff, lastBackoff)
			_ = clock.Sleep(patient, wait)
		}
		if patient.Err() != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%s: given up after %v: %w", what, c.patience, err)
		}
	}
}

// troubleLevel is how loud to be about a failure that may pass: a leader's move is nothing to report, what lasts longer is, once.
func troubleLevel(attempts int) slog.Level {
	if attempts == 8 { // about a second
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// refresh makes the transport ask for the cluster's layout now. kafka-go has no call for that, but does so after topics are
// made: here, none. Whoever comes while another refreshes only waits out the back-off.
func (c *Cluster) refresh(ctx context.Context) {
	select {
	case c.stale <- struct{}{}:
		defer func() { <-c.stale }()
	default:
		return
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	_, _ = c.admin.CreateTopics(ctx, &kafka.CreateTopicsRequest{}) // of no consequence: the layout also expires
}

// explain gives the reason behind an unknown topic where there is no connection to any broker at all, which kafka-go hides.
func (c *Cluster) explain(ctx context.Context, err error) error {
	if !unrouted(err) || ctx.Err() != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	_, cause := c.admin.Metadata(ctx, &kafka.MetadataRequest{})
	switch {
	case cause == nil || ctx.Err() != nil:
		return err
	case c.mechanism != nil && (errors.Is(cause, io.EOF) || errors.Is(cause, io.ErrUnexpectedEOF)):
		return fmt.Errorf("no broker of %q lets us in: check the SASL user, password and mechanism, and whether TLS is wanted: %w", c.brokers, cause)
	}
	return fmt.Errorf("no broker of %q can be reached: %w", c.brokers, cause)
}
