package calabrio

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/internal/wholefile"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/horizon"
)

// agents keeps the newest state of each agent, and the one before it, which holds again where the newest is withdrawn.
type agents struct {
	file    string    // "": in memory only
	since   time.Time // from when on every change is known
	of      map[string]*known
	changed bool
	horizon *horizon.Horizon // nil: nobody is forgotten
}

type known struct {
	ID       string     `json:"id"` // of the state
	Revision int64      `json:"revision"`
	State    *userState `json:"state"` // nil: it was withdrawn, and what was before it is not known
	Before   *userState `json:"before,omitempty"`
}

// agentsFile is what is kept of them.
type agentsFile struct {
	Since  time.Time         `json:"since"`
	Agents map[string]*known `json:"agents"`
}

// openAgents reads the file, if there is one; without one every change is known from now on.
func openAgents(file string, now time.Time) (*agents, error) {
	a := &agents{file: file, since: now.UTC(), of: map[string]*known{}}
	if file == "" {
		return a, nil
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	kept := agentsFile{Since: a.since}
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err != nil {
		return nil, fmt.Errorf("the agents' states cannot be read: %w; remove the file to begin anew", err)
	}
	a.since = kept.Since
	for key, k := range kept.Agents {
		if k != nil {
			a.of[key] = k
		}
	}
	return a, nil
}

// settled is how long changes have to be known before those that are known are taken for all agents at work: the vendor's own client
// starts with the last day's.
const settled = 24 * time.Hour

// complete says whether all agents at work are known at an instant.
func (a *agents) complete(now time.Time) bool { return now.Sub(a.since) >= settled }

// enter takes a state over and says what is to be sent; ok is false where there is nothing to say: a newer one was sent, or may have
// been, or it is withdrawn and what was before it is not known.
func (a *agents) enter(i *delivery.Item, s userState) (now userState, ok bool) {
	k := a.of[i.Key]
	switch {
	case a.tooOld(i), k != nil && k.Revision > i.Revision:
		return now, false
	case k == nil:
		k = &known{ID: i.AgentState.StateID}
		a.of[i.Key] = k
	case k.ID != i.AgentState.StateID:
		if k.State != nil {
			k.Before = k.State
		}
		k.ID = i.AgentState.StateID
	}
	k.Revision, k.State, a.changed = i.Revision, &s, true
	if i.AgentState.Retracted {
		k.State = k.Before
	}
	if k.State == nil {
		return now, false
	}
	return *k.State, true
}

// leaveOut takes an agent out who is not known to the service.
func (a *agents) leaveOut(i *delivery.Item) {
	delete(a.of, i.Key)
	a.changed = true
}

// all are the states of all agents, by key.
func (a *agents) all() (list []userState) {
	for _, key := range slices.Sorted(maps.Keys(a.of)) {
		if s := a.of[key].State; s != nil {
			list = append(list, *s)
		}
	}
	return list
}

// save writes the file before the states are sent: what it says is then never older than what the service holds.
func (a *agents) save() error {
	if a.file == "" || !a.changed {
		return nil
	}
	text, err := json.Marshal(agentsFile{a.since, a.of})
	if err != nil {
		return fmt.Errorf("keep the agents' states: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(a.file), 0o750); err != nil {
		return fmt.Errorf("keep the agents' states: %w", err)
	}
	if err := wholefile.Write(a.file, wholefile.Text(text)); err != nil {
		return fmt.Errorf("keep the agents' states: %w", err)
	}
	a.changed = false
	return nil
}
