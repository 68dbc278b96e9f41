package file

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/deliverytest"
)

// held reads all files of a folder with the sink's own readers: revision by key.
func held(t testing.TB, dir, ext string) map[string]string {
	t.Helper()
	list := map[string]string{}
	c := &Config{Path: "x." + ext, Format: "auto", Delimiter: ","}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			return err
		}
		for _, kind := range kinds {
			if identities[kind].plural != filepath.Base(filepath.Dir(path)) {
				continue
			}
			table, err := newTable(kind, c)
			if err != nil {
				return err
			}
			return table.each(t.Context(), path, func(r *row) {
				name := fmt.Sprintf("%s %q %d", kind, r.key, r.at)
				if _, ok := list[name]; ok {
					t.Errorf("%s is there twice", name)
				}
				list[name] = strings.TrimSpace(string(r.line)) + fmt.Sprintf("%+v", r.values)
			})
		}
		return fmt.Errorf("%s is no file of the sink", path)
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

var cannot = deliverytest.NoNetwork("files are written, and nobody answers").And(deliverytest.Cannot{"poison": "a file takes any record"})

func TestSuite(t *testing.T) {
	for _, ext := range []string{"csv", "jsonl", "parquet"} {
		t.Run(ext, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation("Asia/Kolkata")
			if err != nil {
				t.Fatal(err)
			}
			c := &Config{Path: "x." + ext, Format: "auto", Delimiter: ","}
			deliverytest.Run(t, deliverytest.Case{
				Registration: Registration, YAML: "path: ${DIR}/{kind}/{day}." + ext + "\n", Zone: zone, Batch: 8, Cannot: cannot,
				Now: time.Date(2026, 3, 2, 20, 7, 11, 0, time.UTC), // the intervals are on both sides of midnight
				Destination: func(t *testing.T, s deliverytest.Setting) deliverytest.Destination {
					return deliverytest.Destination{
						Holds: func() map[string]string { return held(t, s.Dir, ext) },
						Shows: func(i delivery.Item) map[string]string {
							table, err := newTable(kindOf(&i), c)
							if err != nil {
								t.Fatal(err)
							}
							r, _, err := table.row(&i, nil)
							if err != nil {
								t.Fatal(err)
							}
							return map[string]string{fmt.Sprintf("%s %q %d", table.Kind, r.key, r.at): strings.TrimSpace(string(r.line)) + fmt.Sprintf("%+v", r.values)}
						},
					}
				},
			})
		})
	}
}
