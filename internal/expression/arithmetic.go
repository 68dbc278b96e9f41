package expression

import "math"

// resultOf is the kind an operator gives for kinds known before it runs, and whether it is possible at all.
func resultOf(operator string, a, b Kind) (Kind, bool) {
	switch operator {
	case "??":
		return either(a, b), true
	case "contains", "startsWith", "endsWith":
		return Bool, (a == Text || a == Any || a == Nil) && (b == Text || b == Any || b == Nil)
	}
	if a == Nil || b == Nil {
		return Nil, true
	}
	if a == Any || b == Any {
		return Any, true
	}
	number := func(k Kind) bool { return k == Int || k == Float }
	switch {
	case a == Int && b == Int:
		if operator == "/" {
			return Float, true
		}
		return Int, true
	case number(a) && number(b):
		return Float, operator != "%"
	case operator == "+" && (a == Instant && b == Duration || a == Duration && b == Instant):
		return Instant, true
	case operator == "-" && a == Instant && b == Duration:
		return Instant, true
	case operator == "-" && a == Instant && b == Instant:
		return Duration, true
	case (operator == "+" || operator == "-") && a == Duration && b == Duration:
		return Duration, true
	case operator == "/" && a == Duration && b == Duration:
		return Float, true
	case (operator == "*" || operator == "/") && a == Duration && number(b), operator == "*" && number(a) && b == Duration:
		return Duration, true
	case operator == "+" && a == Text && b == Text:
		return Text, true
	}
	return Nil, false
}

func absent(a, b Value) bool { return a.Kind == Nil || b.Kind == Nil }

// whole says whether the result of + or - on two kinds is a whole number, an instant or a duration, and which.
func whole(operator string, a, b Value) (Kind, bool) {
	k, ok := resultOf(operator, a.Kind, b.Kind)
	return k, ok && k != Float && k != Text
}

func mismatch(e *Env, operator string, a, b Value) Value {
	if a.Kind == Text && b.Kind != Text || b.Kind == Text && a.Kind != Text {
		return e.fail("%s %s %s: one is text and the other is not; convert with int(), float() or string()", a.quoted(), operator, b.quoted())
	}
	return e.fail("%s %s %s: %s and %s", a.quoted(), operator, b.quoted(), a.Kind, b.Kind)
}

func numbers(a, b Value) bool {
	return (a.Kind == Int || a.Kind == Float) && (b.Kind == Int || b.Kind == Float)
}

func plus(e *Env, a, b Value) Value {
	if absent(a, b) {
		return Value{}
	}
	if k, ok := whole("+", a, b); ok {
		sum := a.num + b.num
		if (sum > a.num) != (b.num > 0) && b.num != 0 {
			return e.fail("%s + %s is too large", a.quoted(), b.quoted())
		}
		return Value{Kind: k, num: sum}
	}
	if numbers(a, b) {
		return FloatOf(a.float() + b.float())
	}
	return mismatch(e, "+", a, b)
}

func negate(e *Env, v Value) Value {
	switch v.Kind {
	case Nil:
		return v
	case Float:
		return FloatOf(-v.float())
	case Int, Duration:
		if v.num != math.MinInt64 {
			return Value{Kind: v.Kind, num: -v.num}
		}
	}
	return e.fail("- of %s: it is %s", v.quoted(), v.Kind)
}

func subtract(e *Env, a, b Value) Value {
	if absent(a, b) {
		return Value{}
	}
	if k, ok := whole("-", a, b); ok {
		difference := a.num - b.num
		if (difference < a.num) != (b.num > 0) && b.num != 0 {
			return e.fail("%s - %s is too large", a.quoted(), b.quoted())
		}
		return Value{Kind: k, num: difference}
	}
	if numbers(a, b) {
		return FloatOf(a.float() - b.float())
	}
	return mismatch(e, "-", a, b)
}

func multiply(e *Env, a, b Value) Value {
	if absent(a, b) {
		return Value{}
	}
	if k, ok := resultOf("*", a.Kind, b.Kind); ok {
		if product := a.num * b.num; k != Float && a.Kind != Float && b.Kind != Float {
			if a.num != 0 && (product/a.num != b.num || a.num == -1 && b.num == math.MinInt64) {
				return e.fail("%s * %s is too large", a.quoted(), b.quoted())
			}
			return Value{Kind: k, num: product}
		}
		return rounded(e, k, a.float()*b.float())
	}
	return mismatch(e, "*", a, b)
}

func divide(e *Env, a, b Value) Value {
	if absent(a, b) {
		return Value{}
	}
	k, ok := resultOf("/", a.Kind, b.Kind)
	switch {
	case !ok:
		return mismatch(e, "/", a, b)
	case b.float() == 0:
		return e.fail("%s / 0", a.quoted())
	}
	return rounded(e, k, a.float()/b.float())
}

func remainder(e *Env, a, b Value) Value {
	switch {
	case absent(a, b):
		return Value{}
	case a.Kind != Int || b.Kind != Int:
		return mismatch(e, "%", a, b)
	case b.num == 0:
		return e.fail("%s %% 0", a.quoted())
	case b.num == -1:
		return IntOf(0)
	}
	return IntOf(a.num % b.num)
}

// rounded makes a number, or a duration of whole milliseconds.
func rounded(e *Env, k Kind, f float64) Value {
	if k == Float {
		return FloatOf(f)
	}
	if !(math.Abs(f) < 1<<62) {
		return e.fail("a duration of %v ms is too large", f)
	}
	return Value{Kind: k, num: int64(math.RoundToEven(f))}
}
