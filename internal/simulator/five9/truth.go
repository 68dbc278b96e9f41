package five9

import (
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// Truth is what the interval tables must say of a source that reads this Five9, for the rows that end at or before an instant.
func (s *Server) Truth(r simulator.Rules, through time.Time) simulator.Truth {
	return s.centre.Truth(r, through, centre.Five9)
}
