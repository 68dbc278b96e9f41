package file

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/rows"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/schemas"
)

// run is one look at all files.
type run struct {
	*source
	cursor *cursor
	out    ingest.Out
	limit  int64 // instants after it are mistakes

	total, done int64 // bytes on the disk: of all files, of those read
	since       int64 // offset of the last commit in this file
	dirty       bool  // the cursor has not been stored
}

// pulse is the number of rows between two looks at progress, cancellation and the need to commit.
const pulse = 4096

// file reads what is new in one file.
func (r *run) file(ctx context.Context, path string) error {
	f, err := r.openFile(path)
	if err != nil {
		return r.explain(path, err)
	}
	if f == nil { // nothing new
		r.report(0)
		return nil
	}
	crash.Point(crash.FileOpened)
	err = r.rows(ctx, f)
	if closed := f.Close(); err == nil && closed != nil {
		err = fmt.Errorf("close: %w", closed)
	}
	if f.info != nil {
		r.done += f.info.Size()
		r.report(0)
	}
	return r.explain(path, err)
}

func (r *run) explain(path string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var stop *stopped
	if errors.As(err, &stop) {
		return err
	}
	if path == stdin {
		path = "standard input"
	}
	return fmt.Errorf("%s: %w", path, err)
}

// stopped is the error of a bad row where the options say that one ends the run.
type stopped struct {
	location string
	row      *rows.Error
}

func (e *stopped) Error() string {
	return fmt.Sprintf("%s: %s: %v", e.location, e.row.Reason, e.row.Err)
}
func (e *stopped) Unwrap() error { return e.row.Err }

// rows reads the rows of an open file to its end.
func (r *run) rows(ctx context.Context, f *openFile) error {
	r.since = f.read()
	for n := 1; ; n++ {
		if n%pulse == 0 {
			if err := r.beat(ctx, f); err != nil {
				return err
			}
		}
		f.mapping.Env.Reset()
		err := f.rows.Read(&f.mapping.Env)
		if err != nil && errors.Is(err, io.EOF) {
			break
		}
		if f.holds() {
			r.note(f, f.info.Size())
			return nil
		}
		if err == nil {
			err = r.row(ctx, f)
		}
		if err != nil {
			if err = r.reject(ctx, f, err); err != nil {
				return err
			}
		}
	}
	crash.Point(crash.FileRead)
	if f.info == nil {
		r.dirty = true
		return nil
	}
	r.note(f, f.info.Size())
	r.remember(f)
	return nil
}

// row maps one row and hands it over.
func (r *run) row(ctx context.Context, f *openFile) error {
	m := f.mapping
	keep, bad := m.Run()
	if bad != nil {
		return bad
	}
	if !keep {
		return nil
	}
	r.cursor.see(m.Begins(), m.Latest(), r.limit)
	return m.Hand(ctx, r.out)
}

// reject dead-letters a row that is no good; other errors come back.
func (r *run) reject(ctx context.Context, f *openFile, err error) error {
	var bad *rows.Error
	if !errors.As(err, &bad) {
		return err
	}
	location := f.path + ":" + f.rows.Position()
	if r.options.OnError == "stop" {
		return &stopped{location, bad}
	}
	raw := f.rows.Raw()
	return r.out.Reject(ctx, &schemas.DeadLetter{
		Fact: r.options.As, Reason: bad.Reason, Detail: bad.Error(), Location: location, Payload: raw[:min(len(raw), rows.MaxPayload)],
	})
}

// beat looks after everything that need not be done for each row.
func (r *run) beat(ctx context.Context, f *openFile) error {
	r.report(f.raw.read.Load())
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.path == stdin || f.read() < r.since+r.commitBytes {
		return nil
	}
	r.note(f, unfinished)
	r.since, r.dirty = f.read(), false
	return r.out.Commit(ctx, r.cursor.encode())
}

func (r *run) report(inFile int64) {
	if r.deps.Progress != nil {
		r.deps.Progress.Report(r.deps.Name, r.done+inFile, r.total, "bytes")
	}
}

// unfinished is the size of a file in the cursor while it has not been read to its end: no file has it, so that each look goes on.
const unfinished = -1

// note puts the file's progress into the cursor.
func (r *run) note(f *openFile, size int64) {
	p := progress{Size: size, Modified: f.info.ModTime().UnixNano(), Place: f.place(), Held: f.holds()}
	if old := r.cursor.Files[f.path]; old == nil || *old != p {
		r.cursor.Files[f.path] = &p
		r.dirty = true
	}
}
