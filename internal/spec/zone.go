package spec

import (
	_ "embed"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones are the same on every machine, with or without its own database
)

//go:embed zones.txt
var zoneNames string

// Zones lists the names of the IANA time zone database.
var Zones = sync.OnceValue(func() []string { return strings.Fields(zoneNames) })

// ParseZone loads an IANA time zone. The machine's own ("Local") and the empty name are refused: a pipeline's days must not
// depend on where it runs.
func ParseZone(name string) (*time.Location, error) {
	if name != "" && name != "Local" {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	if n := nearestZone(name); n != "" {
		return nil, fmt.Errorf("is %q, not an IANA time zone: did you mean %q?", name, n)
	}
	return nil, fmt.Errorf("is %q, not an IANA time zone such as \"Europe/Berlin\" or \"UTC\"", name)
}

// nearestZone compares whole names first, then cities alone: Berlin is Europe/Berlin.
func nearestZone(name string) string {
	if n := Nearest(name, Zones()); n != "" {
		return n
	}
	city := strings.ReplaceAll(path.Base(name), " ", "_")
	cities := make([]string, len(Zones()))
	for i, z := range Zones() {
		cities[i] = path.Base(z)
	}
	nearest := Nearest(city, cities)
	for i, c := range cities {
		if nearest != "" && c == nearest {
			return Zones()[i]
		}
	}
	return ""
}
