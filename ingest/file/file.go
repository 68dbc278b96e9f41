package file

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/crash"
)

// source reads the files of one path or glob.
type source struct {
	options      *Options
	deps         ingest.Deps
	zone         *time.Location
	completeWord string
	completeAt   int64
	commitBytes  int64
	live         map[string]*live
}

// commitBytes is how much is read between two commits: what a crash makes the source read again.
const commitBytes = 64 << 20

func open(o *Options, d ingest.Deps) (*source, error) {
	s := &source{options: o, deps: d, zone: o.Zone, commitBytes: commitBytes, live: make(map[string]*live)}
	if s.zone == nil {
		s.zone = d.Zone
	}
	var err error
	if s.completeWord, s.completeAt, err = parseComplete(o.Complete, s.zone); err != nil {
		return nil, fmt.Errorf("complete %w", err)
	}
	return s, nil
}

// Run reads all files, and goes on looking for more unless draining.
func (s *source) Run(ctx context.Context, stored []byte, out ingest.Out) error {
	c, remapped, err := loadCursor(stored, s.options.fingerprint(s.zone.String()))
	if err != nil {
		return err
	}
	if remapped {
		s.deps.Log.Warn("the mapping has changed: all files are read again; facts keep the greater content unless revision grows")
	}
	for {
		if err := s.look(ctx, c, out); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if s.deps.Drain || s.options.Path == stdin {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(s.options.Every):
		}
	}
}

// look reads what is new in all files.
func (s *source) look(ctx context.Context, c *cursor, out ingest.Out) error {
	paths, err := match(s.options.Path)
	if err != nil {
		return err
	}
	if len(paths) == 0 && (s.deps.Drain || !isGlob(s.options.Path)) {
		return fmt.Errorf("path %q: no such file: check the path; a relative one starts where quarterhour was started", s.options.Path)
	}
	r := &run{source: s, cursor: c, out: out, limit: s.deps.Now().Add(24 * time.Hour).UnixMilli()}
	gone := make(map[string]bool)
	for path := range c.Files {
		gone[path] = true
	}
	for _, path := range paths {
		delete(gone, path)
		if info, err := os.Stat(path); err == nil {
			r.total += info.Size()
		}
	}
	for path := range gone {
		delete(c.Files, path)
		delete(s.live, path)
		r.dirty = true
	}
	for _, path := range paths {
		if err := r.file(ctx, path); err != nil {
			return err
		}
	}
	if r.dirty {
		crash.Point(crash.FilesRead)
		if err := out.Commit(ctx, c.encode()); err != nil {
			return err
		}
	}
	return s.finish(ctx, c, out)
}
