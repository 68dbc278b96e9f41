package script

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// Input is the text of a script and where it stands.
type Input struct {
	At   spec.Position // of the first line
	Name string        // of the one case that the text is; empty: `case` lines name them
	Text string
}

// Parse reads the cases of a script. The error is a *spec.Invalid with every problem.
func Parse(in Input, setting Setting) ([]*Case, error) {
	p := &parser{at: in.At, one: in.Name != ""}
	setting.Sources = known(setting.Sources)
	p.head = Case{At: in.At, setting: setting}
	p.at.Line = max(p.at.Line, 1)
	p.day = firstDay
	if p.one {
		p.begin(in.Name)
	}
	for line := range strings.SplitSeq(in.Text, "\n") {
		if err := p.line(strings.TrimSuffix(line, "\r")); err != nil {
			p.problems = append(p.problems, spec.Problem{At: spec.Position{File: p.at.File, Line: p.at.Line}, Message: err.Error()})
		}
		p.at.Line++
	}
	p.end()
	if len(p.cases) == 0 && len(p.problems) == 0 {
		p.problems = append(p.problems, spec.Problem{At: in.At, Message: "no case: begin each with a line `case TITLE`"})
	}
	if err := spec.Err(spec.Sort(p.problems)); err != nil {
		return nil, err
	}
	return p.cases, nil
}

// known keeps, of what sources write, the facts that intervals are made of.
func known(sources []Source) (list []Source) {
	for _, s := range sources {
		s.Facts = slices.DeleteFunc(slices.Clone(s.Facts), func(kind string) bool { return !slices.Contains(kinds, kind) })
		if len(s.Facts) > 0 {
			list = append(list, s)
		}
	}
	return list
}

// parser is a script being read.
type parser struct {
	at       spec.Position
	one      bool // the text is one case, without a line `case`
	problems []spec.Problem
	cases    []*Case

	head    Case // what stands before the first case holds for all of them
	headDay date
	current *Case // nil before the first
	begun   int   // problems before the current case
	day     date
	arrived int64
	said    map[string][]*event // the newest revision of what was said, by kind and identity, for each source
}

// statement is what a line begins with.
type statement struct {
	words string // how it is written
	read  func(p *parser, words []word) error
	early bool // it may stand before the first case
}

// statements are all there are, but for `case`.
var statements = map[string]statement{
	"set":     {"set OPTION=VALUE...", (*parser).set, true},
	"day":     {"day 2026-03-02", (*parser).setDay, true},
	"source":  {"source NAME [contacts] [states] [shifts]", (*parser).source, true},
	"order":   {"order matters", (*parser).order, true},
	"now":     {"now TIME", (*parser).now, false},
	"contact": {"contact ID[/SEGMENT] FIELD=VALUE...", (*parser).contact, false},
	"state":   {"state AGENT[/ID] TIME[..TIME] STATE FIELD=VALUE...", (*parser).state, false},
	"shift":   {"shift AGENT[/ID] TIME..TIME FIELD=VALUE...", (*parser).shift, false},
	"correct": {"correct ID[/PART] FIELD=VALUE...", (*parser).correct, false},
	"retract": {"retract ID[/PART]", (*parser).retract, false},
	"mark":    {"mark [SOURCE] [contacts|states|shifts] TIME", (*parser).mark, false},
	"expect":  {"expect queue|agent|agent_queue|rejected|too_late|counts|rows|complete ...", (*parser).expect, false},
}

func (p *parser) line(line string) error {
	if title, ok := caseTitle(line); ok {
		if p.one {
			return fmt.Errorf("a second case: this script is one, under its own name")
		}
		if title == "" {
			return fmt.Errorf("a case without a title: say in one line what it shows")
		}
		p.begin(title)
		return nil
	}
	words, err := split(line)
	if err != nil || len(words) == 0 {
		return err
	}
	s, ok := statements[words[0].text]
	switch {
	case !ok || words[0].quoted:
		return fmt.Errorf("unknown statement %q%s", words[0].text, suggest(words[0].text, slices.Sorted(maps.Keys(statements))))
	case p.current == nil && !s.early:
		return fmt.Errorf("%q before the first case: begin one with a line `case TITLE`", words[0].text)
	}
	switch err := s.read(p, words[1:]); {
	case errors.Is(err, errUsage):
		return fmt.Errorf("%s: write `%s`", words[0].text, s.words)
	case err != nil:
		return fmt.Errorf("%s: %w", words[0].text, err)
	}
	return nil
}

// caseTitle reads a line `case TITLE`; a title is any text.
func caseTitle(line string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), "case")
	if !ok || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return "", false
	}
	return strings.TrimSpace(rest), true
}

// begin starts a case with what the script says for all.
func (p *parser) begin(title string) {
	p.end()
	if p.current == nil {
		p.headDay = p.day
	}
	p.begun = len(p.problems)
	c := p.head
	c.Name, c.At = title, p.at
	c.setting.Sources = slices.Clone(c.setting.Sources)
	p.current, p.day, p.arrived, p.said = &c, p.headDay, 0, map[string][]*event{}
	if i := slices.IndexFunc(p.cases, func(other *Case) bool { return other.Name == title }); i >= 0 {
		p.problems = append(p.problems, spec.Problem{At: p.at, Message: fmt.Sprintf("a second case %q: the first is on line %d", title, p.cases[i].At.Line)})
	}
	p.cases = append(p.cases, &c)
}

// end checks what can be said of a case only as a whole.
func (p *parser) end() {
	c := p.current
	if c == nil {
		return
	}
	if len(p.problems) == p.begun && !slices.ContainsFunc(c.steps, func(s step) bool { return s.expect != nil }) {
		p.problems = append(p.problems, spec.Problem{At: c.At, Message: fmt.Sprintf("case %q expects nothing: say what the tables hold, as `expect queue sales 09:00 offered=1`", c.Name)})
	}
	if len(c.setting.Sources) == 0 {
		c.setting.Sources = []Source{{Name: defaultSource, Facts: usual}}
	}
	c.finish()
}

// scope is what `set`, `source` and `order` are about: the case, or before the first all of them.
func (p *parser) scope() *Case {
	if p.current == nil {
		return &p.head
	}
	return p.current
}

func (p *parser) instant(text string) (int64, error) {
	t, err := parseClock(text, p.day)
	if err != nil {
		return schemas.Null, err
	}
	return t.in(p.scope().setting.Options.Zone)
}

func (p *parser) add(e *event) {
	e.at, e.arrived = p.at, p.arrived
	p.current.steps = append(p.current.steps, step{at: p.at, event: e})
}

// errUsage says that a statement is not written as it should be.
var errUsage = errors.New("not written as it should be")

func (p *parser) setDay(words []word) (err error) {
	if len(words) != 1 {
		return errUsage
	}
	d, err := parseDate(words[0].text)
	if err == nil {
		p.day = d
	}
	return err
}

func (p *parser) order(words []word) error {
	if len(words) != 1 || !words[0].is("matters") {
		return fmt.Errorf("write `order matters` where what arrives first decides, as with late=side")
	}
	p.scope().orderMatters = true
	return nil
}

func (p *parser) now(words []word) (err error) {
	if len(words) != 1 {
		return fmt.Errorf("write `now 10:00`: what follows arrives then")
	}
	p.arrived, err = p.instant(words[0].text)
	return err
}
