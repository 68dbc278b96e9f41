package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// Endpoints is where engines answer. An engine that does not run has none.
type Endpoints struct {
	Brokers    []string `json:"brokers,omitempty"`    // host:port
	Registry   string   `json:"registry,omitempty"`   // http://127.0.0.1:port
	ClickHouse string   `json:"clickhouse,omitempty"` // http://127.0.0.1:port
}

// answerWithin bounds the check that an engine of the holder answers. All are on this machine.
const answerWithin = time.Second

// Attach gives the engines of the process that holds the folder, and false where none does or they do not answer (yet).
func Attach(dir string) (Endpoints, bool) {
	text, err := os.ReadFile(endpointsFile(dir))
	if err != nil {
		return Endpoints{}, false
	}
	var e Endpoints
	if json.Unmarshal(text, &e) != nil || !held(dir) || !e.answer() {
		return Endpoints{}, false
	}
	return e, true
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
