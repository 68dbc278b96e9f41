// Package loopback opens the ports that embedded engines answer on: on this machine only, and the same port at every start
// where it is still free, so that addresses noted elsewhere (a Grafana data source, a bookmark) stay right.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Listen opens the port remembered in the file, else the preferred one, else any that is free, and remembers it.
func Listen(ctx context.Context, file string, preferred int) (net.Listener, error) {
	var config net.ListenConfig
	var last error
	for _, addr := range []string{Remembered(file), address(preferred), address(0)} {
		if addr == "" {
			continue
		}
		l, err := config.Listen(ctx, "tcp", addr)
		if err != nil {
			last = err
			continue
		}
		if err := remember(file, l.Addr().String()); err != nil {
			return nil, errors.Join(err, l.Close())
		}
		return l, nil
	}
	return nil, fmt.Errorf("cannot open a port on loopback: %w", last)
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// Remembered is the address in the file, empty where there is none or it is not one of loopback.
func Remembered(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	addr, err := netip.ParseAddrPort(strings.TrimSpace(string(text)))
	if err != nil || !addr.Addr().IsLoopback() {
		return ""
	}
	return addr.String()
}

// remember writes the address for the next start, where it is not there already.
func remember(file, addr string) error {
	if Remembered(file) == addr {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("cannot create the folder for %q: %w", file, err)
	}
	if err := os.WriteFile(file, []byte(addr+"\n"), 0o644); err != nil {
		return fmt.Errorf("cannot remember the address %s: %w", addr, err)
	}
	return nil
}
