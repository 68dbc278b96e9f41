package file

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/rows"
)

// checked is how many rows of a file are looked at.
const checked = 1000

// check looks whether there are files, and at the first rows of the last one by name: whether it opens, has the columns, and can be used.
func check(_ context.Context, options any, d ingest.Deps, report func(ingest.Finding)) error {
	s, err := open(options.(*Options), d)
	if err != nil {
		return err
	}
	say := func(what string, outcome ingest.Outcome, format string, args ...any) {
		report(ingest.Finding{What: what, Outcome: outcome, Detail: fmt.Sprintf(format, args...)})
	}
	path := s.options.Path
	if path == stdin {
		say("standard input", ingest.Fine, "is read when the pipeline runs")
		return nil
	}
	paths, err := match(path)
	switch {
	case err != nil:
		return err
	case len(paths) == 0 && isGlob(path):
		say("path", ingest.Doubt, "no file is called %q so far: check the path; a relative one starts where quarterhour is started", path)
		return nil
	case len(paths) == 0:
		say("path", ingest.Failure, "no file %q: check the path; a relative one starts where quarterhour is started", path)
		return nil
	}
	last := paths[len(paths)-1]
	say("path", ingest.Fine, "%d files, of which the last is looked at", len(paths))
	good, bad, first, err := s.sample(last)
	switch {
	case err != nil:
		say(last, ingest.Failure, "%v", err)
	case good == 0 && bad == 0:
		say(last, ingest.Doubt, "has no rows, so that the fields could not be checked")
	case good == 0:
		say(last, ingest.Failure, "none of %d rows can be used: %s", bad, first)
	case bad > 0:
		say(last, ingest.Doubt, "%d of %d rows cannot be used: %s", bad, good+bad, first)
	default:
		say(last, ingest.Fine, "%d rows looked at", good)
	}
	return nil
}

// sample reads the first rows of a file. first says what is wrong with the first that cannot be used.
func (s *source) sample(path string) (good, bad int, first string, err error) {
	r := &run{source: s, cursor: &cursor{Files: map[string]*progress{}}}
	f, err := r.openFile(path)
	if err != nil {
		return 0, 0, "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for good+bad < checked {
		f.mapping.Env.Reset()
		err := f.rows.Read(&f.mapping.Env)
		if errors.Is(err, io.EOF) {
			break
		}
		var wrong *rows.Error
		if err == nil {
			_, wrong = f.mapping.Run()
		} else if !errors.As(err, &wrong) {
			return good, bad, first, err
		}
		if wrong == nil {
			good++
			continue
		}
		if bad++; bad == 1 {
			first = fmt.Sprintf("%s:%s: %s: %v", path, f.rows.Position(), wrong.Reason, wrong)
		}
	}
	return good, bad, first, nil
}
