package flow

import "time"

// grain is what windows begin and end on: vendors that are asked with fractions of a second cut them off, and what lies in between would
// be missing from both windows.
const grain = time.Second

// whole says that there is no window: a read asks for the present state of a thing.
func (w Window) whole() bool { return w == Window{} }

// span is what to read at an instant, where the flow is complete through one (zero: it never read). lost is what lies before, which
// can no longer be asked for.
func (w Window) span(now, through time.Time) (from, to time.Time, lost time.Duration) {
	switch {
	case !through.IsZero():
		from = through.Add(-w.Overlap)
		if !w.Start.IsZero() && from.Before(w.Start) {
			from = w.Start
		}
	case !w.Start.IsZero():
		from = w.Start
	case w.Back > 0:
		from = now.Add(-w.Back)
	default:
		from = now.Add(-w.Overlap)
	}
	if w.Back > 0 {
		if earliest := now.Add(-w.Back); from.Before(earliest) {
			if !through.IsZero() && through.Before(earliest) {
				lost = earliest.Sub(through)
			}
			from = earliest
		}
	}
	return from.Truncate(grain), now.Truncate(grain), lost
}

// piece is the end of the next read of a span.
func (w Window) piece(from, to time.Time) time.Time {
	if w.Longest > 0 && to.Sub(from) > w.Longest {
		return from.Add(w.Longest)
	}
	return to
}

// complete is how far a source is complete by a read that began at an instant and asked up to another.
func (w Window) complete(to, began time.Time) time.Time {
	through := began.Add(-w.Lag).Truncate(grain)
	if !to.IsZero() && to.Before(through) {
		through = to
	}
	return through
}

// half is where a window is split; false where it is too short for that.
func half(from, to time.Time) (time.Time, bool) {
	if to.Sub(from) <= time.Second {
		return from, false
	}
	middle := from.Add(to.Sub(from) / 2).Truncate(time.Second)
	if !middle.After(from) {
		middle = from.Add(to.Sub(from) / 2)
	}
	return middle, true
}
