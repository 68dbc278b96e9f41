package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/cli"
	"github.com/quarterhour/quarterhour/internal/console"
)

// lines is a screen that another goroutine may read, and that says when a text is there.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	seen chan struct{}
	want string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := strings.Contains(l.text.String(), l.want)
	n, err := l.text.Write(p)
	if !before && strings.Contains(l.text.String(), l.want) {
		close(l.seen)
	}
	return n, err
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestSimulateServesUntilItIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &lines{seen: make(chan struct{}), want: "Nothing more happens"}
	s := &cli.Session{Screen: console.NewScreen(out, console.Look{}), Log: slog.New(slog.DiscardHandler)}
	done := make(chan error, 1)
	go func() {
		done <- App{}.Simulate(ctx, s, cli.SimulateOptions{From: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: 1, Agents: 6, Seed: 1, Speed: 1e6, Addr: "127.0.0.1:0"})
	}()
	select {
	case <-out.seen:
	case err := <-done:
		t.Fatalf("%v\n%s", err, out)
	}
	url := regexp.MustCompile(`http://\S+/violations`).FindString(out.String())
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); strings.TrimSpace(string(text)) != "[]" {
		t.Errorf("%s: %s", url, text)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for _, want := range []string{"export QUARTERHOUR_CLOCK='2026-03-02T06:45:00Z,", "export FIVE9_URL='http://127.0.0.1:", "export GLADLY_TOKEN=", "export ISERVICE_URL=",
		"Mon 2 Mar 2026 ", "five9: 0 requests", "0 violations"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}
