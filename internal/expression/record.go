package expression

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
)

// Record gives expressions the fields of one Avro record by name, to read and to set. It is bound to one struct, which its user
// fills again and again; a field's slot in Env.Values is its index. Not safe for concurrent use.
type Record struct {
	Fields []Field
	used   []int // slots that expressions read
}

// Field is one field of a bound record.
type Field struct {
	Name    string
	Kind    Kind     // Text, Bool, Int, Instant (…_at, interval_start) or Duration (…_ms)
	Symbols []string // the texts allowed, where there are few

	text   *string
	truth  *bool
	number *int64
	small  *int32 // which nothing sets
	symbol *uint8
}

// Bind binds a record: a pointer to a struct of package schemas. Fields that are no single value are left out.
func Bind(record any) *Record {
	v := reflect.ValueOf(record).Elem()
	r := &Record{}
	for i := range v.NumField() {
		f := Field{Name: v.Type().Field(i).Tag.Get("avro")}
		switch p := v.Field(i).Addr().Interface().(type) {
		case *string:
			f.Kind, f.text = Text, p
		case *bool:
			f.Kind, f.truth = Bool, p
		case *int64:
			f.Kind, f.number = kindOf(f.Name), p
		case *int32:
			f.Kind, f.small = Int, p
		case *schemas.Direction:
			f.Kind, f.symbol, f.Symbols = Text, (*uint8)(p), symbols[schemas.Direction]()
		case *schemas.Outcome:
			f.Kind, f.symbol, f.Symbols = Text, (*uint8)(p), symbols[schemas.Outcome]()
		case *schemas.State:
			f.Kind, f.symbol, f.Symbols = Text, (*uint8)(p), symbols[schemas.State]()
		default:
			continue
		}
		r.Fields = append(r.Fields, f)
	}
	return r
}

// kindOf follows the schemas' rule that names carry units.
func kindOf(name string) Kind {
	switch {
	case strings.HasSuffix(name, "_at"), name == "interval_start":
		return Instant
	case strings.HasSuffix(name, "_ms"):
		return Duration
	default:
		return Int
	}
}

// symbols lists the texts of an enum, whose values count from 0: the first that prints as Name(n) is none.
func symbols[T interface {
	~uint8
	fmt.Stringer
}]() (list []string) {
	for v := T(0); !strings.Contains(v.String(), "("); v++ {
		list = append(list, v.String())
	}
	return list
}

// Column finds a field by name.
func (r *Record) Column(path []string) (int, Kind, bool) {
	if len(path) != 1 {
		return 0, Nil, false
	}
	i := slices.IndexFunc(r.Fields, func(f Field) bool { return f.Name == path[0] })
	if i < 0 {
		return 0, Nil, false
	}
	if !slices.Contains(r.used, i) {
		r.used = append(r.used, i)
	}
	return i, r.Fields[i].Kind, true
}

// Names lists the fields.
func (r *Record) Names() []string {
	names := make([]string, len(r.Fields))
	for i, f := range r.Fields {
		names[i] = f.Name
	}
	return names
}

// Field finds a field by name; nil where there is none.
func (r *Record) Field(name string) *Field {
	if i := slices.IndexFunc(r.Fields, func(f Field) bool { return f.Name == name }); i >= 0 {
		return &r.Fields[i]
	}
	return nil
}

// Load puts the values of the fields that expressions read into the environment.
func (r *Record) Load(e *Env) {
	if e.Values == nil {
		e.Values = make([]Value, len(r.Fields))
	}
	for _, i := range r.used {
		e.Values[i] = r.Fields[i].Get()
	}
}

// Get is the field's value. Empty text is a text; absent instants and durations are nil.
func (f *Field) Get() Value {
	switch {
	case f.text != nil:
		return TextOf(*f.text)
	case f.truth != nil:
		return BoolOf(*f.truth)
	case f.symbol != nil:
		return TextOf(f.Symbols[*f.symbol])
	case f.small != nil:
		return IntOf(int64(*f.small))
	case *f.number == schemas.Null:
		return Value{}
	}
	return Value{Kind: f.Kind, num: *f.number}
}
