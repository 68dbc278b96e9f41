package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/embedded"
	"github.com/quarterhour/quarterhour/internal/embedded/clickhouse"
)

// folderVariable makes this test binary a process that holds the folder with all engines.
const folderVariable = "QUARTERHOUR_TEST_HOLDER_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(folderVariable)
	if dir == "" {
		os.Exit(m.Run())
	}
	_, err := embedded.Start(context.Background(), embedded.Options{Dir: dir, Holder: "quarterhour run acme.yaml", Kafka: true, ClickHouse: hasClickHouse()})
	fmt.Println("started:", err)
	select {}
}

func hasClickHouse() bool {
	_, err := clickhouse.FindLibrary()
	return err == nil
}

// holder runs a process that holds the folder, until it is killed.
func holder(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), folderVariable+"="+dir), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(cmd) })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "started: <nil>\n" {
		t.Fatalf("the holder says %q, %v", line, err)
	}
	return cmd
}

func kill(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

func start(t *testing.T, o embedded.Options) *embedded.Engines {
	t.Helper()
	e, err := embedded.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// TestOneHolderAtATime: the second is told who has the folder, can attach to it, and takes over where it was killed.
func TestOneHolderAtATime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if _, ok := embedded.Attach(dir); ok {
		t.Error("attached to a folder that is not there")
	}
	first := holder(t, dir)

	_, err := embedded.Start(t.Context(), embedded.Options{Dir: dir, Holder: "quarterhour query"})
	if !errors.Is(err, embedded.ErrHeld) {
		t.Fatalf("error %v, want ErrHeld", err)
	}
	for _, want := range []string{"quarterhour run acme.yaml", "process " + strconv.Itoa(first.Process.Pid), "since 20", "--data", dir} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	e, ok := embedded.Attach(dir)
	if !ok || len(e.Brokers) != 1 {
		t.Fatalf("attached to %+v, %v", e, ok)
	}
	if hasClickHouse() {
		if got := get(t, e.ClickHouse+"/?query="+"SELECT+6*7"); got != "42\n" {
			t.Errorf("the holder's ClickHouse says %q", got)
		}
	}

	kill(first)
	if e, ok := embedded.Attach(dir); ok {
		t.Errorf("attached to %+v, whose process is dead", e)
	}
	taken := start(t, embedded.Options{Dir: dir, Holder: "quarterhour run", Kafka: true})
	if diff := cmp.Diff(e.Brokers, taken.Brokers); diff != "" {
		t.Errorf("the address changed:\n%s", diff)
	}
}

func TestCloseGivesTheFolderBack(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		e := start(t, embedded.Options{Dir: dir, Kafka: true})
		if got := get(t, e.Registry+"/subjects"); !strings.HasPrefix(got, "[]") {
			t.Errorf("subjects of a new registry: %q", got)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Errorf("the second Close: %v", err)
		}
		if _, ok := embedded.Attach(dir); ok {
			t.Error("attached to engines that are closed")
		}
	}
}

// TestAttachDoesNotDisturb: looking whether somebody holds the folder never keeps somebody from taking it.
func TestAttachDoesNotDisturb(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			embedded.Attach(dir)
		}
	}()
	for range 50 {
		e, err := embedded.Start(t.Context(), embedded.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	<-done
}

// TestAttachWaitsForAHolderThatStarts, as when two commands are given at once.
func TestAttachWaitsForAHolderThatStarts(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		locked := make(chan struct{})
		got := make(chan bool, 1)
		go func() {
			<-locked
			_, ok := embedded.Attach(dir)
			got <- ok
		}()
		release, publish := embedded.Hold(t, dir)
		close(locked)
		time.Sleep(50 * time.Millisecond)
		publish()
		if !<-got {
			t.Error("did not attach to a holder that takes a moment to start")
		}
		release()
	}
}

func TestAFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Start(t.Context(), embedded.Options{Dir: file}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v, want one that names the folder", err)
	}
	// An engine that does not start: the folder is given back, and the others are stopped.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "registry"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Start(t.Context(), embedded.Options{Dir: dir, Kafka: true}); err == nil || errors.Is(err, embedded.ErrHeld) {
		t.Errorf("error %v, want the registry's", err)
	}
	if err := os.Remove(filepath.Join(dir, "registry")); err != nil {
		t.Fatal(err)
	}
	start(t, embedded.Options{Dir: dir, Kafka: true})
}

// TestAllStartWithinASecond is what a user waits for at each command.
func TestAllStartWithinASecond(t *testing.T) {
	if !hasClickHouse() {
		t.Fatal("ClickHouse's library is not here: run make engine")
	}
	dir := t.TempDir()
	var took time.Duration
	for range 2 { // a slow machine gets a second chance
		began := time.Now()
		e := start(t, embedded.Options{Dir: dir, Kafka: true, ClickHouse: true})
		took = time.Since(began)
		t.Logf("started in %v", took)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		t.Logf("and ended %v later", time.Since(began)-took)
	}
	if took > time.Second {
		t.Errorf("the engines took %v to start", took)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
