package clickhouse

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestFindLibrary(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("QUARTERHOUR_CHDB", "")
	t.Setenv("QUARTERHOUR_CACHE", cache)
	if _, err := FindLibrary(); err == nil || !strings.Contains(err.Error(), "run `make engine`") || !strings.Contains(err.Error(), cache) {
		t.Errorf("empty cache: %v", err)
	}
	want := filepath.Join(cache, "chdb-"+Version, "node_modules/@chdb/lib-linux-x64-gnu/libchdb.so")
	if err := os.MkdirAll(filepath.Dir(want), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(want, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := FindLibrary(); got != want || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	other := filepath.Join(cache, "other.so")
	t.Setenv("QUARTERHOUR_CHDB", other)
	if _, err := FindLibrary(); err == nil || !strings.Contains(err.Error(), "$QUARTERHOUR_CHDB") {
		t.Errorf("variable names no file: %v", err)
	}
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := FindLibrary(); got != other || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, other)
	}
}

func TestCacheDirOrder(t *testing.T) {
	f := func(own, xdg, home, want string) {
		t.Helper()
		t.Setenv("QUARTERHOUR_CACHE", own)
		t.Setenv("XDG_CACHE_HOME", xdg)
		t.Setenv("HOME", home)
		if got, err := cacheDir(); got != want || err != nil {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	f("/own", "/xdg", "/home", "/own")
	f("", "/xdg", "/home", "/xdg/quarterhour")
	f("", "", "/home", "/home/.cache/quarterhour")
}

// A damaged library is refused before it is loaded, with what to do about it.
func TestDamagedLibrary(t *testing.T) {
	good, err := FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	head := make([]byte, 1<<20)
	file, err := os.Open(good)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := io.ReadFull(file, head); err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, write func(*os.File) error) {
		t.Helper()
		path := filepath.Join(dir, name)
		damagedFile, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := write(damagedFile); err != nil {
			t.Fatal(err)
		}
		damagedFile.Close()
		if err := checkLibrary(path); err == nil || !strings.Contains(err.Error(), "make engine") || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv("QUARTERHOUR_CHDB", filepath.Join(dir, "own")) // whose file is not ours to have deleted
	f("own", func(w *os.File) error { return nil })
	if err := checkLibrary(filepath.Join(dir, "own")); strings.Contains(err.Error(), "delete") {
		t.Error(err)
	}
	f("empty", func(w *os.File) error { return nil })
	f("text", func(w *os.File) error { _, err := w.WriteString("<html>not found</html>"); return err })
	f("cut short", func(w *os.File) error { _, err := w.Write(head); return err })
	f("no end", func(w *os.File) error {
		if _, err := w.Write(head); err != nil {
			return err
		}
		return w.Truncate(info.Size() - 1) // sparse: the size is nearly right, the content zeros
	})
	f("a program", func(w *os.File) error {
		program, err := os.ReadFile(os.Args[0])
		if err == nil {
			_, err = w.Write(program)
		}
		return err
	})
	f("a library without ClickHouse", func(w *os.File) error { return copyOther(w) })
	if err := checkLibrary(filepath.Join(dir, "missing")); err == nil || !strings.Contains(err.Error(), "run `make engine`") {
		t.Errorf("missing: %v", err)
	}
	if err := checkLibrary(good); err != nil {
		t.Errorf("the library itself: %v", err)
	}
}

// copyOther writes some other library of this machine.
func copyOther(w io.Writer) error {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return err
	}
	path := regexp.MustCompile(`/\S*/libc[.-]\S*`).Find(maps)
	if path == nil {
		path = []byte("/lib/x86_64-linux-gnu/libc.so.6")
	}
	data, err := os.ReadFile(string(path))
	if err == nil {
		_, err = w.Write(data)
	}
	return err
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	stopShared()
	f := func(options Options, want string) {
		t.Helper()
		s, err := Start(context.Background(), options)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want %q", options, err, want)
		}
	}
	f(Options{}, "no directory")
	f(Options{Dir: t.TempDir(), Addr: "127.0.0.1:notaport"}, "serve ClickHouse's engine")
	f(Options{Dir: "/proc/nothing"}, "prepare \"/proc/nothing\"")
	// None of these leaves anything behind that keeps the next from starting.
	if s, err := Start(context.Background(), Options{Dir: t.TempDir()}); err != nil {
		t.Error(err)
	} else {
		s.Close()
	}
}

// The pin is one version, with its checksum, and names no registry: npm's own configuration does.
func TestPackageLock(t *testing.T) {
	var lock struct {
		Packages map[string]struct{ Version, Integrity, Resolved string }
	}
	data, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		t.Fatal(err)
	}
	for _, name := range packages {
		entry := lock.Packages["node_modules/"+name]
		if entry.Version != Version || !strings.HasPrefix(entry.Integrity, "sha512-") || entry.Resolved != "" {
			t.Errorf("%s: %+v; want version %s with integrity and without an address", name, entry, Version)
		}
	}
}
