package five9

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

type outcome = schemas.Outcome

// leaveOut stands among the directions for rows that are no contacts.
const leaveOut = -1

// usualDirections are the directions of the call types that have been seen.
var usualDirections = map[string]int{
	"inbound":              int(schemas.DirectionInbound),
	"inbound voicemail":    int(schemas.DirectionInbound),
	"queue callback":       int(schemas.DirectionCallback),
	"outbound":             int(schemas.DirectionOutbound),
	"preview":              int(schemas.DirectionOutbound),
	"manual":               int(schemas.DirectionOutbound),
	"autodial":             int(schemas.DirectionOutbound),
	"internal":             int(schemas.DirectionInternal),
	"3rd party transfer":   int(schemas.DirectionInternal),
	"3rd party conference": int(schemas.DirectionInternal),
}

var directionWords = []string{"inbound", "outbound", "internal", "callback", "leave_out"}

// direction is that of a call type. One that is not known is inbound where its name begins so, and internal otherwise, so that it is
// never offered to a queue by guess.
func (o *CallOptions) direction(callType string) (direction int, known bool) {
	folded := fold(callType)
	if d, ok := o.directions[folded]; ok {
		return d, true
	}
	if strings.HasPrefix(folded, "inbound") {
		return int(schemas.DirectionInbound), false
	}
	return int(schemas.DirectionInternal), false
}

func (o *CallOptions) validate(problem func(path, message string)) {
	o.Reading.validate(o.Every, o.Lag, callColumns, problem)
	o.directions = map[string]int{}
	for word, d := range usualDirections {
		o.directions[word] = d
	}
	for word, direction := range o.CallTypes {
		d := index(directionWords, direction)
		if d < 0 {
			problem("call_types."+word, notOne(direction, directionWords))
			continue
		}
		if direction == "leave_out" {
			d = leaveOut
		}
		o.directions[fold(word)] = d
	}
	o.outcomes = outcomesOf(o.Dispositions, problem)
	checkFields(new(schemas.Contact), o.Fields, problem)
}

func (o *DigitalOptions) validate(problem func(path, message string)) {
	o.Reading.validate(o.Every, o.Lag, digitalColumns, problem)
	o.outcomes = outcomesOf(o.Dispositions, problem)
	checkFields(new(schemas.Contact), o.Fields, problem)
}

// channel is that of a media type.
func (o *DigitalOptions) channel(media string) string {
	for word, channel := range o.Channels {
		if strings.EqualFold(word, media) {
			return channel
		}
	}
	switch media {
	case "Chat":
		return "chat"
	case "Email":
		return "email"
	}
	return strings.ToLower(media)
}

func outcomesOf(words map[string]string, problem func(path, message string)) map[string]outcome {
	var known []string
	for o := schemas.OutcomeUnknown; o <= schemas.OutcomeVoicemail; o++ {
		known = append(known, o.String())
	}
	outcomes := make(map[string]outcome, len(words))
	for disposition, word := range words {
		i := index(known, word)
		if i < 0 {
			problem("dispositions."+disposition, notOne(word, known))
			continue
		}
		outcomes[fold(disposition)] = outcome(i)
	}
	return outcomes
}

// stateOf is what a state of the vendor is to the measures.
type stateOf struct {
	state schemas.State
	known bool
	rank  int8 // among states of one second: a login is before others, a logout after
}

// usualStates are the states that have been seen in reports and statistics, and those of the old interface (up to version 9).
var usualStates = map[string]schemas.State{
	"login":                   schemas.StateNotReady, // the state that follows in the same second says more
	"logout":                  schemas.StateLoggedOut,
	"logged out":              schemas.StateLoggedOut,
	"ready":                   schemas.StateAvailable,
	"waiting":                 schemas.StateAvailable,
	"not ready":               schemas.StateNotReady,
	"on call":                 schemas.StateOnContact,
	"on hold":                 schemas.StateOnContact,
	"on park":                 schemas.StateOnContact,
	"on voicemail":            schemas.StateOnContact,
	"ringing":                 schemas.StateOnContact,
	"after call work":         schemas.StateWrap,
	"acw":                     schemas.StateWrap,
	"available for calls":     schemas.StateAvailable,
	"available for vms":       schemas.StateAvailable,
	"not available for calls": schemas.StateNotReady,
	"not available for vms":   schemas.StateNotReady,
	"vm in progress":          schemas.StateOnContact,
	"vm not available":        schemas.StateNotReady,
}

func statesOf(words map[string]string, problem func(path, message string)) map[string]stateOf {
	var known []string
	for s := schemas.StateLoggedOut; s <= schemas.StateNotReady; s++ {
		known = append(known, s.String())
	}
	states := make(map[string]stateOf, len(usualStates)+len(words))
	for word, s := range usualStates {
		states[word] = stateOf{state: s, known: true}
	}
	for word, state := range words {
		i := index(known, state)
		if i < 0 {
			problem("states."+word, notOne(state, known))
			continue
		}
		states[fold(word)] = stateOf{state: schemas.State(i), known: true}
	}
	return states
}

func (o *StateOptions) validate(problem func(path, message string)) {
	o.Reading.validate(o.Every, o.Lag, stateColumns, problem)
	o.states = statesOf(o.States, problem)
	checkFields(new(schemas.AgentState), o.Fields, problem)
}

func (o *StatusOptions) validate(problem func(path, message string)) {
	if o.Every < 5*time.Second {
		problem("every", fmt.Sprintf("is %s: at least 5s", o.Every))
	}
	if o.Wait < 0 || o.Wait > o.Every {
		problem("wait", fmt.Sprintf("is %s: from 0 to every", o.Wait))
	}
	if (o.Username == "") != (o.Password == "") {
		problem("username", "and password go together: give both, or neither")
	}
	o.states = statesOf(o.States, problem)
	checkRoles(statusColumns, o.Columns, func(role, message string) { problem("columns."+role, message) })
	for name := range o.Session {
		if index(sessionSettings, name) < 0 {
			problem("session."+name, notOne(name, sessionSettings))
		}
	}
}

func index(words []string, word string) int {
	for i, w := range words {
		if w == word {
			return i
		}
	}
	return -1
}

func notOne(word string, words []string) string {
	return fmt.Sprintf("is %q, not one of %s%s", word, strings.Join(words, ", "), spec.Suggest(word, words))
}

// noticed tells of each unknown word once. Safe for concurrent use.
type noticed struct {
	log  *slog.Logger
	what string
	mu   sync.Mutex
	seen map[string]struct{}
}

func newNoticed(log *slog.Logger, what string) *noticed {
	return &noticed{log: log, what: what, seen: map[string]struct{}{}}
}

func (n *noticed) see(word string) {
	const most = 100
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.seen[word]; ok || len(n.seen) >= most {
		return
	}
	n.seen[word] = struct{}{}
	n.log.Warn(n.what, "value", word)
}
