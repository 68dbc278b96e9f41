package expression

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// Clear gives the field the value of a record that says nothing about it: empty text, false, 0, absent.
func (f *Field) Clear() {
	switch {
	case f.text != nil:
		*f.text = ""
	case f.truth != nil:
		*f.truth = false
	case f.symbol != nil:
		*f.symbol = f.fallback()
	case f.Kind == Int:
		*f.number = 0
	default:
		*f.number = schemas.Null
	}
}

// fallback is the symbol of a state that is not given: not_ready, as in the schema; the first for other enums.
func (f *Field) fallback() uint8 {
	return uint8(max(slices.Index(f.Symbols, schemas.StateNotReady.String()), 0))
}

// Set converts a value to the field's type and stores it; text is not copied. Nil clears.
//
//	text      from anything; numbers in decimal
//	instant   from an instant, text as time(text) reads it, or a whole number of milliseconds since 1970
//	duration  from a duration, text as duration(text) reads it, or a whole number of milliseconds
//	whole     from a number without fraction, text that is one, or an instant or a duration in milliseconds
//	true      from true or false, the same as text, 1 and 0
//	an enum   from one of its symbols
func (f *Field) Set(e *Env, v Value, zone *time.Location) error {
	if f.small != nil {
		return fmt.Errorf("%s cannot be set", f.Name)
	}
	if v.Kind == Nil {
		f.Clear()
		return nil
	}
	switch {
	case f.text != nil:
		*f.text = toText(e, v).text
		return nil
	case f.truth != nil:
		return f.setTruth(v)
	case f.symbol != nil:
		return f.setSymbol(v)
	case v.Kind == Text:
		return f.setFromText(v.text, e.in(zone))
	case v.Kind == f.Kind, v.Kind == Int, f.Kind == Int && (v.Kind == Instant || v.Kind == Duration):
		*f.number = v.num
		return nil
	case v.Kind == Float && v.float() == float64(int64(v.float())):
		*f.number = int64(v.float())
		return nil
	}
	return fmt.Errorf("%s is %s, and %s is %s", v.quoted(), v.Kind, f.Name, f.Kind)
}

func (f *Field) setFromText(s string, z *zoneCache) (err error) {
	var n int64
	switch f.Kind {
	case Instant:
		if n, err = parseISO(s, z); err != nil {
			return fmt.Errorf("%q is not a time for %s: %w", shorten(s), f.Name, err)
		}
	case Duration:
		var ok bool
		if n, ok = parseDuration(strings.TrimSpace(s)); !ok {
			return fmt.Errorf("%q is not a duration for %s, such as \"0:01:10\", \"70s\" or \"70\" (seconds)", shorten(s), f.Name)
		}
	default:
		if n, err = strconv.ParseInt(strings.TrimSpace(s), 10, 64); err != nil {
			return fmt.Errorf("%q is not a whole number for %s", shorten(s), f.Name)
		}
	}
	*f.number = n
	return nil
}

func (f *Field) setTruth(v Value) error {
	switch {
	case v.Kind == Bool, v.Kind == Int && (v.num == 0 || v.num == 1):
		*f.truth = v.num == 1
		return nil
	case v.Kind == Text:
		if b, err := strconv.ParseBool(strings.ToLower(v.text)); err == nil {
			*f.truth = b
			return nil
		}
	}
	return fmt.Errorf("%s is not true or false, for %s", v.quoted(), f.Name)
}

func (f *Field) setSymbol(v Value) error {
	if v.Kind == Text {
		for i, s := range f.Symbols {
			if s == v.text {
				*f.symbol = uint8(i)
				return nil
			}
		}
	}
	return fmt.Errorf("%s is no %s%s", v.quoted(), f.Name, spec.Suggest(v.String(), f.Symbols))
}

// Accepts says whether values of a kind can be converted to the field at all.
func (f *Field) Accepts(k Kind) bool {
	switch {
	case k == Any || k == Nil || k == Text || f.text != nil && k != JSON:
		return true
	case f.truth != nil:
		return k == Bool || k == Int
	case f.symbol != nil:
		return false
	}
	return k == f.Kind || k == Int || k == Float || f.Kind == Int && (k == Instant || k == Duration)
}
