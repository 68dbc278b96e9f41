package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/quarterhour/quarterhour/internal/embedded/loopback"
)

// MaxMessageBytes is the largest batch a producer may send: 10 MB, ten times Kafka's default, so that a fact with a large
// payload or a whole interval's sketches fits.
const MaxMessageBytes = 10 << 20

// never is a period that does not come: 100 years in milliseconds, which still fits a time.Duration.
const never = 100 * 365 * 24 * 3600 * 1000

// preferredPort is the usual one with a 1 before it, so that it does not stand in the way of a real server.
const preferredPort = 19092

// Options of a broker.
type Options struct {
	Dir string // where it keeps everything
	// CompactAbove is the size from which a partition is compacted at start; default 32 MB.
	CompactAbove int64
	Log          *slog.Logger
}

// Server is a running broker.
type Server struct {
	cluster *kfake.Cluster
	addr    string
}

// Start loads what is in the folder, after a kill -9 as after a Close, and listens. The context bounds the start only.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot create the folder of the embedded Kafka: %w", err)
	}
	if err := forgetMembers(o.Dir); err != nil {
		return nil, err
	}
	if err := tidy(o.Dir, cmp.Or(o.CompactAbove, growth), o.Log); err != nil {
		return nil, fmt.Errorf("cannot restore what a compaction left in %q: %w", o.Dir, err)
	}
	listener, err := loopback.Listen(ctx, filepath.Join(o.Dir, "address"), preferredPort)
	if err != nil {
		return nil, err
	}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ClusterID("quarterhour"),
		kfake.DataDir(o.Dir),
		kfake.SyncWrites(),
		kfake.DefaultNumPartitions(1),
		kfake.BrokerConfigs(brokerConfig()),
		kfake.WithLogger(logger{o.Log}),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return listener, nil }),
	)
	if err != nil {
		_ = listener.Close() // the cluster's error says what happened; it may have closed the listener already
		return nil, fmt.Errorf("the embedded Kafka in %q does not start: %w", o.Dir, err)
	}
	debug.FreeOSMemory() // kfake reads every log whole to find its batches
	return &Server{cluster: cluster, addr: listener.Addr().String()}, nil
}

// Addr is host:port, also the address advertised to clients.
func (s *Server) Addr() string { return s.addr }

// Close writes the state of groups and partitions and stops. Acknowledged records are on disk before that already.
func (s *Server) Close() error {
	s.cluster.Close()
	return nil
}

// forgetMembers removes what kfake notes at an orderly end about the members of groups, to give them back their partitions
// at the next start. Members do not outlive the process here, so that a new one would wait for them until their sessions
// time out. Offsets are kept elsewhere.
func forgetMembers(dir string) error {
	if err := os.Remove(filepath.Join(dir, "session_state.json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the members of groups that no longer live: %w", err)
	}
	return nil
}

// brokerConfig departs from Kafka's defaults where those would lose what the system relies on: the log is the state, so no
// record and no committed offset goes away with age.
func brokerConfig() map[string]string {
	return map[string]string{
		"message.max.bytes":         strconv.Itoa(MaxMessageBytes),
		"log.retention.ms":          "-1",
		"log.retention.bytes":       "-1",
		"offset.retention.ms":       strconv.Itoa(never),
		"offsets.retention.minutes": strconv.Itoa(1<<31 - 1),
		// No compaction while running: see compact.
		"log.cleaner.backoff.ms": strconv.Itoa(never),
	}
}

// logger hands kfake's messages on. Its "info" is one line per request, so that is debug here.
type logger struct{ log *slog.Logger }

func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	to := slog.LevelDebug
	switch level {
	case kfake.LogLevelError:
		to = slog.LevelError
	case kfake.LogLevelWarn:
		to = slog.LevelWarn
	}
	if !l.log.Enabled(context.Background(), to) {
		return
	}
	l.log.Log(context.Background(), to, fmt.Sprintf(format, args...))
}
