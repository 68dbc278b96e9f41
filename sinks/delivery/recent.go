package delivery

// mostRecent is how many keys a lane remembers at least after they were settled.
const mostRecent = 20_000

// recent remembers at which revision keys were settled lately: a log may repeat itself when the process that writes it is replaced, and
// what it repeats is not to be sent again, the less so where it is older than what the destination holds.
type recent struct {
	young, old map[string]int64 // when young is full it becomes old, and what was old is forgotten
}

// newRecent begins with what an earlier run had settled since the commit, all of which is kept until as much again is settled.
func newRecent(delivered map[string]int64) *recent {
	return &recent{young: map[string]int64{}, old: delivered}
}

func (r *recent) settled(key string) (revision int64, ok bool) {
	if revision, ok = r.young[key]; !ok {
		revision, ok = r.old[key]
	}
	return revision, ok
}

func (r *recent) settle(key string, revision int64) {
	if done, ok := r.settled(key); ok {
		revision = max(revision, done)
	}
	if len(r.young) >= max(mostRecent, len(r.old)) {
		r.old, r.young = r.young, map[string]int64{}
	}
	r.young[key] = revision
}
