// Package sqstest starts ElasticMQ, a server that speaks Amazon SQS, for tests: the queues are real ones, with visibility, receive counts,
// redrive, message groups and deduplication of their own. `make elasticmq` fetches it; one server serves all tests of a process, and ends with
// it, however that ends.
package sqstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// requiredVariable, where it is "required", makes tests fail rather than skip where the server is missing.
const requiredVariable = "QUARTERHOUR_TEST_SQS"

// Server is a running server.
type Server struct{ URL string }

var running struct {
	once   sync.Once
	server *Server
	err    error
	input  io.Closer // the server's, open for as long as this process lives
}

// Start is the process's server, which is started for the first test that asks for it.
func Start(t testing.TB) *Server {
	t.Helper()
	libraries, err := fetched()
	if err != nil {
		if os.Getenv(requiredVariable) == "required" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	running.once.Do(func() { running.server, running.err = start(libraries) })
	if running.err != nil {
		t.Fatal(running.err)
	}
	return running.server
}

// fetched is the folder of the server's libraries.
func fetched() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	libraries := filepath.Join(dir, "deploy", "elasticmq", "target", "lib")
	if _, err := os.Stat(filepath.Join(libraries, ".complete")); err != nil {
		return "", errors.New("ElasticMQ is not there: run `make elasticmq`, which needs Java 17 and Maven")
	}
	if _, err := exec.LookPath("java"); err != nil {
		return "", fmt.Errorf("ElasticMQ needs Java 17: %w", err)
	}
	return libraries, nil
}

const settings = `include classpath("application.conf")
node-address { protocol = http, host = "127.0.0.1", port = %[1]d, context-path = "" }
rest-sqs { enabled = true, bind-port = %[1]d, bind-hostname = "127.0.0.1", sqs-limits = strict }
rest-stats { enabled = false }
`

// start waits until the server listens. The shell in front of it waits for the end of its input, which comes with the end of this process.
func start(libraries string) (*Server, error) {
	port, err := free()
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp("", "elasticmq-*.conf")
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(file, settings, port)
	if closed := file.Close(); err != nil || closed != nil {
		return nil, fmt.Errorf("settings of ElasticMQ: %w", err)
	}
	script := `java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dconfig.file="$1" -cp "$2/*" org.elasticmq.server.Main >"$1.log" 2>&1 &
java=$!
cat >/dev/null
kill $java
wait $java
rm -f "$1" "$1.log"`
	server := exec.Command("sh", "-c", script, "sh", file.Name(), libraries)
	if running.input, err = server.StdinPipe(); err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	s := &Server{URL: fmt.Sprintf("http://127.0.0.1:%d", port)}
	return s, s.await(file.Name() + ".log")
}

// free is a port that nobody listens at. The server takes it seconds later: it is none of those that the system gives to whoever asks for any,
// as other tests do meanwhile.
func free() (port int, err error) {
	for range 100 {
		port = 20_000 + rand.IntN(12_000)
		var listener net.Listener
		if listener, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, listener.Close()
		}
	}
	return 0, err
}

// await returns when the server answers as Amazon SQS does.
func (s *Server) await(log string) error {
	var err error
	for began := clock.Now(); clock.Since(began) < 2*time.Minute; time.Sleep(50 * time.Millisecond) {
		var connection net.Conn
		if connection, err = net.Dial("tcp", strings.TrimPrefix(s.URL, "http://")); err != nil {
			continue
		}
		_ = connection.Close()
		if _, err = s.Client().ListQueues(context.Background(), &sqs.ListQueuesInput{}); err == nil {
			return nil
		}
	}
	said, _ := os.ReadFile(log)
	return fmt.Errorf("ElasticMQ does not answer after two minutes: %w; its log says: %s", err, said)
}
