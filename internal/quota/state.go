package quota

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// state is what is stored of a credential, as JSON.
type state struct {
	Budgets []storedBudget       `json:"budgets,omitempty"`
	Holds   map[string]time.Time `json:"holds,omitempty"`
	Refused *refusal             `json:"refused,omitempty"`
}

// storedBudget is one stretch: at most Reserved of it are spent.
type storedBudget struct {
	Operation  string    `json:"operation"`
	PerSeconds int64     `json:"per_seconds"`
	Start      time.Time `json:"start"`
	End        time.Time `json:"end"`
	Reserved   int64     `json:"reserved"`
	Limit      int64     `json:"limit"`
	Told       int64     `json:"told,omitempty"`
}

func (c *Credential) encode() []byte {
	now := c.watch.Now()
	s := state{Refused: c.refusal}
	for operation, until := range c.holds {
		if until.After(now) {
			if s.Holds == nil {
				s.Holds = map[string]time.Time{}
			}
			s.Holds[operation] = until.UTC()
		}
	}
	for _, b := range slices.Concat(c.budgets, c.kept) {
		if b.told == 0 && (b.Per == time.Second || now.Sub(b.end) > farBack) { // the clock may go back
			continue
		}
		s.Budgets = append(s.Budgets, storedBudget{
			Operation: b.Operation, PerSeconds: int64(b.Per / time.Second), Start: b.start.UTC(), End: b.end.UTC(),
			Reserved: max(b.reserved, b.spent+b.foreign), Limit: b.limit(), Told: b.told,
		})
	}
	text, _ := json.Marshal(s) // plain data: it cannot fail
	return text
}

// restore takes on what a process before this one wrote down: all that was reserved counts as spent.
func (c *Credential) restore(stored []byte) {
	s, err := parse(stored)
	if err != nil {
		c.log.Error("what is stored about the credential cannot be read: its budgets start anew", "err", err)
		return
	}
	for operation, until := range s.Holds {
		c.holds[operation] = later(c.holds[operation], until)
	}
	for _, kept := range s.Budgets {
		per := time.Duration(kept.PerSeconds) * time.Second
		b := c.known(kept.Operation, per)
		if b == nil {
			b = &budget{Limit: Limit{Operation: kept.Operation, Count: kept.Limit, Per: per}}
			c.kept = append(c.kept, b)
		}
		b.adopt(kept)
	}
	if c.refusal == nil {
		c.refusal, c.looked = s.Refused, c.began
	}
}

// adopt takes on what is stored of a budget: where that is about the same stretch, the greater count holds.
func (b *budget) adopt(kept storedBudget) {
	if kept.Told > 0 {
		b.told = kept.Told
	}
	switch {
	case kept.End.After(b.end):
		b.start, b.end, b.spent, b.foreign, b.reserved = kept.Start, kept.End, max(kept.Reserved, b.underway), 0, 0
	case kept.End.Equal(b.end):
		b.spent = max(b.spent, kept.Reserved)
	}
}

func (c *Credential) known(operation string, per time.Duration) *budget {
	for _, b := range slices.Concat(c.budgets, c.kept) {
		if b.Operation == operation && b.Per == per {
			return b
		}
	}
	return nil
}

func parse(stored []byte) (state, error) {
	var s state
	if len(stored) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(stored, &s); err != nil {
		return s, fmt.Errorf("the stored state of a credential: %w", err)
	}
	return s, nil
}

// Report is what is stored about a credential, for those who look from outside of the process that uses it.
type Report struct {
	Usage   []Usage // Spent is at most as much as Spent says
	Holds   map[string]time.Time
	Refused time.Time // zero: not refused
	Why     string
}

// Stored tells what a stored value says at an instant.
func Stored(value []byte, now time.Time) (Report, error) {
	s, err := parse(value)
	if err != nil {
		return Report{}, err
	}
	r := Report{Holds: s.Holds}
	for _, b := range s.Budgets {
		u := Usage{Limit: Limit{Operation: b.Operation, Count: b.Limit, Per: time.Duration(b.PerSeconds) * time.Second}}
		if now.Before(b.End) {
			u.Spent, u.Until = b.Reserved, b.End
		}
		r.Usage = append(r.Usage, u)
	}
	if s.Refused != nil {
		r.Refused, r.Why = s.Refused.At, s.Refused.Why
	}
	return r, nil
}

// Locked is the stored value with the refusal of another: what was spent stands.
func Locked(value, refused []byte) ([]byte, error) {
	s, err := parse(value)
	if err != nil {
		return nil, err
	}
	r, err := parse(refused)
	if err != nil {
		return nil, err
	}
	s.Refused = r.Refused
	text, _ := json.Marshal(s) // plain data: it cannot fail
	return text, nil
}

// Unlocked is the stored value without its refusal: calls are made again by who reads it. false: nothing was locked.
func Unlocked(value []byte) ([]byte, bool, error) {
	s, err := parse(value)
	if err != nil || s.Refused == nil {
		return value, false, err
	}
	s.Refused = nil
	text, _ := json.Marshal(s) // plain data: it cannot fail
	return text, true, nil
}
