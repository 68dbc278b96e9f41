package pipkins

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/quarterhour/quarterhour/internal/wholefile"
	"github.com/quarterhour/quarterhour/sinks/horizon"
)

// forget removes what is remembered of days that no correction is expected of any more. The files stay where they were put.
func (d *destination) forget(ctx context.Context) error {
	if !d.horizon.Due() {
		return nil
	}
	sets, err := os.ReadDir(d.state)
	if err != nil {
		return err
	}
	for _, set := range sets {
		if !set.IsDir() {
			continue
		}
		if err := d.forgetDays(ctx, filepath.Join(d.state, set.Name())); err != nil {
			return fmt.Errorf("forget old days of %s: %w", set.Name(), err)
		}
	}
	return nil
}

// forgetDays does so for one set. Its folder is locked by nobody else, and the folder of a day while it is written of.
func (d *destination) forgetDays(ctx context.Context, dir string) (err error) {
	days, err := d.over(dir)
	if err != nil || len(days) == 0 {
		return err
	}
	unlock, err := wholefile.Lock(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	for _, day := range days {
		if err := d.forgetDay(ctx, dir, day); err != nil {
			return err
		}
	}
	d.log.Info("what the files of old days hold is forgotten", "set", filepath.Base(dir), "days", len(days))
	return nil
}

func (d *destination) forgetDay(ctx context.Context, dir, day string) (err error) {
	path := filepath.Join(dir, day)
	unlock, err := wholefile.Lock(ctx, path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) { // another process was here
			return nil
		}
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if written, err := lastWritten(path); err != nil || !d.horizon.Over(day, written) {
		return err
	}
	forgotten, err := horizon.Load(dir)
	if err == nil {
		err = forgotten.Add(dir, day)
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(path)
}

// over are the days of a set that are to be forgotten.
func (d *destination) over(dir string) (days []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.IsDir() || !d.horizon.Over(e.Name(), time.Time{}) {
			continue
		}
		written, err := lastWritten(filepath.Join(dir, e.Name()))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if d.horizon.Over(e.Name(), written) {
			days = append(days, e.Name())
		}
	}
	return days, nil
}

// lastWritten is when a file in a folder was written last.
func lastWritten(dir string) (last time.Time, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return last, err
		}
		if info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last, err
}
