package wholefile

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/a.txt"
	f := func(text string, fails error, want string) {
		t.Helper()
		err := Write(path, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return errors.Join(err, fails)
		})
		if !errors.Is(err, fails) {
			t.Errorf("error %v", err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%q, not %q (%v)", got, want, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("%v (%v)", entries, err)
		}
	}
	f("one", nil, "one")
	f("half of tw", io.ErrShortWrite, "one")
	if err := os.WriteFile(dir+"/.a.txt.next", []byte("what a crash left, longer than the rest"), 0o600); err != nil {
		t.Fatal(err)
	}
	f("two", nil, "two")
	if err := Write(dir+"/none/a.txt", func(io.Writer) error { return nil }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	unlock, err := Lock(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := LockAll(short, []string{t.TempDir(), dir}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	got := make(chan error)
	go func() {
		again, err := Lock(t.Context(), dir)
		if err == nil {
			err = again()
		}
		got <- err
	}()
	if err := unlock(); err != nil {
		t.Error(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}
