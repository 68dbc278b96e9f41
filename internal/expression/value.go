package expression

import (
	"math"
	"strconv"
	"time"
)

// Kind is what a value is. As the type of an expression, Any is "known only when it runs".
type Kind uint8

// The kinds of values.
const (
	Nil      Kind = iota
	Bool          // true or false
	Int           // whole number
	Float         // number
	Text          // text
	Instant       // milliseconds since 1970, UTC
	Duration      // milliseconds
	JSON          // text of a JSON list or object, which only list expressions look into
	Any           // only as a type
	unset         // a slot not computed yet
)

// String is the kind as a user would say it.
func (k Kind) String() string {
	return [...]string{"nil", "true or false", "a whole number", "a number", "text", "an instant", "a duration", "a list or an object", "any value", "nothing"}[k]
}

// Value is one value. The zero Value is nil.
type Value struct {
	Kind Kind
	num  int64
	text string
}

// TextOf makes text. It is kept as it is, not copied.
func TextOf(s string) Value { return Value{Kind: Text, text: s} }

// JSONOf keeps the text of a JSON list or object.
func JSONOf(s string) Value { return Value{Kind: JSON, text: s} }

// IntOf makes a whole number.
func IntOf(n int64) Value { return Value{Kind: Int, num: n} }

// FloatOf makes a number.
func FloatOf(f float64) Value { return Value{Kind: Float, num: int64(math.Float64bits(f))} }

// InstantOf makes an instant from milliseconds since 1970, UTC.
func InstantOf(ms int64) Value { return Value{Kind: Instant, num: ms} }

// DurationOf makes a duration from milliseconds.
func DurationOf(ms int64) Value { return Value{Kind: Duration, num: ms} }

// BoolOf makes true or false.
// BoolOf makes true or false.
func BoolOf(b bool) Value {
	if b {
		return Value{Kind: Bool, num: 1}
	}
	return Value{Kind: Bool}
}

// True says whether the value is true: nil, and what is no truth value, is not.
func (v Value) True() bool { return v.Kind == Bool && v.num != 0 }

// IsNil says whether the value is absent.
func (v Value) IsNil() bool { return v.Kind == Nil }

func (v Value) float() float64 {
	if v.Kind == Float {
		return math.Float64frombits(uint64(v.num))
	}
	return float64(v.num)
}

// Milliseconds is an instant since 1970, UTC, or a duration; what else is a whole number is itself.
func (v Value) Milliseconds() int64 { return v.num }

// Number is a number, whole or not.
func (v Value) Number() float64 { return v.float() }

// String is the value for people and for text fields: text itself, numbers in decimal, instants as RFC 3339 in UTC.
func (v Value) String() string {
	switch v.Kind {
	case Text, JSON:
		return v.text
	case Bool:
		return strconv.FormatBool(v.num != 0)
	case Int:
		return strconv.FormatInt(v.num, 10)
	case Float:
		return strconv.FormatFloat(v.float(), 'f', -1, 64)
	case Instant:
		return time.UnixMilli(v.num).UTC().Format("2006-01-02T15:04:05.999Z07:00")
	case Duration:
		return (time.Duration(v.num) * time.Millisecond).String()
	}
	return ""
}

// quoted is the value in a message.
func (v Value) quoted() string {
	switch v.Kind {
	case Nil:
		return "nil"
	case Text, JSON:
		return strconv.Quote(shorten(v.text))
	default:
		return v.String()
	}
}

// messageText bounds how much of a value a message repeats.
const messageText = 120

func shorten(s string) string {
	if len(s) > messageText {
		return s[:messageText] + "..."
	}
	return s
}
