package pipkins

import (
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/quarterhour/quarterhour/internal/clock"
	simulated "github.com/quarterhour/quarterhour/internal/simulator/pipkins"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Whatever an agent is called, the site reads the name as it is.
func FuzzNames(f *testing.F) {
	f.Add("7", "Ann", ",")
	f.Add("a|b", "O\"Hara\r\n", "|")
	f.Add("\"", "\r", ";;")
	f.Fuzz(func(t *testing.T, id, name, delimiter string) {
		if !utf8.ValidString(id) || !utf8.ValidString(name) || id == "" || strings.Contains(id, "/") || len(delimiter) == 0 || len(delimiter) > 2 || strings.ContainsAny(delimiter, "\"\r\n:-TZ0123456789") || !utf8.ValidString(delimiter) {
			return
		}
		dir := t.TempDir()
		c, err := parse("folder: " + dir + "\n")
		if err != nil {
			t.Fatal(err)
		}
		c.Delimiter = delimiter
		s, err := newSheet("agent_interval", c)
		if err != nil {
			t.Fatal(err)
		}
		i := agent(t, "2026-03-02T09:00:00Z", id, name, 900_000)
		rows, err := s.content([]entry{entryOf(&i)})
		if err != nil {
			t.Fatal(err)
		}
		content := s.render(rows)
		site := simulated.New(clock.Wall, simulated.Options{Delimiter: delimiter})
		if err := site.Import("agent_x.csv", content); err != nil {
			t.Fatalf("%q: %v", content, err)
		}
		want := "2026-03-02T09:00:00Z|" + id + "|" + name + "|900|2"
		if got := site.Holds()["agent/2026-03-02T09:00:00Z/"+id]; got != want {
			t.Errorf("%q, not %q", got, want)
		}
	})
}

// Whatever the file of what is remembered holds, it is read or named.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"sequence":1,"rows":[{"key":"k","start":1,"revision":2,"agent":{}}]}`))
	f.Add([]byte(`{"rows":[{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := t.TempDir() + "/state.json"
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := load(path)
		if err != nil {
			if !strings.Contains(err.Error(), path) {
				t.Error(err)
			}
			return
		}
		c, err := parse("folder: " + t.TempDir() + "\n")
		if err != nil {
			t.Fatal(err)
		}
		s, err := newSheet("agent_interval", c)
		if err != nil {
			t.Fatal(err)
		}
		h.put([]delivery.Item{agent(t, "2026-03-02T09:00:00Z", "7", "Ann", 1)})
		if c, err := s.content(h.Rows); err == nil {
			s.render(c)
		}
	})
}
