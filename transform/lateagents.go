package transform

import (
	"slices"

	"github.com/quarterhour/quarterhour/schemas"
)

// applyUnlessLate applies a revision of a state or shift, unless it would change a row that its source's mark has made final: it
// is tried, and where such a row comes out otherwise than before, taken back.
func (f *agentFold) applyUnlessLate(n uint32, s *agentState, a *schemas.AgentState, came, mark int64) Result {
	from, open := f.changesFrom(n, a), int64(schemas.Null)
	if mark != schemas.Null {
		open = f.set.grid.Start(mark - f.set.grace) // every interval before this one is final
	}
	if from = max(from, f.horizon); from >= open {
		f.apply(n, s, a, came)
		return Result{}
	}
	var old agentState
	if n != 0 {
		old = *f.states.at(n)
		f.names.retain(old.name)
		came = max(came, f.dated[n])
	}
	pair := f.names.use(a.AgentID, a.AgentName)
	defer f.names.release(pair)
	t := f.timelines.at(f.timelineOf(pair))
	dirty, soiled, whole := slices.Clone(t.dirty), len(f.dirty), stretch{f.set.grid.Start(from), open}
	before := f.rowsOf(t, whole)
	at := f.apply(n, s, a, came)
	if f.rowsOf(t, whole) == before {
		if n != 0 {
			f.names.release(old.name)
		}
		return Result{}
	}
	f.displace(at)
	if n == 0 {
		f.states.remove(at)
	} else {
		*f.states.at(n) = old
		if !old.retracted {
			f.place(n, f.states.at(n))
		} else if old.started == schemas.Null {
			f.date(n, came)
		}
	}
	t.dirty, f.dirty = append(t.dirty[:0], dirty...), f.dirty[:soiled]
	return held(f.set.Late, from, open)
}

// changesFrom is an instant before which a revision changes nothing.
func (f *agentFold) changesFrom(n uint32, a *schemas.AgentState) int64 {
	from := int64(maxInstant)
	if n != 0 && !f.states.at(n).retracted {
		from = f.states.at(n).started
	}
	if !a.Retracted {
		from = min(from, a.StartedAt)
	}
	return from
}

const maxInstant = 1<<63 - 1

// rowsOf is the digest of what the rows of a stretch say.
func (f *agentFold) rowsOf(t *timeline, s stretch) digest {
	d := digesting{}
	var out schemas.AgentInterval
	_ = f.emitStretch(t, s, &d, 0, &out) // digesting has no errors
	return d.digest
}

// digesting is an Emitter that makes a digest of rows that say anything.
type digesting struct{ digest }

func (d *digesting) Queue(*schemas.QueueInterval) error           { return nil }
func (d *digesting) AgentQueue(*schemas.AgentQueueInterval) error { return nil }
func (d *digesting) Mark(*schemas.ShardMark) error                { return nil }

func (d *digesting) Agent(r *schemas.AgentInterval) error {
	if r.Facts == 0 {
		return nil
	}
	sum := d.digest.add(r.AgentName)
	for _, v := range []int64{
		r.IntervalStart, r.Facts, r.LoginMs, r.AvailableMs, r.OnContactMs, r.WrapMs, r.NotReadyMs, r.ScheduledMs, r.AdherentMs,
	} {
		sum = sum.addInt(v)
	}
	for _, v := range r.NotReadyByReason {
		sum = sum.add(v.Name).addInt(v.Value)
	}
	d.digest = sum
	return nil
}
