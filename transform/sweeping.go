package transform

import (
	"cmp"
	"slices"
	"sort"

	"github.com/quarterhour/quarterhour/schemas"
)

// holding is a state over the stretch in which it holds.
type holding struct {
	stretch
	n     uint32 // the state
	state schemas.State
}

// sweeping is the working memory of computing an agent's rows.
type sweeping struct {
	holdings, active []holding
	shifts, at       []holding // the shifts of a stretch, and those of an interval
	edges            []int64
	reasons          []reasonTime
}

type reasonTime struct {
	reason uint16
	ms     int64
}

// precedence orders states that hold at once: the agent's own time goes to the greatest.
var precedence = [...]uint8{schemas.StateLoggedOut: 0, schemas.StateNotReady: 1, schemas.StateAvailable: 2, schemas.StateWrap: 3, schemas.StateOnContact: 4}

// emit hands on the rows of every stretch that changed, rows of nothing included: they take back what was there.
func (f *agentFold) emit(to Emitter, revision int64, out *schemas.AgentInterval) error {
	for _, n := range f.dirty {
		t := f.timelines.at(n)
		f.tidy(t)
		for _, s := range t.dirty {
			if err := f.emitStretch(t, s, to, revision, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// emitStretch walks over whole intervals, keeping the states that hold in each.
func (f *agentFold) emitStretch(t *timeline, s stretch, to Emitter, revision int64, out *schemas.AgentInterval) error {
	w := &f.sweeping
	f.collect(t, s)
	f.collectShifts(t, s)
	w.active, w.at = w.active[:0], w.at[:0]
	next, nextShift := 0, 0
	for at := s.from; at < s.to; {
		start, end := f.set.grid.Bounds(at)
		w.active, next = holdingIn(w.active, w.holdings, next, start, end)
		w.at, nextShift = holdingIn(w.at, w.shifts, nextShift, start, end)
		*out = schemas.AgentInterval{
			Tenant: f.set.Tenant, IntervalStart: start, IntervalSeconds: int32((end - start) / 1000), AgentID: f.names.ids.at(t.agent).text,
			NotReadyByReason: out.NotReadyByReason[:0], ScheduledMs: schemas.Null, AdherentMs: schemas.Null, Revision: revision,
		}
		f.measure(start, end, out)
		f.schedule(start, end, out)
		if err := to.Agent(out); err != nil {
			return err
		}
		at = end
	}
	return nil
}

// holdingIn moves what holds on to the next interval; next is the first of all that has not been reached.
func holdingIn(active, all []holding, next int, start, end int64) ([]holding, int) {
	active = slices.DeleteFunc(active, func(h holding) bool { return h.to <= start })
	for next < len(all) && all[next].from < end {
		active = append(active, all[next])
		next++
	}
	return active, next
}

// collect finds what holds in a stretch, in the order of the timeline.
func (f *agentFold) collect(t *timeline, s stretch) {
	w := &f.sweeping
	w.holdings = w.holdings[:0]
	reach := s.from - max(f.set.maxSession, t.longest)
	at := sort.Search(len(t.order), func(i int) bool { return f.states.at(t.order[i]).started >= reach })
	for ; at < len(t.order); at++ {
		a := f.states.at(t.order[at])
		if a.started >= s.to {
			break
		}
		if a.state == schemas.StateLoggedOut {
			continue
		}
		h := holding{stretch{max(a.started, s.from), min(f.until(t, at, -1, f.sources.all[a.source].mark), s.to)}, t.order[at], a.state}
		if h.from < h.to {
			w.holdings = append(w.holdings, h)
		}
	}
}

// measure fills one row from the active states. At every instant the agent's time goes to one of them: to the state of the
// highest precedence, and of equal ones to that which began last.
func (f *agentFold) measure(start, end int64, out *schemas.AgentInterval) {
	w := &f.sweeping
	w.edges, w.reasons = w.edges[:0], w.reasons[:0]
	apart := true
	for i, h := range w.active {
		out.Facts++
		out.AgentName = max(out.AgentName, f.names.text(f.states.at(h.n).name))
		apart = apart && (i == 0 || h.from >= w.active[i-1].to)
		w.edges = append(w.edges, max(h.from, start), min(h.to, end))
	}
	if apart {
		for i, h := range w.active {
			f.spend(h, w.edges[2*i+1]-w.edges[2*i], out)
		}
	} else {
		slices.Sort(w.edges)
		for i := 1; i < len(w.edges); i++ {
			if from, to := w.edges[i-1], w.edges[i]; from < to {
				if h, ok := w.winner(from); ok {
					f.spend(h, to-from, out)
				}
			}
		}
	}
	if len(w.active) > 0 && f.set.rules[loginMs] == ToEnd {
		out.LoginMs = end - max(w.active[0].from, start)
	}
	for _, r := range w.reasons {
		out.NotReadyByReason = append(out.NotReadyByReason, schemas.NamedValue{Name: f.words.texts[r.reason], Value: r.ms})
	}
	slices.SortFunc(out.NotReadyByReason, func(a, b schemas.NamedValue) int { return cmp.Compare(a.Name, b.Name) })
}

func (w *sweeping) winner(at int64) (best holding, found bool) {
	for _, h := range w.active {
		if h.from <= at && at < h.to && (!found || precedence[h.state] >= precedence[best.state]) {
			best, found = h, true
		}
	}
	return best, found
}

func (f *agentFold) spend(h holding, ms int64, out *schemas.AgentInterval) {
	out.LoginMs += ms
	switch h.state {
	case schemas.StateOnContact:
		out.OnContactMs += ms
	case schemas.StateWrap:
		out.WrapMs += ms
	case schemas.StateAvailable:
		out.AvailableMs += ms
	default:
		out.NotReadyMs += ms
		reason := f.states.at(h.n).reason
		w := &f.sweeping
		i := slices.IndexFunc(w.reasons, func(r reasonTime) bool { return r.reason == reason })
		if i < 0 {
			w.reasons = append(w.reasons, reasonTime{reason: reason})
			i = len(w.reasons) - 1
		}
		w.reasons[i].ms += ms
	}
}
