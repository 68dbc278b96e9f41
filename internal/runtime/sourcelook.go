package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/pipelines"
)

// Reader names the run that reads the pipeline's sources now, as `process 17 on "host"`; "" where none does. now is the machine's time.
func Reader(ctx context.Context, cluster *broker.Cluster, file *pipelines.Pipeline, now func() time.Time) (string, error) {
	stored, err := openCursors(ctx, cluster, file, now)
	if err != nil || stored == nil {
		return "", err
	}
	h, ok := stored.held()
	if !ok {
		return "", nil
	}
	return fmt.Sprintf("process %d on %q", h.Process, h.Host), nil
}

// CredentialNames are the credentials that a source uses, by name. Nothing is called; a source that cannot even be opened uses none.
func CredentialNames(file *pipelines.Pipeline, s pipelines.Source, now func() time.Time) []string {
	return slices.Sorted(maps.Keys(credentialsOf(file, s, now)))
}

// credentialsOf are the credentials that a source opens.
func credentialsOf(file *pipelines.Pipeline, s pipelines.Source, now func() time.Time) map[string]*quota.Credential {
	keyring := &quota.Keyring{Watch: clock.Wall}
	bounds, err := (&pipeline{file: file}).bounds()
	if err != nil || s.Registration.Open == nil {
		return nil
	}
	_, err = s.Registration.Open(s.Options, ingest.Deps{
		Tenant: file.Tenant, Pipeline: file.Name, Name: s.Name, Zone: file.Zone, Bounds: bounds, Drain: true,
		Log: slog.New(slog.DiscardHandler), Now: now, Watch: clock.Wall, Keyring: keyring,
	})
	if err != nil {
		return nil
	}
	return keyring.All()
}

// CursorText is a stored cursor for people: JSON on lines of its own, where it is JSON; "" where it is something else.
func CursorText(stored []byte) string {
	stored = unpacked(stored)
	var b bytes.Buffer
	if len(stored) == 0 || json.Indent(&b, stored, "", "  ") != nil {
		return ""
	}
	return b.String()
}

// unpacked is a cursor without the compression that large ones have.
func unpacked(stored []byte) []byte {
	if !bytes.HasPrefix(stored, []byte{0x1f, 0x8b}) {
		return stored
	}
	r, err := gzip.NewReader(bytes.NewReader(stored))
	if err != nil {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(r, maxCursor))
	if err != nil {
		return nil
	}
	return text
}

// maxCursor bounds how much of a compressed cursor is looked at, bytes.
const maxCursor = 64 << 20

// Promised is how far a cursor without flows says that its source is complete; zero where it does not.
func Promised(stored []byte) time.Time {
	var c struct {
		Marked *int64 `json:"marked"`
	}
	if json.Unmarshal(unpacked(stored), &c) != nil || c.Marked == nil {
		return time.Time{}
	}
	return time.UnixMilli(*c.Marked).UTC()
}
