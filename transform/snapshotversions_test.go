package transform_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/transform"
)

// The snapshots in testdata/snapshots/VERSION are of smallLogs, written by a program of that version. They are read as long as the version is, and
// what is written now is, byte by byte, what is there for the current one: to change the format, raise the version. Files that
// are not there are written. Where foldRules or the options change, remove the files and run the test twice.
func TestSnapshotsOfEveryVersionAreRead(t *testing.T) {
	now := smallShards(t)
	for version := transform.OldestSnapshot; version <= transform.SnapshotVersion; version++ {
		for name, log := range smallLogs() {
			path := filepath.Join("testdata", "snapshots", fmt.Sprint(version), strings.ReplaceAll(name, "/", "-"))
			data, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) && version == transform.SnapshotVersion {
				t.Errorf("%s is new: check it in", path)
				write(t, path, now[name])
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			if version == transform.SnapshotVersion && !bytes.Equal(data, now[name]) {
				t.Errorf("%s: what is written differs from what version %d is", name, version)
			}
			restored, next, err := transform.Restore(name, benchOptions, bytes.NewReader(data))
			if err != nil {
				t.Errorf("version %d of %s: %v", version, name, err)
				continue
			}
			straight := folded(t, name, log)
			if next != straight.Next() {
				t.Errorf("version %d of %s goes on at %d, not %d", version, name, next, straight.Next())
			}
			if diff := gocmp.Diff(straight.Counts(), restored.Counts()); diff != "" {
				t.Errorf("version %d of %s, counts differ:\n%s", version, name, diff)
			}
			if diff := gocmp.Diff(takenBack(t, straight, log), takenBack(t, restored, log)); diff != "" {
				t.Errorf("version %d of %s, partials differ:\n%s", version, name, diff)
			}
		}
	}
}

// takenBack is what a shard hands on when all facts are corrected, and when they are then taken back.
func takenBack(t *testing.T, s *transform.Shard, log []any) (out [][]string) {
	t.Helper()
	for _, r := range touched(log) {
		feedAny(s, r, s.Next())
		var records []record
		if err := s.Emit(partials{"s", &records}); err != nil {
			t.Fatal(err)
		}
		out = append(out, sorted(records))
	}
	return out
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
