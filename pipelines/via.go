package pipelines

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Common are the options that every sink has that delivers by requests; nil for others.
func (s *Sink) Common() *delivery.Options {
	if o, ok := s.Options.(interface{ Common() *delivery.Options }); ok {
		return o.Common()
	}
	return nil
}

// check reports what is wrong with what all sinks have in common, and with how the options go with the pipeline's interval; 0: it is not known.
func (s *Sink) check(interval time.Duration, problem func(path, message string)) {
	if o := s.Common(); o != nil {
		o.Check(s.Registration.Offered(s.Options), problem)
	}
	if o, ok := s.Options.(sinks.Fitting); ok && interval > 0 {
		o.Fit(interval, problem)
	}
}

// Via is the sink whose queue a sink posts from; nil: it reads the log.
func (p *Pipeline) Via(s *Sink) *Sink {
	if o := s.Common(); o != nil && o.Via != "" {
		return p.sink(o.Via)
	}
	return nil
}

func (p *Pipeline) sink(name string) *Sink {
	if n := slices.IndexFunc(p.Sinks, func(s Sink) bool { return s.Name == name }); n >= 0 {
		return &p.Sinks[n]
	}
	return nil
}

// via checks what sinks say about queues, and makes them follow their queue.
func (r *reading) via() {
	readers := map[string]string{}
	for n := range r.pipeline.Sinks {
		s := &r.pipeline.Sinks[n]
		o := s.Common()
		if o == nil || o.Via == "" {
			continue
		}
		queue := r.pipeline.sink(o.Via)
		switch {
		case queue == nil:
			r.fail(s.At, "%s.%s: via names no sink %q%s", sinksKey, s.Name, o.Via, spec.Suggest(o.Via, r.queues()))
		case queue.Registration.Inbox == nil:
			r.fail(s.At, "%s.%s: via names sink %q, which is no queue%s", sinksKey, s.Name, o.Via, spec.Suggest("", r.queues()))
		case readers[o.Via] != "":
			r.fail(s.At, "%s.%s: sink %q posts from the queue of %q already: give each a queue of its own", sinksKey, s.Name, readers[o.Via], o.Via)
		default:
			readers[o.Via] = s.Name
			if message := r.follow(s, queue); message != "" {
				r.fail(s.At, "%s.%s: %s", sinksKey, s.Name, message)
			}
		}
	}
}

// follow makes a sink's options follow its queue's, or says why they cannot.
func (r *reading) follow(s, queue *Sink) string {
	sent := queue.Registration.Kinds(queue.Options)
	var other []string
	takes := s.Registration.Kinds(s.Options)
	if own := s.Common().Kinds; len(own) > 0 {
		takes = own
	}
	for _, kind := range sent {
		if !slices.Contains(takes, kind) {
			other = append(other, kind)
		}
	}
	if len(other) > 0 {
		return fmt.Sprintf("its queue %q sends %s, which it does not take: set the queue's kinds", queue.Name, strings.Join(other, ", "))
	}
	if common := queue.Common(); common != nil {
		s.Common().Follow(common, sent)
	}
	return ""
}

// queues are the sinks that others may post from.
func (r *reading) queues() (names []string) {
	for _, s := range r.pipeline.Sinks {
		if s.Registration.Inbox != nil {
			names = append(names, s.Name)
		}
	}
	return names
}
