package sqs

import (
	"crypto/sha256"
	"time"
)

// delivered remembers at which revision keys need not be posted any more, for as long as a message with an older one may come: a standard
// queue delivers twice and out of order. It costs some 50 bytes a key. Not safe for concurrent use.
type delivered struct {
	keep       time.Duration
	turned     time.Time
	young, old map[name]int64 // after each stretch of keep, young becomes old, and what was old is forgotten
}

// name is the beginning of the hash of a key: no two keys have the same.
type name [16]byte

func nameOf(key string) name {
	h := sha256.Sum256([]byte(key))
	return name(h[:16])
}

func newDelivered(keep time.Duration, now time.Time) *delivered {
	return &delivered{keep: keep, turned: now, young: map[name]int64{}}
}

// has says whether the revision of a key is delivered, or a newer one.
func (d *delivered) has(key string, revision int64) bool {
	n := nameOf(key)
	done, ok := d.young[n]
	if !ok {
		done, ok = d.old[n]
	}
	return ok && done >= revision
}

func (d *delivered) add(key string, revision int64, now time.Time) {
	if now.Sub(d.turned) > d.keep {
		d.old, d.young, d.turned = d.young, map[name]int64{}, now
	}
	n := nameOf(key)
	for _, list := range []map[name]int64{d.old, d.young} {
		if done, ok := list[n]; ok && done > revision {
			revision = done
		}
	}
	d.young[n] = revision
}
