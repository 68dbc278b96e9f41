package script

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// expectation is one line that says what holds.
type expectation interface {
	check(r *running, at spec.Position) []Failure
}

// expectations are what `expect` can be about.
var expectations = map[string]struct {
	words string
	read  func(p *parser, words []word) (expectation, error)
}{
	transform.KindQueue:      {"expect queue QUEUE INTERVAL MEASURE=VALUE...", (*parser).expectRows},
	transform.KindAgent:      {"expect agent AGENT INTERVAL MEASURE=VALUE...", (*parser).expectRows},
	transform.KindAgentQueue: {"expect agent_queue AGENT QUEUE INTERVAL MEASURE=VALUE...", (*parser).expectRows},
	"rejected":               {"expect rejected ID[/PART] REASON", (*parser).expectRefusal},
	"too_late":               {"expect too_late ID[/PART] REASON", (*parser).expectRefusal},
	"counts":                 {"expect counts OUTCOME=NUMBER...", (*parser).expectCounts},
	"rows":                   {"expect rows queue=NUMBER agent=NUMBER agent_queue=NUMBER", (*parser).expectTotals},
	"complete":               {"expect complete TIME|none", (*parser).expectComplete},
}

func (p *parser) expect(words []word) error {
	known := slices.Sorted(maps.Keys(expectations))
	if len(words) == 0 {
		return fmt.Errorf("expects nothing%s", suggest("", known))
	}
	e, ok := expectations[words[0].text]
	if !ok {
		return fmt.Errorf("%q is nothing to expect%s", words[0].text, suggest(words[0].text, known))
	}
	x, err := e.read(p, words)
	if err != nil {
		return err
	}
	if x == nil {
		return fmt.Errorf("write `%s`", e.words)
	}
	p.current.steps = append(p.current.steps, step{at: p.at, expect: x})
	return nil
}

// rowsExpected is about the rows of one key in one interval, or over several, summed.
type rowsExpected struct {
	kind, agent, queue, channel string // "*" is any
	when                        string // as written
	from, to                    int64
	one                         bool // one interval
	wants                       []want
	names                       map[string]string
	final                       *bool
	none, only                  bool
}

// want is one measure with its value; schemas.Null is none.
type want struct {
	measure string // its full name
	unit    unit
	value   int64
}

// expectRows reads `expect queue QUEUE INTERVAL ...` and its like.
func (p *parser) expectRows(words []word) (expectation, error) {
	x := &rowsExpected{kind: words[0].text, channel: defaultChannel, names: map[string]string{}}
	keys := map[string][]*string{
		transform.KindQueue: {&x.queue}, transform.KindAgent: {&x.agent}, transform.KindAgentQueue: {&x.agent, &x.queue},
	}[x.kind]
	if len(words) < len(keys)+3 {
		return nil, nil
	}
	for i, key := range keys {
		*key = words[1+i].text
	}
	if x.queue == "*" {
		x.channel = "*"
	}
	rest := words[1+len(keys):]
	x.when = rest[0].text
	if err := p.intervals(x); err != nil {
		return nil, err
	}
	for _, w := range rest[1:] {
		if err := p.word(x, w); err != nil {
			return nil, err
		}
	}
	if x.none && (x.only || x.final != nil || len(x.wants) > 0 || len(x.names) > 0) {
		return nil, fmt.Errorf("`none` says that there is no row: nothing else can be said of it")
	}
	return x, nil
}

// intervals reads which intervals are meant: the one that starts at a TIME, those of TIME..TIME, or those of a whole day, by its
// date or the word `day`.
func (p *parser) intervals(x *rowsExpected) (err error) {
	zone := p.current.setting.Options.Zone
	if from, to, ok := strings.Cut(x.when, ".."); ok {
		if x.from, err = p.instant(from); err == nil {
			x.to, err = p.instant(to)
		}
		if err == nil && x.from >= x.to {
			err = fmt.Errorf("%q is empty: the second time is not after the first", x.when)
		}
		return err
	}
	d, isDate := p.day, x.when == "day"
	if !isDate && !strings.Contains(x.when, ":") {
		if d, err = parseDate(x.when); err != nil {
			return fmt.Errorf("%q is no interval: write its start as 09:00, several as 09:00..10:00, a whole day as 2026-03-02 or day", x.when)
		}
		isDate = true
	}
	if isDate {
		x.when, x.from, x.to = d.String(), d.start(zone), d.plus(1).start(zone)
		return nil
	}
	if x.from, err = p.instant(x.when); err != nil {
		return err
	}
	grid, err := transform.NewGrid(zone, p.current.setting.Options.Interval)
	if err != nil {
		return err
	}
	start, end := grid.Bounds(x.from)
	if start != x.from {
		return fmt.Errorf("no interval starts at %q: it lies in the one that starts at %s", x.when, formatInstant(start, zone))
	}
	x.to, x.one, x.when = end, true, formatInstant(start, zone)
	return nil
}

