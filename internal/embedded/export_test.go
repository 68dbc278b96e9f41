package embedded

import (
	"net"
	"testing"
)

// Hold takes the folder as a holder whose engines have not started yet; publish says that they have.
func Hold(t *testing.T, dir string) (release, publish func()) {
	t.Helper()
	l, err := acquire(t.Context(), dir, "quarterhour run")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	release = func() {
		_ = listener.Close()
		if err := forget(dir); err != nil {
			t.Error(err)
		}
		if err := l.release(); err != nil {
			t.Error(err)
		}
	}
	publish = func() {
		e := Engines{Endpoints: Endpoints{Brokers: []string{listener.Addr().String()}}}
		if err := e.publish(dir); err != nil {
			t.Error(err)
		}
	}
	return release, publish
}
