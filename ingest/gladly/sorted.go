package gladly

import (
	"maps"
	"slices"
	"time"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func isDate(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

// begin is the start that an option names, in the zone; zero where it names none.
func begin(text string, zone *time.Location) time.Time {
	if zone == nil {
		zone = time.UTC
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return t
	}
	if ms, ok := instant([]byte(text)); ok && text != "" {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}
