package schemas

import (
	"fmt"
	"reflect"

	"github.com/quarterhour/quarterhour/schemas/internal/avsc"
)

// compiler turns (writer schema, reader schema, Go record) into a program, by Avro's rules of schema resolution.
type compiler struct {
	p     *program
	field uint16 // the field being compiled, for errors at run time
	known shapes
}

// target is where a value goes: a field of the Go record.
type target struct {
	off  uint32
	typ  reflect.Type
	name string // the reader's name of the field
}

// compile makes the program that reads what the writer wrote into a Go record of the reader's schema. Its fields are
// found by their avro tags.
func compile(writer, reader *avsc.Type, record reflect.Type) (*program, error) {
	if writer.Kind != avsc.Record {
		return nil, fmt.Errorf("writer's schema is %s, not a record", writer)
	}
	if !avsc.SameName(writer, reader) {
		return nil, fmt.Errorf("writer's schema is the record %q, which is neither %q nor an alias of it", writer.Name, reader.Name)
	}
	c := compiler{p: &program{record: reader.ShortName()}, known: shapes{known: map[*avsc.Type]*shape{}}}
	offsets := map[string]target{}
	for _, f := range reflect.VisibleFields(record) {
		name := f.Tag.Get("avro")
		offsets[name] = target{off: uint32(f.Offset), typ: f.Type, name: name}
	}
	seen := make([]bool, len(reader.Fields))
	taken := avsc.Match(writer, reader)
	for w, wf := range writer.Fields {
		c.at(wf.Name)
		i := taken[w]
		if i < 0 {
			c.skip(wf.Type)
			continue
		}
		seen[i] = true
		if err := c.value(wf.Type, reader.Fields[i].Type, offsets[reader.Fields[i].Name]); err != nil {
			return nil, fmt.Errorf("record %q, field %q: %w", reader.ShortName(), reader.Fields[i].Name, err)
		}
	}
	for i, rf := range reader.Fields {
		if seen[i] {
			continue
		}
		c.at(rf.Name)
		if err := c.setDefault(rf, offsets[rf.Name]); err != nil {
			return nil, fmt.Errorf("record %q, field %q: %w", reader.ShortName(), rf.Name, err)
		}
	}
	return c.p, nil
}

// at notes the name of the field whose operations follow.
func (c *compiler) at(name string) {
	c.field = uint16(len(c.p.fields))
	c.p.fields = append(c.p.fields, name)
}

func (c *compiler) emit(o op) int {
	o.field = c.field
	c.p.ops = append(c.p.ops, o)
	return len(c.p.ops) - 1
}

func (c *compiler) text(s string) int32 {
	c.p.texts = append(c.p.texts, s)
	return int32(len(c.p.texts) - 1)
}

// skip steps over a value that the reader has no field for.
func (c *compiler) skip(w *avsc.Type) {
	s := c.known.of(w)
	switch {
	case s.empty:
	case s.kind == shapeNumber:
		c.emit(op{code: opSkipNumber})
	case s.kind == shapeBytes:
		c.emit(op{code: opSkipBytes})
	case s.kind == shapeFixed:
		c.emit(op{code: opSkipFixed, k: int64(s.size)})
	default:
		c.p.shapes = append(c.p.shapes, s)
		c.emit(op{code: opSkip, arg: int32(len(c.p.shapes) - 1)})
	}
}

// value reads a value of the writer's type into the target, which holds the reader's type.
func (c *compiler) value(w, r *avsc.Type, to target) error {
	if w.Kind == avsc.Union {
		return c.writerUnion(w, r, to)
	}
	if r.Kind == avsc.Union {
		return c.readerUnion(w, r, to)
	}
	return c.plain(w, r, to)
}

// writerUnion reads the branch's number and goes on with the operations of that branch. A branch that the reader cannot take
// is an error only once a value of it comes, as the specification has it; a writer none of whose branches fits is refused.
func (c *compiler) writerUnion(w, r *avsc.Type, to target) error {
	if wl, rl := nullableLong(w), nullableLong(r); wl != nil && rl != nil {
		if code, _ := unit(wl, rl, to.name); code == opLong {
			k := int64(0)
			if w.Branches[1].Kind == avsc.Null {
				k = 1
			}
			c.emit(op{code: opNullableLong, off: to.off, k: k})
			return nil
		}
	}
	at := c.emit(op{code: opUnion, arg: int32(len(c.p.jumps)), k: int64(len(w.Branches))})
	first := len(c.p.jumps)
	c.p.jumps = append(c.p.jumps, make([]int32, len(w.Branches))...)
	var ends []int
	var refused error
	for i, b := range w.Branches {
		start := len(c.p.ops)
		c.p.jumps[first+i] = int32(start)
		if err := c.value(b, r, to); err != nil {
			refused = err
			c.p.ops = c.p.ops[:start]
			c.emit(op{code: opFail, arg: c.text(err.Error())})
			continue
		}
		ends = append(ends, c.emit(op{code: opJump}))
	}
	if len(ends) == 0 {
		c.p.ops = c.p.ops[:at]
		return fmt.Errorf("no branch of the writer's %s fits: %w", w, refused)
	}
	for _, e := range ends {
		c.p.ops[e].arg = int32(len(c.p.ops))
	}
	return nil
}

// readerUnion reads the value as the reader's first branch of the same type, or else the first that it can be promoted to.
func (c *compiler) readerUnion(w, r *avsc.Type, to target) error {
	refused := fmt.Errorf("the writer's %s suits no branch of the reader's %s", w, r)
	for _, same := range []bool{true, false} {
		for _, b := range r.Branches {
			if (b.Kind == w.Kind) != same {
				continue
			}
			start := len(c.p.ops)
			err := c.plain(w, b, to)
			if err == nil {
				return nil
			}
			c.p.ops = c.p.ops[:start]
			if same {
				refused = err
			}
		}
	}
	return refused
}

// setDefault writes the reader's default into a field that the writer does not have.
func (c *compiler) setDefault(f *avsc.Field, to target) error {
	if f.Default == nil {
		return fmt.Errorf("the writer does not have it, and the reader's schema has no default for it")
	}
	o, err := c.constant(f, to)
	if err != nil {
		return err
	}
	o.off = to.off
	c.emit(o)
	return nil
}
