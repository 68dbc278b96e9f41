package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFresh fails when an .avsc file was changed and the Go files were not generated again.
func TestFresh(t *testing.T) {
	files, err := render("..")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("schemas/%s is stale, run \"go generate ./schemas\" (-want +got):\n%s", name, d)
		}
	}
}

func TestWriteIsStable(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile("../contact.avsc")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "contact.avsc"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	var first, second string
	for _, into := range []*string{&first, &second} {
		if err := write(dir); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "records.go"))
		if err != nil {
			t.Fatal(err)
		}
		*into = string(b)
	}
	if first != second || !strings.Contains(first, "type Contact struct") {
		t.Fatalf("two runs differ, or the record is missing:\n%s", first)
	}
}

func TestRefuses(t *testing.T) {
	f := func(schema, want string) {
		t.Helper()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "thing.avsc"), []byte(schema), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := render(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %q", schema, err, want)
		}
	}
	field := func(typ string) string {
		return `{"type":"record","name":"quarterhour.thing","fields":[{"name":"a","type":` + typ + `}]}`
	}
	// A record of another name than the file would be registered under a subject nobody looks for.
	f(`{"type":"record","name":"quarterhour.other","fields":[]}`, "must define the record quarterhour.thing")
	f(`{"type":"record"`, "thing.avsc")
	// No Go type: the message says what to choose.
	f(field(`{"type":"array","items":"long"}`), "has no Go type")
	f(field(`["null","string"]`), "has no Go type")
	f(field(`{"type":"long","logicalType":"timestamp-micros"}`), "timestamp-millis")
	f(`{"type":"record","name":"quarterhour.thing","fields":[
		{"name":"a","type":{"type":"enum","name":"x.E","symbols":["A"]}},
		{"name":"b","type":{"type":"enum","name":"y.E","symbols":["B"]}}]}`, "other symbols")
}

func TestNoSchemas(t *testing.T) {
	if _, err := render(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no .avsc") {
		t.Fatalf("got %v", err)
	}
}
