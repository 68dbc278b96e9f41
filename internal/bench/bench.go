// Package bench measures what the project claims about its speed, on the machine it runs on.
package bench

import "fmt"

// Figure is one measured number.
type Figure struct {
	Name   string  // what was measured
	Value  float64 // how much, in Unit
	Unit   string  // ns, allocations, facts/s, ...
	Target string  // what the project promises, as text; empty where the figure is there to compare with
	Holds  bool    // the value meets the target; true without one
	Note   string  // how it was measured, where the name does not say
}

// atMost makes a figure that holds while the value is no greater than the limit.
func atMost(name string, value, limit float64, unit, note string) Figure {
	return Figure{Name: name, Value: value, Unit: unit, Target: fmt.Sprintf("≤ %g %s", limit, unit), Holds: value <= limit, Note: note}
}

// plain makes a figure without a target.
func plain(name string, value float64, unit, note string) Figure {
	return Figure{Name: name, Value: value, Unit: unit, Holds: true, Note: note}
}

// atLeast makes a figure that holds while the value is no less than the limit.
func atLeast(name string, value, limit float64, unit, note string) Figure {
	return Figure{Name: name, Value: value, Unit: unit, Target: fmt.Sprintf("≥ %g %s", limit, unit), Holds: value >= limit, Note: note}
}