// word reads one word after the interval.
func (p *parser) word(x *rowsExpected, w word) error {
	key, value, ok := w.option()
	if !ok {
		switch {
		case w.is("final"), w.is("provisional"):
			final := w.is("final")
			x.final = &final
		case w.is("none"):
			x.none = true
		case w.is("only"):
			x.only = true
		default:
			return fmt.Errorf("%q is not MEASURE=VALUE%s", w.text, suggest(w.text, []string{"final", "provisional", "none", "only"}))
		}
		return nil
	}
	switch {
	case key == "channel" && x.kind != transform.KindAgent:
		x.channel = value
		return nil
	case key == "agent_name" && x.kind != transform.KindQueue, key == "queue_name" && x.kind != transform.KindAgent:
		x.names[key] = value
		return nil
	}
	f, err := x.measure(key)
	if err != nil {
		return err
	}
	n, err := wanted(f, value)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if slices.ContainsFunc(x.wants, func(w want) bool { return w.measure == f.name }) {
		return fmt.Errorf("%s is said twice", key)
	}
	x.wants = append(x.wants, want{f.name, f.unit, n})
	return nil
}

func (x *rowsExpected) measure(key string) (field, error) {
	switch {
	case key == rowsField:
		return field{name: key, unit: count}, nil
	case key == lengthField:
		return field{name: key, unit: length}, nil
	case strings.HasPrefix(key, partPrefix) && x.kind == transform.KindAgent:
		return field{name: key, unit: length}, nil
	}
	f, err := find(measuresOf[x.kind], key)
	if err == nil {
		return f, nil
	}
	known := []string{rowsField, lengthField}
	for _, f := range measuresOf[x.kind] {
		known = append(known, f.short)
	}
	return f, fmt.Errorf("%s rows have no measure %q%s", x.kind, key, suggest(key, known))
}

// wanted reads the value of a measure.
func wanted(f field, value string) (int64, error) {
	switch {
	case value == "none":
		return schemas.Null, nil
	case f.unit == length:
		return parseLength(value)
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", value)
	}
	return n, nil
}

// refusalExpected is about a fact that is not taken.
type refusalExpected struct{ outcome, id, reason string }

func (p *parser) expectRefusal(words []word) (expectation, error) {
	if len(words) == 2 && words[1].is("none") {
		return &refusalExpected{outcome: words[0].text}, nil
	}
	if len(words) != 3 {
		return nil, nil
	}
	id, reason := words[1].text, words[2].text
	if !slices.Contains(reasons, reason) {
		return nil, fmt.Errorf("%q is no reason%s", reason, suggest(reason, reasons))
	}
	if p.said["contact "+id] == nil && p.said["state "+id] == nil && p.said["shift "+id] == nil {
		return nil, fmt.Errorf("nothing was said of %q before", id)
	}
	return &refusalExpected{words[0].text, id, reason}, nil
}

var reasons = []string{
	transform.ReasonBackwards, transform.ReasonFuture, transform.ReasonAncient, transform.ReasonNegative, transform.ReasonTooLong, transform.ReasonNoTime,
	transform.ReasonNoIdentity, transform.ReasonWrongTenant, transform.ReasonWrongFact, transform.ReasonTooManyWords, transform.ReasonRetention,
	transform.ReasonLateSide, transform.ReasonLateDrop, reasonExpression,
}

// numbersExpected is about counts by name.
type numbersExpected struct {
	of    string
	wants []want
	get   func(e *engine) map[string]int64
}

var (
	countNames = []string{"read", "applied", "duplicate", "superseded", "too_late", "rejected", "skewed", "marks", "marks_backwards"}
	totalNames = []string{transform.KindQueue, transform.KindAgent, transform.KindAgentQueue}
)

func (p *parser) expectCounts(words []word) (expectation, error) {
	return numbers(words, countNames, (*engine).counted)
}

func (p *parser) expectTotals(words []word) (expectation, error) {
	return numbers(words, totalNames, (*engine).totals)
}

func numbers(words []word, known []string, get func(*engine) map[string]int64) (expectation, error) {
	x := &numbersExpected{of: words[0].text, get: get}
	if len(words) < 2 {
		return nil, nil
	}
	for _, w := range words[1:] {
		key, value, ok := w.option()
		if !ok || !slices.Contains(known, key) {
			return nil, fmt.Errorf("%q is no count%s", w.text, suggest(key, known))
		}
		n, err := wanted(field{unit: count}, value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		x.wants = append(x.wants, want{key, count, n})
	}
	return x, nil
}

// completeExpected is about how far the pipeline is complete.
type completeExpected struct{ through int64 }

func (p *parser) expectComplete(words []word) (expectation, error) {
	switch {
	case len(words) != 2:
		return nil, nil
	case words[1].is("none"):
		return &completeExpected{schemas.Null}, nil
	}
	through, err := p.instant(words[1].text)
	return &completeExpected{through}, err
}
