package clickhouse

import (
	"fmt"
	"strconv"
	"strings"
)

// columnType is a type name taken apart, to know where a column of it ends: "Array(LowCardinality(String))".
type columnType struct {
	name      string
	arguments []string
}

// parseType splits a type's name from its arguments, which stay texts: they are types, numbers or enum values.
func parseType(text string) (columnType, error) {
	text = strings.TrimSpace(text)
	open := strings.IndexByte(text, '(')
	if open < 0 {
		return columnType{name: text}, nil
	}
	if !strings.HasSuffix(text, ")") {
		return columnType{}, fmt.Errorf("type %q has no closing bracket", text)
	}
	t := columnType{name: text[:open]}
	l := &lexer{text: text[open+1 : len(text)-1]}
	start := 0
	for {
		switch k := l.next(); {
		case k.kind == tokenEnd:
			t.arguments = append(t.arguments, l.text[start:])
			return t, nil
		case k.depth == 0 && k.mark(","):
			t.arguments = append(t.arguments, l.text[start:k.start])
			start = k.end
		}
	}
}

// elements are the types of a Tuple's or Nested's arguments, which may carry names: "a UInt8" or "`a b` String".
func elements(arguments []string) []string {
	types := make([]string, len(arguments))
	for i, argument := range arguments {
		types[i] = strings.TrimSpace(argument)
		l := &lexer{text: argument}
		name := l.next()
		if next := l.next(); name.kind == tokenName || next.kind == tokenWord || next.kind == tokenName {
			types[i] = argument[next.start:]
		}
	}
	return types
}

// widths are the bytes of one value, for the types whose values all have the same.
var widths = map[string]int{
	"Int8": 1, "UInt8": 1, "Bool": 1, "Enum8": 1, "Nothing": 1,
	"Int16": 2, "UInt16": 2, "Enum16": 2, "Date": 2, "BFloat16": 2,
	"Int32": 4, "UInt32": 4, "Float32": 4, "Date32": 4, "DateTime": 4, "DateTime32": 4, "Time": 4, "IPv4": 4, "Decimal32": 4,
	"Int64": 8, "UInt64": 8, "Float64": 8, "DateTime64": 8, "Time64": 8, "Decimal64": 8,
	"Int128": 16, "UInt128": 16, "UUID": 16, "IPv6": 16, "Decimal128": 16,
	"Int256": 32, "UInt256": 32, "Decimal256": 32,
}

// aliases are types stored as others.
var aliases = map[string]string{
	"Point": "Tuple(Float64, Float64)", "Ring": "Array(Point)", "LineString": "Array(Point)",
	"Polygon": "Array(Ring)", "MultiLineString": "Array(LineString)", "MultiPolygon": "Array(Polygon)",
}

// width gives the bytes of one value; 0 where they differ from value to value.
func (t columnType) width() (int, error) {
	switch {
	case strings.HasPrefix(t.name, "Interval"):
		return 8, nil
	case t.name == "FixedString" && len(t.arguments) == 1:
		return strconv.Atoi(strings.TrimSpace(t.arguments[0]))
	case t.name == "Decimal" && len(t.arguments) > 0:
		digits, err := strconv.Atoi(strings.TrimSpace(t.arguments[0]))
		return decimalWidth(digits), err
	}
	return widths[t.name], nil
}

func decimalWidth(digits int) int {
	switch {
	case digits <= 9:
		return 4
	case digits <= 18:
		return 8
	case digits <= 38:
		return 16
	}
	return 32
}
