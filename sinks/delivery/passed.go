package delivery

import (
	"hash/maphash"
	"maps"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
)

// Finals are the rows that have been final, for sinks that want only what corrects them. It holds a few bytes for each row of the
// retention: 64 bits of the key, so that one in many millions of first final revisions is sent as if it were a correction, which does
// no harm.
type Finals struct {
	seed      maphash.Seed
	retention int64
	newest    int64
	days      map[int64]map[uint64]struct{}
}

const dayMs = 86_400_000

// NewFinals forgets rows that are older than the newest by the retention.
func NewFinals(retention time.Duration) *Finals {
	return &Finals{seed: maphash.MakeSeed(), retention: retention.Milliseconds(), days: map[int64]map[uint64]struct{}{}}
}

// Add takes a row whose interval starts then, and says whether it is new.
func (f *Finals) Add(key string, start int64) bool {
	if start > f.newest {
		f.newest = start
		maps.DeleteFunc(f.days, func(day int64, _ map[uint64]struct{}) bool { return (day+1)*dayMs < f.newest-f.retention })
	}
	day := f.days[start/dayMs]
	if day == nil {
		day = map[uint64]struct{}{}
		f.days[start/dayMs] = day
	}
	h := maphash.String(f.seed, key)
	if _, ok := day[h]; ok {
		return false
	}
	day[h] = struct{}{}
	return true
}

// Remember gives a lane that sends only corrections the rows that have been final. It is called before the first Take.
func (l *Lane) Remember(f *Finals) { l.finals = f }

// passes says whether an item is the first final revision of a row of which only corrections are wanted.
func (l *Lane) passes(i *Item) bool {
	if l.engine.options.When != string(Corrected) || i.Seconds == 0 || i.Again {
		return false
	}
	if l.finals == nil {
		l.finals = NewFinals(longestKept)
	}
	return l.finals.Add(i.Key, i.Start)
}

const longestKept = 40 * 24 * time.Hour

// pass writes down what has passed, ahead of anything that is sent: a correction must find its row when it is read again.
func (l *Lane) pass() {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	list := l.passing
	l.passing = nil
	l.mu.Unlock()
	if len(list) == 0 {
		return
	}
	now := &outcome{now: l.engine.deps.Watch.Now()}
	attempts := make([]schemas.Delivery, len(list))
	for n, e := range list {
		attempts[n] = l.attempt(e, Passed, "", now)
	}
	if err := l.log.Deliveries(l.ctx, attempts); err != nil {
		l.fail(err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range list {
		l.unsettled.Remove(e.place)
		l.recent.settle(e.Key, e.Revision)
	}
}
