package wholefile

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
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

// A draft elsewhere is all that another folder sees of a file before it is whole.
func TestWriteBy(t *testing.T) {
	dir, drafts := t.TempDir(), t.TempDir()
	err := WriteBy(drafts+"/draft", dir+"/a.txt", func(w io.Writer) error {
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			t.Errorf("%v (%v)", entries, err)
		}
		return Text([]byte("whole"))(w)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(dir + "/a.txt"); err != nil || string(got) != "whole" {
		t.Errorf("%q (%v)", got, err)
	}
	if entries, err := os.ReadDir(drafts); err != nil || len(entries) != 0 {
		t.Errorf("%v (%v)", entries, err)
	}
}

// Who waits for the lock of a folder that is removed meanwhile does not get that of a folder that is no more.
func TestLockOfAFolderThatGoes(t *testing.T) {
	dir := t.TempDir() + "/day"
	lock := func() (func() error, error) {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, err
		}
		return Lock(t.Context(), dir)
	}
	first, err := lock()
	if err != nil {
		t.Fatal(err)
	}
	var held atomic.Int64
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for {
				unlock, err := lock()
				if errors.Is(err, os.ErrNotExist) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if held.Add(1) != 1 {
					t.Error("two have the lock")
				}
				held.Add(-1)
				if err := unlock(); err != nil {
					t.Error(err)
				}
				return
			}
		})
	}
	time.Sleep(20 * time.Millisecond) // they wait, or come later: it holds either way
	if err := errors.Join(os.RemoveAll(dir), first()); err != nil {
		t.Error(err)
	}
	group.Wait()
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
