package deliverytest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// ledger is the delivery.Log of a lane: it outlives the engine, as the topic of deliveries does.
type ledger struct {
	mu       sync.Mutex
	attempts []schemas.Delivery
	letters  []schemas.DeadLetter
	file     *os.File // that entries are written to as well, where not nil: of a process that is to be killed
	wrote    func()   // called when attempts are written down, where not nil
}

// note is a line of the file: what is written down together, or how far is committed.
type note struct {
	Attempts  []schemas.Delivery   `json:",omitempty"`
	Letters   []schemas.DeadLetter `json:",omitempty"`
	Committed int64                `json:",omitempty"`
}

// keep writes a line, where there is a file.
func (l *ledger) keep(n note) error {
	if l.file == nil {
		return nil
	}
	text, err := json.Marshal(n)
	if err == nil {
		_, err = l.file.Write(append(text, '\n'))
	}
	return err
}

func (l *ledger) commit(safe int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.keep(note{Committed: safe}) // what is not kept is found in the attempts
}

// write begins a file with everything so far.
func (l *ledger) write(path string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	text, err := json.Marshal(note{Attempts: l.attempts, Letters: l.letters})
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}

// readLedger reads what a process has left. A line that it had not finished does not count.
func readLedger(path string, committed int64) (*ledger, int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	l := &ledger{}
	for {
		line, rest, whole := bytes.Cut(text, []byte{'\n'})
		if !whole {
			return l, committed, nil
		}
		var n note
		if err := json.Unmarshal(line, &n); err != nil {
			return nil, 0, fmt.Errorf("the deliveries of a killed process: %w", err)
		}
		l.attempts, l.letters = append(l.attempts, n.Attempts...), append(l.letters, n.Letters...)
		committed = max(committed, n.Committed)
		text = rest
	}
}

// handle is one engine's way to the ledger. A killed engine writes nothing any more.
type handle struct {
	*ledger
	dead func() bool
}

var errKilled = errors.New("killed")

func (h handle) Deliveries(_ context.Context, a []schemas.Delivery) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead() {
		return errKilled
	}
	if err := h.keep(note{Attempts: a}); err != nil {
		return err
	}
	h.attempts = append(h.attempts, a...)
	if h.wrote != nil {
		h.wrote()
	}
	return nil
}

func (h handle) DeadLetters(_ context.Context, d []schemas.DeadLetter) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead() {
		return errKilled
	}
	if err := h.keep(note{Letters: d}); err != nil {
		return err
	}
	h.letters = append(h.letters, d...)
	return nil
}

// settled is at which revision each key was delivered, or given up.
func (l *ledger) settled() map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	done := map[string]int64{}
	for _, a := range l.attempts {
		if a.Outcome != delivery.Retry {
			done[a.RowKey] = max(done[a.RowKey], a.Revision)
		}
	}
	return done
}

// twice lists what was written down as delivered more than once.
func (l *ledger) twice() (list []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := map[string]bool{}
	for _, a := range l.attempts {
		name := fmt.Sprintf("%s@%d", a.RowKey, a.Revision)
		if a.Outcome == delivery.Delivered {
			if seen[name] {
				list = append(list, name)
			}
			seen[name] = true
		}
	}
	return list
}

// count is how many attempts had the outcome.
func (l *ledger) count(outcome string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.attempts {
		if a.Outcome == outcome {
			n++
		}
	}
	return n
}

// dead are the dead letters.
func (l *ledger) dead() []schemas.DeadLetter {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]schemas.DeadLetter(nil), l.letters...)
}
