package transform_test

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// about says of what kind a fact is, what identifies it, and whose it is: the rows of an agent depend on all facts of the agent,
// what a contact adds to rows on its own revisions alone.
func about(f any) (kind, source, identity, owner string) {
	switch f := f.(type) {
	case *schemas.Contact:
		identity = fmt.Sprintf("contact %s|%s|%s", f.Source, f.InteractionID, f.Segment)
		return "contact", f.Source, identity, identity
	case *schemas.Shift:
		return "shift", f.Source, fmt.Sprintf("shift %s|%s|%s", f.Source, f.AgentID, cmp.Or(f.ShiftID, fmt.Sprint("at ", f.StartsAt))), f.AgentID
	}
	s := f.(*schemas.AgentState)
	return "agent_state", s.Source, fmt.Sprintf("state %s|%s|%s", s.Source, s.AgentID, cmp.Or(s.StateID, fmt.Sprint("at ", s.StartedAt, " ", s.Sequence))), s.AgentID
}

// content orders facts of one identity as text: by revision, then field by field as the schema has them.
func content(f any) string {
	v := reflect.ValueOf(f).Elem()
	text := fmt.Sprintf("%020d", v.FieldByName("Revision").Int())
	for i := range v.NumField() {
		switch x := v.Field(i); {
		case x.CanInt():
			text += fmt.Sprintf("%020d", uint64(x.Int())^1<<63)
		case x.CanUint():
			text += fmt.Sprintf("%03d", x.Uint())
		default:
			text += fmt.Sprint(x, "\x00")
		}
	}
	return text
}

// newest are the facts of which no greater revision or content of the same identity is there, and that are not retracted.
func newest(facts []any) (all []any) {
	best := map[string]any{}
	for _, f := range facts {
		_, _, id, _ := about(f)
		if was, ok := best[id]; !ok || content(f) > content(was) {
			best[id] = f
		}
	}
	for _, f := range best {
		if !reflect.ValueOf(f).Elem().FieldByName("Retracted").Bool() {
			all = append(all, f)
		}
	}
	return all
}

// accepted plays the log of a shard: the facts that can be, and that the late policy does not hold back, since they change no
// row that their source has made final.
func accepted(o transform.Options, log []any) (facts []any) {
	marks := map[string]int64{}
	for _, r := range log {
		if m, ok := r.(*schemas.Mark); ok {
			marks[m.Fact+" "+m.Source] = max(marks[m.Fact+" "+m.Source], m.CompleteThrough)
			continue
		}
		n := naive{o: o, marks: marks}
		kind, source, _, owner := about(r)
		var own []any
		for _, f := range facts {
			if _, _, _, o := about(f); o == owner {
				own = append(own, f)
			}
		}
		changes := false
		if strings.Contains("side drop", cmp.Or(o.Late, "revise")) {
			was, is := tablesOf(o, marks, own), tablesOf(o, marks, append(own, r))
			for _, t := range []tables{was, is} {
				maps.DeleteFunc(t, func(key string, _ map[string]any) bool {
					return n.endOf(key) > marks[kind+" "+source]-o.Grace.Milliseconds()
				})
			}
			changes = !reflect.DeepEqual(was, is)
		}
		if n.valid(r) && !changes {
			facts = append(facts, r)
		}
	}
	return facts
}
