package pipkins

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	simulated "github.com/quarterhour/quarterhour/internal/simulator/pipkins"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

func serving(t *testing.T, o simulated.Options) (*simulated.Server, *simulated.SFTP) {
	t.Helper()
	o.Username = "acme"
	site := simulated.New(clock.Wall, o)
	server, err := site.ServeSFTP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return site, server
}

// dialling is the destination of a server, with more options.
func dialling(t *testing.T, s *simulated.SFTP, more string) delivery.Destination {
	t.Helper()
	return opened(t, fmt.Sprintf("state: %s\nsftp: {address: '%s', username: acme, path: /in, %s}\n", t.TempDir(), s.Addr, more))
}

func row(t *testing.T, revision int64) delivery.Item {
	t.Helper()
	return queue(t, "2026-03-02T09:00:00Z", "q", "voice", 10+revision, 0, revision)
}

// A request that fails at any point leaves whole files at the site, and the next one goes through on a new connection.
func TestSFTPFaults(t *testing.T) {
	for _, op := range []string{"open", "write", "close", "rename", "renamed"} {
		for _, fault := range []error{errors.New("quota exceeded"), net.ErrClosed} {
			t.Run(fmt.Sprint(op, " ", fault), func(t *testing.T) {
				site, server := serving(t, simulated.Options{Password: "p"})
				d := dialling(t, server, "password: p, fingerprint: '"+server.Fingerprint+"'")
				send(t, d, row(t, 1))
				server.Fault(func(at, _ string) error {
					if at == op {
						return fault
					}
					return nil
				})
				err := d.Send(t.Context(), []delivery.Item{row(t, 2)})
				if err == nil || !strings.Contains(err.Error(), server.Addr) {
					t.Errorf("error %v", err)
				}
				if holds := site.Holds(); len(holds) != 1 {
					t.Errorf("the site holds %v", holds)
				}
				server.Fault(nil)
				send(t, d, row(t, 2))
				want := "2026-03-02T09:00:00Z|q|Queue q|12|11|0"
				if got := site.Holds()["queue/2026-03-02T09:00:00Z/q"]; got != want || len(site.Violations()) > 0 {
					t.Errorf("the site holds %s, not %s; %v", got, want, site.Violations())
				}
				if names := server.Names(); len(names) != 0 {
					t.Errorf("%v are left there", names)
				}
			})
		}
	}
}

// Files go through one login, and a request that gets no answer ends when it is told to.
func TestSFTPSession(t *testing.T) {
	_, server := serving(t, simulated.Options{Password: "p"})
	d := dialling(t, server, "password: p, fingerprint: '"+server.Fingerprint+"'")
	for n := range 5 {
		send(t, d, row(t, int64(n+1)))
	}
	if got := server.Logins(); got != 1 {
		t.Errorf("%d logins", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	free := make(chan struct{})
	defer close(free)
	server.Fault(func(op, _ string) error {
		if op == "write" {
			cancel()
			<-free
		}
		return nil
	})
	done := make(chan error, 1)
	go func() { done <- d.Send(ctx, []delivery.Item{row(t, 9)}) }()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it waits for an answer")
	}
}

// Nothing is sent to a server that is not the one, nor is a login that was refused tried at once again.
func TestSFTPRefused(t *testing.T) {
	site, server := serving(t, simulated.Options{Password: "p"})
	_, other := serving(t, simulated.Options{Password: "p"})
	known := func(s *simulated.SFTP, key ssh.PublicKey) string {
		path := t.TempDir() + "/known_hosts"
		if err := os.WriteFile(path, []byte(knownhosts.Line([]string{s.Addr}, key)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	f := func(more, want string) {
		t.Helper()
		err := dialling(t, server, more).Send(t.Context(), []delivery.Item{row(t, 1)})
		var fault *httpcall.Error
		if !errors.As(err, &fault) || fault.Kind != httpcall.Refused || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error %v, and nothing of %q", err, want)
		}
	}
	f("password: hunter2, fingerprint: '"+server.Fingerprint+"'", "unable to authenticate")
	f("password: p, fingerprint: '"+other.Fingerprint+"'", "its ssh-ed25519 key has the fingerprint "+server.Fingerprint)
	f("password: p, known_hosts: '"+known(server, other.Key)+"'", "its ssh-ed25519 key is "+server.Fingerprint)
	f("password: p, known_hosts: '"+known(other, other.Key)+"'", "ask its owner")
	if holds := site.Holds(); len(holds) > 0 {
		t.Errorf("the site holds %v", holds)
	}
	send(t, dialling(t, server, "password: p, known_hosts: '"+known(server, server.Key)+"'"), row(t, 1))
	if holds := site.Holds(); len(holds) != 1 {
		t.Errorf("the site holds %v", holds)
	}
}

// A key logs in, with a passphrase or without.
func TestSFTPKey(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	site, server := serving(t, simulated.Options{Password: "p", UserKey: key})
	for n, passphrase := range []string{"", "open sesame"} {
		block, err := ssh.MarshalPrivateKey(private, "")
		if passphrase != "" {
			block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
		}
		if err != nil {
			t.Fatal(err)
		}
		path := t.TempDir() + "/id"
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		send(t, dialling(t, server, "key: '"+path+"', passphrase: '"+passphrase+"', fingerprint: '"+server.Fingerprint+"'"), row(t, int64(n+1)))
		if got := site.Imported(); got != n+1 {
			t.Errorf("%d files", got)
		}
	}
}

// Several workers bring rows of one interval: the site has all of them, however the files followed each other.
func TestManyWorkers(t *testing.T) {
	site, server := serving(t, simulated.Options{Password: "p"})
	state := t.TempDir()
	done := make(chan error, 4)
	for w := range 4 {
		d := opened(t, fmt.Sprintf("state: %s\nsftp: {address: '%s', username: acme, password: p, fingerprint: '%s'}\n", state, server.Addr, server.Fingerprint))
		go func() {
			var err error
			for n := range 5 {
				i := queue(t, "2026-03-02T09:00:00Z", fmt.Sprint("q", w, n), "voice", 5, 0, 1)
				err = errors.Join(err, d.Send(context.WithoutCancel(t.Context()), []delivery.Item{i}))
			}
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if got := site.Holds(); len(got) != 20 || len(site.Violations()) > 0 {
		t.Errorf("%d rows; %v", len(got), slices.Compact(site.Violations()))
	}
}
