package gladly

import (
	"bytes"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
)

// layouts of instants besides RFC 3339. How the cells of reports look is nowhere written down: without an offset they are UTC,
// which is also the zone that reports are asked for in.
var layouts = []string{
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04:05 UTC", "2006-01-02T15:04Z07:00", "2006-01-02 15:04",
}

// instant reads milliseconds since 1970, UTC. Fractions may have any number of digits. Null and false where the text is no instant;
// Null and true where it is empty.
func instant(text []byte) (int64, bool) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return schemas.Null, true
	}
	var t time.Time
	if t.UnmarshalText(text) == nil {
		return inRange(t)
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, string(text)); err == nil {
			return inRange(t)
		}
	}
	return schemas.Null, false
}

// inRange keeps out years whose milliseconds nobody means.
func inRange(t time.Time) (int64, bool) {
	if y := t.Year(); y < 1990 || y > 2200 {
		return schemas.Null, false
	}
	return t.UnixMilli(), true
}

// query is an instant as requests have it: in UTC, so that there is no + to escape.
func query(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// stamp is an instant as ids and locations have it.
func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }
