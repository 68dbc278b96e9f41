package console

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// up moves some lines up and clears from there to the end of the screen.
const up = "\x1b[%dA\r\x1b[J"

// How often progress is shown: bars on a terminal, plain lines elsewhere.
const (
	atOnce      = time.Second
	redrawEvery = 100 * time.Millisecond
	lineEvery   = 5 * time.Second
)

// Progress shows how far one or more pieces of work are, each with its rate and the time left. On a terminal they are bars
// that are drawn over; elsewhere a plain line every few seconds. It implements ingest.Progress. Safe for concurrent use.
type Progress struct {
	mu    sync.Mutex
	out   io.Writer
	look  Look
	now   func() time.Time
	tasks []*task // at work, in order of appearance
	shown time.Time
	drawn int // lines of bars on the terminal now
}

// NewProgress shows on out, which no one else should write to but through the Progress.
func NewProgress(out io.Writer, look Look, now func() time.Time) *Progress {
	return &Progress{out: out, look: look, now: now, shown: now()}
}

// Report says that done of total (0 where unknown) units of a piece of work are done.
func (p *Progress) Report(what string, done, total int64, unit string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	t := p.task(what, done, now)
	t.update(done, total, unit, now)
	switch {
	case t.finished():
		p.end(t, now)
	case p.look.Terminal && now.Sub(p.shown) >= redrawEvery:
		p.shown = now
		_ = p.redraw(nil)
	case !p.look.Terminal && now.Sub(p.shown) >= lineEvery:
		p.shown = now
		p.lines()
	}
}

// Write shows other output, such as log lines, above the bars.
func (p *Progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drawn == 0 {
		return p.out.Write(b)
	}
	if err := p.redraw(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Beside is for another output on the same terminal: the bars make way for what is written to it, and come back with the
// next report.
func (p *Progress) Beside(out io.Writer) io.Writer { return beside{p, out} }

type beside struct {
	p   *Progress
	out io.Writer
}

func (b beside) Write(text []byte) (int, error) {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	if b.p.drawn > 0 {
		_, _ = fmt.Fprintf(b.p.out, up, b.p.drawn)
		b.p.drawn = 0
	}
	return b.out.Write(text)
}

// Close takes the bars off the terminal.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tasks = nil
	if p.drawn > 0 {
		_ = p.redraw(nil)
	}
}

func (p *Progress) task(what string, done int64, now time.Time) *task {
	for _, t := range p.tasks {
		if t.what == what {
			return t
		}
	}
	t := &task{what: what, first: done, started: now, seen: now, done: done}
	p.tasks = append(p.tasks, t)
	return t
}

// end replaces a bar by a line that stays. Work that found nothing to do, or was done at once, is not worth one.
func (p *Progress) end(t *task, now time.Time) {
	for i, other := range p.tasks {
		if other == t {
			p.tasks = append(p.tasks[:i], p.tasks[i+1:]...)
			break
		}
	}
	if t.done == t.first || now.Sub(t.started) < atOnce {
		if p.drawn > 0 {
			_ = p.redraw(nil)
		}
		return
	}
	line := fmt.Sprintf("%s %s: %s%s\n", p.look.paint(green, "✓"), t.what, t.counted(t.done), t.took(now))
	if p.look.Terminal {
		_ = p.redraw([]byte(line))
	} else {
		_, _ = io.WriteString(p.out, line)
	}
}

func (p *Progress) lines() {
	for _, t := range p.tasks {
		if t.done > 0 || t.total > 0 {
			_, _ = io.WriteString(p.out, t.line()+"\n")
		}
	}
}

// redraw writes above text in place of the bars, and the bars below it.
func (p *Progress) redraw(above []byte) error {
	var b bytes.Buffer
	if p.drawn > 0 {
		fmt.Fprintf(&b, up, p.drawn)
	}
	b.Write(above)
	if len(above) > 0 && above[len(above)-1] != '\n' {
		b.WriteByte('\n')
	}
	names := 0
	for _, t := range p.tasks {
		names = max(names, width(t.what))
	}
	for _, t := range p.tasks {
		b.WriteString(t.bar(p.look, names) + "\n")
	}
	p.drawn = len(p.tasks)
	_, err := p.out.Write(b.Bytes())
	return err
}

// barWidth is the longest a bar gets, and barLeast the shortest that still says something.
const (
	barWidth = 30
	barLeast = 6
)

// bar is one line, at most as wide as the terminal: what, bar, share, count, rate, time left.
func (t *task) bar(look Look, names int) string {
	name := pad(cut(t.what, max(barLeast, look.Width/3)), min(names, max(barLeast, look.Width/3)), false)
	text := t.figures()
	room := look.Width - 1 - width(name) - width(text) - 4
	if t.total <= 0 || room < barLeast {
		return cut(name+"  "+text, look.Width-1)
	}
	length := min(room, barWidth)
	full := int(float64(length) * t.share())
	return name + "  " + look.paint(cyan, strings.Repeat("█", full)) + look.paint(dim, strings.Repeat("░", length-full)) + "  " + text
}
