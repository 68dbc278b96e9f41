package file_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest/file"
	"github.com/quarterhour/quarterhour/ingest/sourcetest"
)

// The suite that every source passes. There is no vendor that could fail.
func TestTheFileSourcePassesTheSuite(t *testing.T) {
	dir := t.TempDir()
	for n := range 3 {
		var text strings.Builder
		text.WriteString("interaction_id,queue_id,channel,offered_at\n")
		for i := range 50 {
			fmt.Fprintf(&text, "%d-%d,sales,voice,2026-03-02T%02d:%02d:00Z\n", n, i, 8+n, i)
		}
		text.WriteString("x,sales,voice,yesterday\n")
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.csv", n)), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sourcetest.Run(t, sourcetest.Case{
		Registration: file.Registration, YAML: "path: ${DIR}/*.csv\nas: contact\ncomplete: last\n", Env: map[string]string{"DIR": dir},
		Now: time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC), Survives: []sourcetest.Fault{}, Stops: 6,
	})
}
