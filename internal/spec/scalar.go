package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, f Field, path string) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.fail(path, At(d.File, n), "%s is %s, not %s", d.full(path), Describe(n), article(typeOfScalar(v.Type(), f)))
		return
	}
	text, err := d.Env.Expand(n.Value)
	if err != nil {
		d.fail(path, At(d.File, n), "%s: %v", d.full(path), err)
		return
	}
	if v.Type() == exprType {
		v.Set(reflect.ValueOf(Expr{Source: text, At: content(d.File, n)}))
		return
	}
	if text != n.Value {
		f.shown = n.Value // what a variable holds may be a secret
	}
	if message := set(v, text, f); message != "" {
		d.fail(path, At(d.File, n), "%s %s", d.full(path), message)
	}
}

func typeOfScalar(t reflect.Type, f Field) string {
	if len(f.Enum) > 0 {
		return "one of " + strings.Join(f.Enum, ", ")
	}
	return typeWord(t)
}

// content is where a scalar's text starts: under the | or > of a block.
func content(file string, n *yaml.Node) Position {
	p := At(file, n)
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		p.Line, p.Column = p.Line+1, 1
	}
	return p
}

// set parses text into v, and says what is wrong with it, or "". The text of a secret is never repeated.
func set(v reflect.Value, text string, f Field) string {
	if len(f.Enum) > 0 && !slices.Contains(f.Enum, text) {
		if n := Nearest(text, f.Enum); n != "" {
			return fmt.Sprintf("is %s, not one of %s: did you mean %q?", quote(text, f), strings.Join(f.Enum, ", "), n)
		}
		return fmt.Sprintf("is %s, not one of %s", quote(text, f), strings.Join(f.Enum, ", "))
	}
	switch v.Type() {
	case durationType:
		parsed, err := ParseDuration(text)
		if err != nil {
			return fmt.Sprintf("is %s, not a duration%s", quote(text, f), nearestDuration(text, f))
		}
		v.SetInt(int64(parsed))
		return ""
	case locationType:
		zone, err := ParseZone(text)
		if err != nil {
			return strings.Replace(err.Error(), strconv.Quote(text), quote(text, f), 1)
		}
		v.Set(reflect.ValueOf(zone))
		return ""
	case exprType:
		v.Set(reflect.ValueOf(Expr{Source: text}))
		return ""
	}
	return setBasic(v, text, f)
}

func setBasic(v reflect.Value, text string, f Field) string {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil || text != strconv.FormatBool(b) {
			return fmt.Sprintf("is %s, not true or false%s", quote(text, f), nearestBool(text))
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, v.Type().Bits())
		if err != nil {
			return fmt.Sprintf("is %s, not a whole number", quote(text, f))
		}
		v.SetInt(i)
	case reflect.Float64:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || x-x != 0 { // neither infinite nor NaN
			return fmt.Sprintf("is %s, not a number", quote(text, f))
		}
		v.SetFloat(x)
	default:
		return fmt.Sprintf("has the type %s, which options cannot have", v.Type())
	}
	return ""
}

func quote(text string, f Field) string {
	if f.Secret {
		return "a secret"
	}
	if f.shown != "" {
		return "the value of " + strconv.Quote(f.shown)
	}
	return strconv.Quote(text)
}

func article(word string) string {
	if word == "text" || word == "true or false" || strings.HasPrefix(word, "one of") {
		return word
	}
	if strings.ContainsRune("aeiou", rune(word[0])) {
		return "an " + word
	}
	return "a " + word
}

func nearestBool(text string) string {
	switch strings.ToLower(text) {
	case "yes", "on", "y", "1", "t", "true":
		return `: did you mean "true"?`
	case "no", "off", "n", "0", "f", "false":
		return `: did you mean "false"?`
	}
	return Suggest(text, []string{"true", "false"})
}

// ParseDuration reads "90s", "15m", "1h30m" and, besides what time.ParseDuration takes, whole days as "35d".
func ParseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseInt(days, 10, 32); err == nil && n >= -100_000 && n <= 100_000 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	return time.ParseDuration(text)
}

// units of time as people write them, longest first so that "minutes" is not read as "min" and a rest.
var units = strings.NewReplacer("milliseconds", "ms", "millis", "ms", "msec", "ms", "seconds", "s", "second", "s", "secs", "s", "sec", "s",
	"minutes", "m", "minute", "m", "mins", "m", "min", "m", "hours", "h", "hour", "h", "hrs", "h", "hr", "h", "days", "d", "day", "d", " ", "")

// nearestDuration guesses what was meant: "15 min" is 15m, and a bare number has the default's unit.
func nearestDuration(text string, f Field) string {
	guess := units.Replace(strings.ToLower(text))
	if _, err := strconv.Atoi(guess); err == nil && f.Default != "" {
		guess += strings.TrimLeft(f.Default, "0123456789.")
	}
	if _, err := ParseDuration(guess); err == nil && guess != text {
		return fmt.Sprintf(": did you mean %q?", guess)
	}
	return ` such as "20s", "15m" or "35d"`
}
