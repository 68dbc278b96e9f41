package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// Endpoints is where engines answer. An engine that does not run has none.
type Endpoints struct {
	Brokers    []string `json:"brokers,omitempty"`    // host:port
	Registry   string   `json:"registry,omitempty"`   // http://127.0.0.1:port
	ClickHouse string   `json:"clickhouse,omitempty"` // http://127.0.0.1:port
}

// answerWithin bounds the check that an engine of the holder answers. All are on this machine.
const answerWithin = time.Second

// A holder that has just taken the folder has not started its engines yet, and one that ends has stopped them already. Both
// are over soon.
const (
	settleTries = 150
	settlePause = 20 * time.Millisecond
)

// Attach gives the engines of the process that holds the folder, and false where none does or they do not answer. It waits
// up to 3 s for a holder that starts or ends.
func Attach(dir string) (Endpoints, bool) {
	for range settleTries {
		if !held(dir) {
			return Endpoints{}, false
		}
		var e Endpoints
		if text, err := os.ReadFile(endpointsFile(dir)); err == nil && json.Unmarshal(text, &e) == nil && e.answer() {
			return e, true
		}
		_ = clock.Sleep(context.Background(), settlePause) // never ends early without a context that does
	}
	return Endpoints{}, false
}

func (e Endpoints) answer() bool {
	var addrs []string
	addrs = append(addrs, e.Brokers...)
	for _, address := range []string{e.Registry, e.ClickHouse} {
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			addrs = append(addrs, u.Host)
		}
	}
	for _, a := range addrs {
		conn, err := net.DialTimeout("tcp", a, answerWithin)
		if err != nil {
			return false
		}
		_ = conn.Close() // it was only opened to see that it can be
	}
	return len(addrs) > 0
}

// publish writes the file in one step: a reader sees all of it or none.
func (e *Engines) publish(dir string) error {
	text, err := json.MarshalIndent(e.Endpoints, "", "  ")
	if err != nil {
		return err
	}
	draft := endpointsFile(dir) + ".new"
	if err := os.WriteFile(draft, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("cannot write the engines' addresses: %w", err)
	}
	if err := os.Rename(draft, endpointsFile(dir)); err != nil {
		return fmt.Errorf("cannot write the engines' addresses: %w", err)
	}
	return nil
}

func forget(dir string) error {
	if err := os.Remove(endpointsFile(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the engines' addresses: %w", err)
	}
	return nil
}

func endpointsFile(dir string) string { return filepath.Join(dir, "endpoints.json") }
