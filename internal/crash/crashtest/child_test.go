package crashtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/app"
	"github.com/quarterhour/quarterhour/internal/cli"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/embedded"
	"github.com/quarterhour/quarterhour/internal/embedded/kafka"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/internal/warehouse"
)

// roleVariable makes this test binary one of the programs below instead.
const roleVariable = "CRASHTEST_ROLE"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleVariable) {
	case "":
		os.Exit(m.Run())
	case "quarterhour": // the command line, as it is
		os.Exit(cli.Main(app.App{}))
	case "often": // the same, with snapshots all the time
		os.Exit(cli.Main(app.App{Snapshots: runtime.SnapshotPace{Records: 30, Every: time.Nanosecond, Least: 10}}))
	case "compact": // starts Kafka in a folder, and compacts whatever it can
		err = compact(os.Args[1])
	case "polled": // reads what a vendor has
		err = poll(os.Args[1], os.Args[2])
	case "polled-read": // says what the log has of it
		err = readPolled(os.Args[1], os.Stdout)
	case "delivered": // reads what a vendor has, and delivers what follows
		err = deliver(os.Args[1], os.Args[2])
	case "delivered-read": // says what the log and the destination have of it
		err = readDelivered(os.Args[1], os.Stdout)
	case "queued": // the same by way of a queue
		err = deliverQueued(os.Args[1], os.Args[2], os.Args[3])
	case "queued-read":
		err = readQueued(os.Args[1], os.Args[3], os.Stdout)
	case "read": // answers queries, by name
		err = answer(os.Args[1], os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func compact(dir string) error {
	if err := crash.Arm(os.Getenv(crash.Variable)); err != nil {
		return err
	}
	s, err := kafka.Start(context.Background(), kafka.Options{Dir: filepath.Join(dir, "kafka"), CompactAbove: 1})
	if err != nil {
		return err
	}
	return s.Close()
}

// answer writes the answers of JSON-encoded queries as JSON, under the queries' names.
func answer(dir, queries string) (err error) {
	ctx := context.Background()
	var list, answers = map[string]string{}, map[string]string{}
	if err := json.Unmarshal([]byte(queries), &list); err != nil {
		return err
	}
	e, err := embedded.Start(ctx, embedded.Options{Dir: dir, Holder: "crashtest", ClickHouse: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	w, err := warehouse.Open(ctx, warehouse.Config{URL: e.ClickHouse})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	for name, sql := range list {
		var out bytes.Buffer
		if err := w.Query(ctx, sql, "JSONEachRow", &out); err != nil {
			return err
		}
		answers[name] = out.String()
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

// childPatience is far above what any of the programs takes.
const childPatience = 2 * time.Minute

// child runs one of the programs to its end, and says whether it was killed.
func (w *world) child(role string, at string, args ...string) (stdout []byte, killed bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), childPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, crash.Variable+"="+at, "DAY="+w.input)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		w.t.Fatalf("%s at %q hangs; its log ends\n%s", role, at, tail(log.Bytes()))
	case err == nil:
		return out.Bytes(), false
	case cmd.ProcessState.String() == "signal: killed":
		return nil, true
	}
	w.t.Fatalf("%s at %q: %v\n%s", role, at, err, tail(log.Bytes()))
	return nil, false
}

func tail(log []byte) []byte { return log[max(0, len(log)-4000):] }
