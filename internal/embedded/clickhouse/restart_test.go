package clickhouse

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// childDir names the environment variable that makes this test binary a server of that directory.
const childDir = "CLICKHOUSE_TEST_CHILD_DIR"

// child serves until its standard input ends, and then closes.
func child(dir string) int {
	s, err := Start(context.Background(), Options{Dir: dir})
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println(s.Addr())
	bufio.NewReader(os.Stdin).ReadString('\n')
	if err := s.Close(); err != nil {
		return 1
	}
	return 0
}

// startChild serves dir in a process of its own and gives a Server that only knows the address.
func startChild(t *testing.T, dir string) (remote *address, process *exec.Cmd, stop func()) {
	t.Helper()
	process = exec.Command(os.Args[0])
	process.Env = append(os.Environ(), childDir+"="+dir)
	process.Stderr = os.Stderr
	output, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	input, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil || strings.HasPrefix(line, "error") {
		t.Fatalf("child says %q, %v", line, err)
	}
	return &address{strings.TrimSpace(line)}, process, func() {
		input.Close()
		if err := process.Wait(); err != nil {
			t.Errorf("child ended with %v", err)
		}
	}
}

// What was acknowledged is there after kill -9, again and again, while inserts go on; and after an orderly close.
func TestDataSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := 0
	for round := range 4 {
		s, process, stop := startChild(t, dir)
		if round == 0 {
			query(t, s, "CREATE TABLE kept (a UInt64) ENGINE = MergeTree ORDER BY a")
		}
		got := strings.TrimSpace(query(t, s, "SELECT count() FROM kept WHERE a < "+fmt.Sprint(acknowledged)))
		if got != fmt.Sprint(acknowledged) {
			t.Fatalf("round %d: %s of %d acknowledged rows are there", round, got, acknowledged)
		}
		for range 20 {
			query(t, s, fmt.Sprintf("INSERT INTO kept VALUES (%d)", acknowledged))
			acknowledged++
		}
		if round == 2 {
			stop()
			continue
		}
		go func() { // one insert is under way when the process dies
			post(t, context.Background(), s, "", "INSERT INTO kept SELECT number + 1000000 FROM numbers(5000000)")
		}()
		time.Sleep(30 * time.Millisecond)
		process.Process.Signal(syscall.SIGKILL)
		process.Wait()
	}
}

// One process can close and start again; Close can be called twice; goroutines and the spool are gone afterwards.
func TestCloseAndStartAgain(t *testing.T) {
	stopShared()
	before := goleak.IgnoreCurrent()
	dir := t.TempDir()
	for round := range 2 {
		s := open(t, dir)
		if round == 0 {
			query(t, s, "CREATE TABLE again (a UInt64) ENGINE = MergeTree ORDER BY a")
			query(t, s, "INSERT INTO again VALUES (1)")
			query(t, s, "CREATE DATABASE other")
			send(t, s, "POST", map[string]string{"session_id": "left open"}, "SELECT 1")
		}
		if got := query(t, s, "SELECT a FROM again"); got != "1\n" {
			t.Errorf("round %d: got %q", round, got)
		}
		if _, err := Start(context.Background(), Options{Dir: t.TempDir()}); !errors.Is(err, errOpen) {
			t.Errorf("a second server in this process: %v", err)
		}
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	goleak.VerifyNone(t, before)
}

// Close lets running queries end.
func TestCloseWaits(t *testing.T) {
	stopShared()
	s := open(t, t.TempDir())
	ended := make(chan string)
	go func() { ended <- query(t, s, "SELECT sleep(1), 'done'") }()
	for running(t, s) == "0" {
		time.Sleep(10 * time.Millisecond)
	}
	s.Close()
	if got := <-ended; got != "0\tdone\n" {
		t.Errorf("got %q", got)
	}
}

// Everything is written below the directory, whatever its name: the working directory, the home and the temporary directory stay as they were.
func TestWritesOnlyBelowDir(t *testing.T) {
	stopShared()
	library, err := FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("QUARTERHOUR_CHDB", library)
	outside, dir := t.TempDir(), filepath.Join(t.TempDir(), "it's a {strange} d[i]r*? é")
	for _, name := range []string{"TMPDIR", "HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"} {
		t.Setenv(name, outside)
	}
	t.Chdir(outside)
	s := open(t, dir)
	query(t, s, "CREATE TABLE here (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
	query(t, s, "INSERT INTO here FORMAT CSV\n1,x\n")
	query(t, s, "SELECT * FROM here ORDER BY b SETTINGS max_bytes_before_external_sort = 1, max_bytes_ratio_before_external_sort = 0")
	s.Close()
	filepath.WalkDir(outside, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path != outside {
			t.Errorf("%q was written outside, %v", path, err)
		}
		return nil
	})
}

// A nil pointer in Go code still panics, and can be recovered from: the engine has not taken the signal.
func TestGoKeepsItsSignals(t *testing.T) {
	s := server(t)
	query(t, s, "SELECT 1")
	for range 3 {
		func() {
			defer func() {
				if _, ok := recover().(runtime.Error); !ok {
					t.Error("no run-time error from a nil pointer")
				}
			}()
			var p *statistics
			_ = *p
		}()
	}
}

// Times read the same wherever the machine is: the engine's time zone is UTC, unless a query asks for another.
func TestTimeZone(t *testing.T) {
	stopShared()
	t.Setenv("TZ", "Asia/Tokyo")
	s, _, stop := startChild(t, t.TempDir())
	defer stop()
	f := func(zone, want string) {
		t.Helper()
		parameters := map[string]string{}
		if zone != "" {
			parameters["session_timezone"] = zone
		}
		if _, got, _ := send(t, s, "POST", parameters, "SELECT timezone(), toDateTime(0)"); got != want {
			t.Errorf("zone %q: got %q; want %q", zone, got, want)
		}
	}
	f("", "UTC\t1970-01-01 00:00:00\n")
	f("Europe/Berlin", "Europe/Berlin\t1970-01-01 01:00:00\n")
	f("", "UTC\t1970-01-01 00:00:00\n")
	f("", "UTC\t1970-01-01 00:00:00\n")
}

// Two processes on one directory would damage it: the second is refused, and the first goes on.
func TestDirHeldByAnotherProcess(t *testing.T) {
	stopShared()
	dir := t.TempDir()
	first, _, stop := startChild(t, dir)
	defer stop()
	s, err := Start(context.Background(), Options{Dir: dir})
	if err == nil {
		s.Close()
		t.Fatal("the second server started")
	}
	if !strings.Contains(err.Error(), "another process") {
		t.Errorf("got %v", err)
	}
	if got := query(t, first, "SELECT 1"); got != "1\n" {
		t.Errorf("the first answers %q", got)
	}
}
