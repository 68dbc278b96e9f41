package pipkins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// verifier is a destination whose files can be read back.
type verifier struct {
	*destination
	files reader
}

var _ delivery.Verifier = (*verifier)(nil)

// Verify compares rows with the files. An import may have taken a file away: then what is remembered of it is looked at, and where that is
// forgotten nothing.
func (v *verifier) Verify(ctx context.Context, items []delivery.Item, found func(item delivery.Item, how string)) error {
	files, err := v.destination.files(items, func(n int, err error) { found(items[n], err.Error()) })
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := v.verify(ctx, f, found); err != nil && !errors.Is(err, errForgotten) {
			return err
		}
	}
	return nil
}

func (v *verifier) verify(ctx context.Context, f *file, found func(item delivery.Item, how string)) (err error) {
	unlock, err := v.lock(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	h, err := load(f.state())
	if err != nil {
		return err
	}
	want, err := f.sheet.content(h.Rows)
	if err != nil {
		return err
	}
	name := numbered(f.name, h.Sequence)
	seen := look{name: name, want: want, sheet: f.sheet}
	if h.Sequence > 0 {
		if seen.have, seen.there, err = v.files.get(ctx, name); err != nil {
			return err
		}
	}
	seen.same = bytes.Equal(seen.have, f.sheet.render(want))
	all := true
	for n := range f.items {
		i := &f.items[n]
		at, ok := h.find(i.Key)
		how := ""
		switch {
		case !ok:
			how = "is not in " + name
		case h.Rows[at].Revision < i.Revision:
			how = fmt.Sprintf("is in %s at revision %d", name, h.Rows[at].Revision)
		default:
			how = seen.row(i.Key)
		}
		all = all && how == ""
		if how != "" || seen.there {
			found(*i, how)
		}
	}
	if seen.there && !seen.same && all && seen.all() {
		found(f.items[0], fmt.Sprintf("is in %s, which has something else besides its rows: %d bytes, and should have %d", name, len(seen.have), len(f.sheet.render(want))))
	}
	return nil
}

// look is a file that was read back, beside what it should have.
type look struct {
	name  string
	want  *content
	have  []byte
	there bool
	same  bool
	sheet *sheet
}

// row says how the row that a key is in differs; "" where it does not, or where the file is gone.
func (l *look) row(key string) string {
	if !l.there || l.same {
		return ""
	}
	if other, ok := l.want.of[key]; ok {
		key = other
	}
	n := slices.Index(l.want.keys, key)
	if n < 0 || l.line(l.want.lines[n]) {
		return "" // the row does not belong into the file, or is there
	}
	return fmt.Sprintf("is not in %s as it should be: %s", l.name, strings.TrimSpace(oneLine.Replace(l.want.lines[n])))
}

var oneLine = strings.NewReplacer("\r", "", "\n", " ")

// all says whether every row is there.
func (l *look) all() bool {
	return !slices.ContainsFunc(l.want.lines, func(line string) bool { return !l.line(line) })
}

// line says whether a line is in the file.
func (l *look) line(line string) bool {
	have, want, end := l.sheet.encoder.bare(l.have), encoder{table: l.sheet.encoder.table}.encode(line), []byte(lineEnds[l.sheet.config.LineEnd])
	for at := 0; ; at++ {
		n := bytes.Index(have[at:], want)
		if n < 0 {
			return false
		}
		if at += n; at == 0 || bytes.HasSuffix(have[:at], end) {
			return true
		}
	}
}
