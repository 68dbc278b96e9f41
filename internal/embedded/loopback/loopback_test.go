package loopback_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/embedded/loopback"
)

// listen opens a port and gives it back at the end.
func listen(t *testing.T, file string, preferred int) (net.Listener, int) {
	t.Helper()
	l, err := loopback.Listen(t.Context(), file, preferred)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	addr := l.Addr().(*net.TCPAddr)
	if !addr.IP.IsLoopback() {
		t.Errorf("listens on %s, which others can reach", addr)
	}
	return l, addr.Port
}

func TestThePortIsRememberedAndGivenWayTo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "made", "address")
	first, port := listen(t, file, 0)
	_, other := listen(t, file, port) // remembered and preferred are taken
	if other == port {
		t.Fatalf("port %d is given out twice", port)
	}
	_ = first.Close()
	if _, again := listen(t, filepath.Join(t.TempDir(), "address"), port); again != port {
		t.Errorf("port %d, though the preferred %d is free", again, port)
	}
	// What is remembered comes before what is preferred.
	file = filepath.Join(t.TempDir(), "address")
	l, remembered := listen(t, file, 0)
	_ = l.Close()
	free, preferred := listen(t, filepath.Join(t.TempDir(), "address"), 0)
	_ = free.Close()
	if _, got := listen(t, file, preferred); got != remembered {
		t.Errorf("port %d, want the remembered %d", got, remembered)
	}
}

func TestOnlyLoopbackIsRemembered(t *testing.T) {
	f := func(content, want string) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "address")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := loopback.Remembered(file); got != want {
			t.Errorf("%q: %q, want %q", content, got, want)
		}
	}
	f("127.0.0.1:9092\n", "127.0.0.1:9092")
	f("0.0.0.0:9092\n", "") // edited by hand: everybody could read what is served without a password
	f("example.com:80", "")
	f("", "")
	f("127.0.0.1", "")
	if got := loopback.Remembered(filepath.Join(t.TempDir(), "none")); got != "" {
		t.Errorf("%q from a file that is not there", got)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loopback.Listen(t.Context(), filepath.Join(file, "address"), 0); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v, want one that names the file", err)
	}
}
