package runtime

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
)

// opener opens its credential at once, as connectors do.
type opener struct{}

func (opener) Run(context.Context, []byte, ingest.Out) error { return nil }

func TestCredentialNames(t *testing.T) {
	p := pipelineOf(t, &factSource{}, newTableSink())
	if got := CredentialNames(p, p.Sources[0], clock.Now); len(got) > 0 {
		t.Errorf("a source without credentials has %q", got)
	}
	p.Sources[0].Registration.Open = func(_ any, d ingest.Deps) (ingest.Source, error) {
		d.Keyring.Open("vendor/b", quota.Options{})
		d.Keyring.Open("vendor/a", quota.Options{Secret: "s"})
		return opener{}, nil
	}
	if diff := cmp.Diff([]string{"vendor/a", "vendor/b"}, CredentialNames(p, p.Sources[0], clock.Now)); diff != "" {
		t.Error(diff)
	}
	p.Sources[0].Registration.Open = func(any, ingest.Deps) (ingest.Source, error) { return nil, context.Canceled }
	if got := CredentialNames(p, p.Sources[0], clock.Now); len(got) > 0 {
		t.Errorf("a source that cannot be opened has %q", got)
	}
}

func TestCursorsOfTheirOwnKind(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte(`{"marked":1000,"files":{}}`))
	_ = w.Close()
	f := func(stored []byte, wantText string, wantThrough time.Time) {
		t.Helper()
		if got := CursorText(stored); got != wantText {
			t.Errorf("%q: text %q, want %q", stored, got, wantText)
		}
		if got := Promised(stored); !got.Equal(wantThrough) {
			t.Errorf("%q: complete through %s, want %s", stored, got, wantThrough)
		}
	}
	f(nil, "", time.Time{})
	f([]byte("\x00\x01"), "", time.Time{})
	f([]byte(`{"marked":1000}`), "{\n  \"marked\": 1000\n}", time.UnixMilli(1000))
	f(packed.Bytes(), "{\n  \"marked\": 1000,\n  \"files\": {}\n}", time.UnixMilli(1000))
	f(packed.Bytes()[:12], "", time.Time{})
}

func TestReader(t *testing.T) {
	w := newWorld(t)
	p := pipelineOf(t, &factSource{batch: 1}, newTableSink())
	f := func(reading bool) {
		t.Helper()
		who, err := Reader(t.Context(), w.cluster, p, clock.Now)
		if err != nil || (who != "") != reading {
			t.Errorf("read by %q, %v; want a reader: %t", who, err, reading)
		}
	}
	f(false)
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	f(false)
	stored, err := openCursors(t.Context(), w.cluster, p, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	release, err := stored.hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f(true)
	release()
	f(false)
}

// Two runs that read the same sources do not go unnoticed.
func TestTwoReaders(t *testing.T) {
	w := newWorld(t)
	p := pipelineOf(t, &factSource{batch: 1}, newTableSink())
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	stored, err := openCursors(t.Context(), w.cluster, p, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	stored.p.log = slog.New(slog.NewTextHandler(&lines, nil))
	release, err := stored.hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if stored.shared(t.Context()) || lines.Len() > 0 {
		t.Error("alone: ", lines.String())
	}
	if err := stored.put(t.Context(), holdKey, []byte(`{"host":"other","process":7}`)); err != nil {
		t.Fatal(err)
	}
	if !stored.shared(t.Context()) || !strings.Contains(lines.String(), "host=other process=7") {
		t.Error("two: ", lines.String())
	}
}
