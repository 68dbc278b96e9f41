package schemas

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/schemas/internal/avsc"
)

// Compatible reports whether a reader with the reader's schema can read everything that the writer's schema can write: the
// registry's BACKWARD rule. The error joins every obstacle, each with the field and the reason.
//
// It is stricter than NewDecoder, which refuses a union's unreadable branch only once a value of it comes.
func Compatible(writer, reader string) error {
	w, err := avsc.Parse(writer)
	if err != nil {
		return fmt.Errorf("writer's schema: %w", err)
	}
	r, err := avsc.Parse(reader)
	if err != nil {
		return fmt.Errorf("reader's schema: %w", err)
	}
	c := comparison{seen: map[[2]*avsc.Type]bool{}}
	c.compare(w, r, nil)
	return errors.Join(c.faults...)
}

// comparison collects what keeps a reader from reading.
type comparison struct {
	seen   map[[2]*avsc.Type]bool // pairs of records under way or done: recursive types end here
	faults []error
}

func (c *comparison) fault(path []string, format string, args ...any) {
	reason := fmt.Sprintf(format, args...)
	if len(path) == 0 {
		c.faults = append(c.faults, errors.New(reason))
		return
	}
	c.faults = append(c.faults, fmt.Errorf("field %q: %s", strings.Join(path, "."), reason))
}

func (c *comparison) compare(w, r *avsc.Type, path []string) {
	switch {
	case w.Kind == avsc.Union:
		for _, b := range w.Branches {
			c.compare(b, r, path)
		}
	case r.Kind == avsc.Union:
		if !slices.ContainsFunc(r.Branches, func(b *avsc.Type) bool { return c.fits(w, b) }) {
			c.fault(path, "the writer's %s suits no branch of the reader's %s", w, r)
		}
	case w.Kind == avsc.Record && r.Kind == avsc.Record:
		c.records(w, r, path)
	case w.Kind == avsc.Enum && r.Kind == avsc.Enum:
		c.enums(w, r, path)
	case w.Kind == avsc.Fixed && r.Kind == avsc.Fixed:
		if !avsc.SameName(w, r) || w.Size != r.Size {
			c.fault(path, "fixed %q of %d bytes cannot be read as %q of %d", w.Name, w.Size, r.Name, r.Size)
		}
	case w.Kind == r.Kind && (r.Kind == avsc.Array || r.Kind == avsc.Map):
		c.compare(w.Items, r.Items, append(slices.Clip(path), "values"))
	case number(w, r) == opFail:
		c.fault(path, "the writer's %s cannot be read as %s", w, r)
	case w.Logical != r.Logical && w.Logical != "" && r.Logical != "", w.Scale != r.Scale:
		c.fault(path, "the writer's %s has another meaning than the reader's %s", w, r)
	}
}

// fits tries a branch of a union without keeping what is wrong with it.
func (c *comparison) fits(w, r *avsc.Type) bool {
	trial := comparison{seen: c.seen}
	if w.Kind == avsc.Record || r.Kind == avsc.Record {
		trial.seen = map[[2]*avsc.Type]bool{}
		for pair := range c.seen {
			trial.seen[pair] = true
		}
	}
	trial.compare(w, r, nil)
	return len(trial.faults) == 0
}

func (c *comparison) records(w, r *avsc.Type, path []string) {
	if c.seen[[2]*avsc.Type{w, r}] {
		return
	}
	c.seen[[2]*avsc.Type{w, r}] = true
	if !avsc.SameName(w, r) {
		c.fault(path, "record %q is neither %q nor an alias of it", w.Name, r.Name)
		return
	}
	read := make([]bool, len(r.Fields))
	for n, i := range avsc.Match(w, r) {
		if i >= 0 {
			read[i] = true
			c.compare(w.Fields[n].Type, r.Fields[i].Type, append(slices.Clip(path), r.Fields[i].Name))
		}
	}
	for i, rf := range r.Fields {
		if !read[i] && rf.Default == nil {
			c.fault(append(slices.Clip(path), rf.Name), "the writer does not have it, and it has no default: give it one")
		}
	}
}

func (c *comparison) enums(w, r *avsc.Type, path []string) {
	if !avsc.SameName(w, r) {
		c.fault(path, "enum %q is neither %q nor an alias of it", w.Name, r.Name)
	}
	if r.Default != "" {
		return
	}
	for _, s := range w.Symbols {
		if !slices.Contains(r.Symbols, s) {
			c.fault(path, "the reader's enum %q has no symbol %q and no default: keep the symbol, or give the enum a default", r.Name, s)
		}
	}
}
