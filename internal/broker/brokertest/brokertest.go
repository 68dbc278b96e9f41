// Package brokertest gives tests a Kafka to talk to: an embedded one of their own, or a cluster that is there.
package brokertest

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Variable names the environment variable that holds the brokers, separated by commas, of a cluster to test against.
const Variable = "QUARTERHOUR_TEST_KAFKA"

// External is the cluster that the environment names; nil where there is none, and every test gets its own.
func External() []string {
	if v := os.Getenv(Variable); v != "" {
		return strings.Split(v, ",")
	}
	return nil
}

// Start gives the addresses of a cluster for the test. It may be shared with other tests: topics and groups take their names
// from Name.
func Start(t testing.TB) []string {
	t.Helper()
	if brokers := External(); brokers != nil {
		return brokers
	}
	return Fake(t).ListenAddrs()
}

// Fake starts an embedded cluster, for tests that need to have it fail. It ends with the test. One broker unless told
// otherwise; topics are made only on purpose.
func Fake(t testing.TB, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(100 * time.Millisecond)}, options...)...)
	if err != nil {
		t.Fatalf("start an embedded Kafka: %v", err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// Name is a name for a topic or a group that no other test, and no earlier run of this one, has used.
func Name(t testing.TB) string {
	t.Helper()
	var b [4]byte
	if _, err := rand.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, t.Name())
	return clean + "-" + hex.EncodeToString(b[:])
}
