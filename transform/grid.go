package transform

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// Grid cuts time into intervals: half-open, aligned to the wall clock of a time zone. Where the zone's offset changes inside an
// interval, the interval is cut there, so that every row has one offset. A local day has 96 quarter-hours, 92 or 100 where the
// clock changes by an hour. Not safe for concurrent use: it remembers the last offset it needed.
type Grid struct {
	zone    string
	size    int64
	offsets []offset // in order of time, the first from the beginning, the last to the end
	last    int
}

// offset is a stretch of time in which the zone keeps its distance from UTC. All in milliseconds.
type offset struct{ from, to, ahead int64 }

// Instants within these are cut by the zone's own rules; before and after, the first and last offset go on.
var (
	gridFrom = time.Date(1985, 1, 1, 0, 0, 0, 0, time.UTC)
	gridTo   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// NewGrid makes the grid of 5, 10, 15, 20, 30 or 60 minutes in a zone; nil is UTC.
func NewGrid(zone *time.Location, size time.Duration) (*Grid, error) {
	switch size / time.Minute {
	case 5, 10, 15, 20, 30, 60:
	default:
		return nil, fmt.Errorf("interval is %q: use 5m, 10m, 15m, 20m, 30m or 60m", size)
	}
	if size%time.Minute != 0 {
		return nil, fmt.Errorf("interval is %q: use whole minutes, such as 15m", size)
	}
	if zone == nil {
		zone = time.UTC
	}
	g := &Grid{zone: zone.String(), size: size.Milliseconds(), offsets: offsetsOf(zone)}
	for _, o := range g.offsets {
		if o.ahead%minuteMs != 0 || o.from != math.MinInt64 && o.from%minuteMs != 0 {
			return nil, fmt.Errorf("time zone %q is ahead of UTC by a part of a minute: intervals begin on whole minutes", zone)
		}
	}
	return g, nil
}

const minuteMs = 60_000

// known are the offsets of zones, which take a while to list.
var known sync.Map // *time.Location to []offset

func offsetsOf(zone *time.Location) []offset {
	if all, ok := known.Load(zone); ok {
		return all.([]offset)
	}
	all := offsets(zone)
	known.Store(zone, all)
	return all
}

// offsets lists the stretches of a zone; neighbours of equal offset, as where only the zone's abbreviation changes, are one.
func offsets(zone *time.Location) []offset {
	var all []offset
	for t := gridFrom.In(zone); ; {
		_, seconds := t.Zone()
		_, end := t.ZoneBounds()
		ahead := int64(seconds) * 1000
		if n := len(all); n == 0 {
			all = append(all, offset{math.MinInt64, math.MaxInt64, ahead})
		} else if all[n-1].ahead != ahead {
			all[n-1].to = t.UnixMilli()
			all = append(all, offset{t.UnixMilli(), math.MaxInt64, ahead})
		}
		if end.IsZero() || end.After(gridTo) {
			return all
		}
		if !end.After(t) {
			end = t.Add(24 * time.Hour) // some zones' rules yield a stretch that ends where it began
		}
		t = end
	}
}

// Zone is the name of the time zone.
func (g *Grid) Zone() string { return g.zone }

// Size is the usual length of an interval, milliseconds.
func (g *Grid) Size() int64 { return g.size }

// Bounds is the interval [start, end) that an instant lies in, all in milliseconds since 1970, UTC.
func (g *Grid) Bounds(ms int64) (start, end int64) {
	o := &g.offsets[g.last]
	if ms < o.from || ms >= o.to {
		o = g.find(ms)
	}
	in := (ms + o.ahead) % g.size
	if in < 0 {
		in += g.size
	}
	start = ms - in
	return max(start, o.from), min(start+g.size, o.to)
}

// Start is the start of the interval that an instant lies in.
func (g *Grid) Start(ms int64) int64 {
	start, _ := g.Bounds(ms)
	return start
}

func (g *Grid) find(ms int64) *offset {
	g.last, _ = slices.BinarySearchFunc(g.offsets, ms, func(o offset, ms int64) int {
		switch {
		case o.to <= ms:
			return -1
		case o.from > ms:
			return 1
		}
		return 0
	})
	return &g.offsets[g.last]
}

// Starts lists the starts of the intervals that overlap [from, to).
func (g *Grid) Starts(from, to int64) []int64 {
	var starts []int64
	for from < to {
		start, end := g.Bounds(from)
		starts, from = append(starts, start), end
	}
	return starts
}
