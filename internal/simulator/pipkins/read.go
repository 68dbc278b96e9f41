package pipkins

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// sheet is what a file says.
type sheet struct {
	scope string            // set and interval, which it replaces
	rows  map[string]string // the values by set, interval and key
}

// setOf finds the set that a file's name begins with.
func (o *Options) setOf(name string) (string, bool) {
	found := ""
	for set := range o.Sets {
		if strings.HasPrefix(name, set+"_") && len(set) > len(found) {
			found = set
		}
	}
	return found, found != ""
}

// read reads a file by the rules.
func (o *Options) read(name string, content []byte) (*sheet, error) {
	kind, ok := o.setOf(name)
	if !ok {
		return nil, fmt.Errorf("no set of records has files of this name")
	}
	set := o.Sets[kind]
	text, err := o.decode(content)
	if err != nil {
		return nil, err
	}
	records, err := split(text, o.Delimiter, o.LineEnd)
	if err != nil {
		return nil, err
	}
	if !o.NoHeader {
		if len(records) == 0 || !slices.Equal(records[0], set.Columns) {
			return nil, fmt.Errorf("the first line is not the header %v", set.Columns)
		}
		records = records[1:]
	}
	s := &sheet{rows: map[string]string{}}
	for n, record := range records {
		if err := o.row(s, kind, &set, record); err != nil {
			return nil, fmt.Errorf("row %d: %w", n+1, err)
		}
	}
	return s, nil
}

func (o *Options) decode(content []byte) (string, error) {
	if o.Latin {
		text, err := charmap.Windows1252.NewDecoder().Bytes(content)
		return string(text), err
	}
	if !utf8.Valid(content) {
		return "", fmt.Errorf("it is no UTF-8")
	}
	return string(content), nil
}

func (o *Options) row(s *sheet, kind string, set *Set, record []string) error {
	if len(record) != len(set.Columns) {
		return fmt.Errorf("%d columns, not %d", len(record), len(set.Columns))
	}
	values := map[string]string{}
	for n, column := range set.Columns {
		value := record[n]
		values[column] = value
		if column == set.Time || slices.Contains(set.Texts, column) || value == "" && slices.Contains(set.Empty, column) {
			continue
		}
		if f, err := strconv.ParseFloat(value, 64); err != nil || f < 0 {
			return fmt.Errorf("%s is %q, no number of at least 0", column, value)
		}
	}
	at, err := time.ParseInLocation(o.Time, values[set.Time], o.Zone)
	if err != nil {
		return err
	}
	if start := at.Truncate(o.Interval); !start.Equal(at) {
		return fmt.Errorf("%s is %s, within an interval", set.Time, values[set.Time])
	}
	scope := kind + "/" + at.UTC().Format(time.RFC3339)
	if o.Day {
		scope = kind + "/" + at.In(o.Zone).Format(time.DateOnly)
	}
	if s.scope != "" && s.scope != scope {
		return fmt.Errorf("%s and %s are in one file", s.scope, scope)
	}
	s.scope = scope
	key := kind + "/" + at.UTC().Format(time.RFC3339)
	for _, column := range set.Key {
		if values[column] == "" {
			return fmt.Errorf("%s is empty", column)
		}
		key += "/" + values[column]
	}
	if _, twice := s.rows[key]; twice {
		return fmt.Errorf("%s is there twice", key)
	}
	s.rows[key] = strings.Join(record, "|")
	return nil
}

// split takes delimited text apart.
func split(text, delimiter, end string) (records [][]string, err error) {
	for text != "" {
		var record []string
		for {
			value := ""
			quoted := strings.HasPrefix(text, `"`)
			if quoted {
				if value, text, err = unquote(text[1:]); err != nil {
					return nil, fmt.Errorf("record %d: %w", len(records)+1, err)
				}
			} else {
				stop := min(index(text, delimiter), index(text, end))
				value, text = text[:stop], text[stop:]
				if strings.ContainsAny(value, "\"\r\n") {
					return nil, fmt.Errorf("record %d: %q has a quote or an end of a line", len(records)+1, value)
				}
			}
			record = append(record, value)
			var more bool
			if text, more = strings.CutPrefix(text, delimiter); more {
				continue
			}
			if text, more = strings.CutPrefix(text, end); !more {
				return nil, fmt.Errorf("record %d has no end", len(records)+1)
			}
			break
		}
		records = append(records, record)
	}
	return records, nil
}

func index(text, part string) int {
	if n := strings.Index(text, part); n >= 0 {
		return n
	}
	return len(text)
}

func unquote(text string) (value, rest string, err error) {
	for {
		n := strings.IndexByte(text, '"')
		if n < 0 {
			return "", "", fmt.Errorf("a quote is not closed")
		}
		value, text = value+text[:n], text[n+1:]
		if !strings.HasPrefix(text, `"`) {
			return value, text, nil
		}
		value, text = value+`"`, text[1:]
	}
}
