package script

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/transform"
)

// settable are the options of `set`, named as in a pipeline file.
var settable = map[string]func(o *transform.Options, value string) error{
	"tenant": func(o *transform.Options, v string) error { o.Tenant = v; return nil },
	"timezone": func(o *transform.Options, v string) error {
		zone, err := spec.ParseZone(v)
		if err == nil {
			o.Zone = zone
		}
		return err
	},
	"interval":    duration(func(o *transform.Options) *time.Duration { return &o.Interval }),
	"grace":       duration(func(o *transform.Options) *time.Duration { return &o.Grace }),
	"retention":   duration(func(o *transform.Options) *time.Duration { return &o.Retention }),
	"max_session": duration(func(o *transform.Options) *time.Duration { return &o.MaxSession }),
	"clock_skew":  duration(func(o *transform.Options) *time.Duration { return &o.ClockSkew }),

	"profile":       func(o *transform.Options, v string) error { o.Profile = v; return nil },
	"late":          func(o *transform.Options, v string) error { o.Late = v; return nil },
	"service_level": duration(func(o *transform.Options) *time.Duration { return &o.ServiceLevel }),
	"short_abandon": duration(func(o *transform.Options) *time.Duration { return &o.ShortAbandon }),
}

func duration(of func(*transform.Options) *time.Duration) func(*transform.Options, string) error {
	return func(o *transform.Options, v string) error {
		d, err := spec.ParseDuration(v)
		if err != nil {
			return fmt.Errorf("is %q, not a duration such as 20s, 15m or 35d", v)
		}
		*of(o) = d
		return nil
	}
}

// set reads `set OPTION=VALUE...`. Beside the options of settable there are queues.ID.service_level, queues.ID.short_abandon and
// attribution.MEASURE.
func (p *parser) set(words []word) error {
	c := p.scope()
	switch {
	case len(words) == 0:
		return fmt.Errorf("write `set OPTION=VALUE...`%s", suggest("", slices.Sorted(maps.Keys(settable))))
	case c.setting.Fixed:
		return fmt.Errorf("a pipeline's tests run with its own options: change them in the pipeline file")
	case slices.ContainsFunc(c.steps, func(s step) bool { return s.event != nil }):
		return fmt.Errorf("the options of a case come before its first record")
	}
	o := c.setting.Options
	for _, w := range words {
		key, value, ok := w.option()
		if !ok {
			return fmt.Errorf("%q is not OPTION=VALUE", w.text)
		}
		if err := setOption(&o, key, value); err != nil {
			return fmt.Errorf("%s %w", key, err)
		}
	}
	if _, err := transform.NewShard("contact/0", o); err != nil {
		return err
	}
	c.setting.Options = o
	return nil
}

func setOption(o *transform.Options, key, value string) error {
	if set, ok := settable[key]; ok {
		return set(o, value)
	}
	section, rest, _ := strings.Cut(key, ".")
	switch section {
	case "attribution":
		o.Attribution = maps.Clone(o.Attribution)
		if o.Attribution == nil {
			o.Attribution = map[string]string{}
		}
		o.Attribution[rest] = value
		return nil
	case "queues":
		at := strings.LastIndexByte(rest, '.')
		if at < 0 {
			break
		}
		id, limit := rest[:at], rest[at+1:]
		set, ok := settable[limit]
		if !ok || limit != "service_level" && limit != "short_abandon" {
			break
		}
		limits := transform.Options{StageOptions: transform.StageOptions{ServiceLevel: o.Queues[id].ServiceLevel, ShortAbandon: o.Queues[id].ShortAbandon}}
		if err := set(&limits, value); err != nil {
			return err
		}
		o.Queues = maps.Clone(o.Queues)
		if o.Queues == nil {
			o.Queues = map[string]transform.QueueOptions{}
		}
		o.Queues[id] = transform.QueueOptions{ServiceLevel: limits.ServiceLevel, ShortAbandon: limits.ShortAbandon}
		return nil
	}
	known := append(slices.Sorted(maps.Keys(settable)), "attribution.MEASURE", "queues.ID.service_level", "queues.ID.short_abandon")
	return fmt.Errorf("is no option%s", suggest(key, known))
}

// source reads `source NAME [contacts] [states] [shifts]`: it declares a source that intervals wait for, and what it writes.
func (p *parser) source(words []word) error {
	c := p.scope()
	if len(words) == 0 {
		return errUsage
	}
	if c.setting.Fixed {
		return fmt.Errorf("the sources of a pipeline are those of its file")
	}
	name := words[0].text
	if _, ok := c.source(name); ok {
		return fmt.Errorf("%q is declared already, or was used before", name)
	}
	s := Source{Name: name}
	for _, w := range words[1:] {
		kind, ok := kindOf(w)
		if !ok {
			return fmt.Errorf("%q is no kind of fact%s", w.text, suggest(w.text, kindWords))
		}
		s.Facts = append(s.Facts, kind)
	}
	if s.Facts == nil {
		s.Facts = usual
	}
	c.setting.Sources = append(c.setting.Sources, s)
	return nil
}

var kindWords = []string{"contacts", "states", "shifts"}

// kindOf reads the name of a kind of fact.
func kindOf(w word) (string, bool) {
	switch {
	case w.is("contacts"), w.is("contact"):
		return contactFact, true
	case w.is("states"), w.is("state"), w.is("agent_state"), w.is("agent_states"):
		return stateFact, true
	case w.is("shifts"), w.is("shift"):
		return shiftFact, true
	}
	return "", false
}

// writer finds the source that a fact comes from; no name is the first that writes the kind.
func (p *parser) writer(name, kind string) (string, error) {
	c := p.current
	if name == "" {
		for _, s := range c.setting.Sources {
			if slices.Contains(s.Facts, kind) {
				return s.Name, nil
			}
		}
		if c.setting.Fixed {
			return "", fmt.Errorf("no source of the pipeline writes facts of kind %q", kind)
		}
		name = defaultSource
	}
	s, ok := c.source(name)
	switch {
	case ok && slices.Contains(s.Facts, kind):
		return name, nil
	case ok && kind == shiftFact && !c.setting.Fixed && slices.Equal(s.Facts, usual):
		c.setting.Sources = slices.DeleteFunc(c.setting.Sources, func(s Source) bool { return s.Name == name })
		c.setting.Sources = append(c.setting.Sources, Source{Name: name, Facts: kinds})
		return name, nil
	case ok:
		return "", fmt.Errorf("source %q writes no facts of kind %q", name, kind)
	case c.setting.Fixed:
		var known []string
		for _, s := range c.setting.Sources {
			known = append(known, s.Name)
		}
		return "", fmt.Errorf("the pipeline has no source %q%s", name, suggest(name, known))
	}
	facts := usual
	if kind == shiftFact {
		facts = kinds
	}
	c.setting.Sources = append(c.setting.Sources, Source{Name: name, Facts: facts})
	return name, nil
}
