package pipkins

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks/columns"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// sheet is the layout of the files of one set. Safe for concurrent use.
type sheet struct {
	config   *Config
	set      string
	table    *columns.Table
	layouts  []*columns.Table // by column, where it has a layout of its own
	where    *columns.Table   // nil: all rows
	together bool             // rows that differ in the channel only are summed
	encoder  encoder
}

var readsChannel = regexp.MustCompile(`\bchannel\b`)

func newSheet(kind string, c *Config) (*sheet, error) {
	set := c.Sets.of(kind)
	list := set.columns(kind)
	s := &sheet{config: c, set: set.name(kind), encoder: newEncoder(c.Encoding), together: true}
	var err error
	if s.table, err = columns.New(kind, list, c.Format); err != nil {
		return nil, err
	}
	s.layouts = make([]*columns.Table, len(list))
	for n, column := range list {
		s.together = s.together && !readsChannel.MatchString(column.Expr.Source)
		if layout, ok := c.Layouts[column.Name]; ok {
			f := c.Format
			f.Times = layout
			if s.layouts[n], err = columns.New(kind, list[n:n+1], f); err != nil {
				return nil, err
			}
		}
	}
	where := set.where(kind)
	if where.Source == "" {
		return s, nil
	}
	if s.where, err = columns.New(kind, spec.Exprs{{Name: "where", Expr: where}}, c.Format); err != nil {
		return nil, err
	}
	if k := s.where.Kinds[0]; k != expression.Bool && k != expression.Any {
		return nil, fmt.Errorf("where is %s, and true or false is needed", k)
	}
	return s, nil
}

// errEncoding is the error of a row whose text the encoding does not have, where that is to be refused.
var errEncoding = errors.New("encoding")

// check says what is wrong with a row.
func (s *sheet) check(i *delivery.Item) error {
	if _, err := s.wants(i); err != nil {
		return err
	}
	texts, err := s.texts(i)
	if err == nil {
		err = s.unique(i, texts)
	}
	if err != nil || s.config.Unknown != "refuse" {
		return err
	}
	for n, text := range texts {
		if !s.encoder.can(text) {
			return fmt.Errorf("column %q: %q cannot be written in %s: %w", s.table.Names[n], text, s.config.Encoding, errEncoding)
		}
	}
	return nil
}

// errRepeated is the error of a row of the hour that a zone has twice, where it reads as the row an hour before.
var errRepeated = errors.New("repeated hour")

// unique refuses a row that an import would take for that of an earlier interval.
func (s *sheet) unique(i *delivery.Item, texts []string) error {
	at := time.UnixMilli(i.Start).In(cmp.Or(s.config.Zone, time.UTC))
	again, ok := clock.Repeated(at)
	if !ok {
		return nil
	}
	other, err := s.texts(moved(i, again.UnixMilli()))
	if err == nil && slices.Equal(texts, other) {
		err = fmt.Errorf("%s is read as %s, so that an import would lose one of them: set timezone to UTC, or times and layouts with the offset (-07:00), "+
			"here and for the import: %w", at.Format(time.RFC3339), again.Format(time.RFC3339), errRepeated)
	}
	return err
}

// moved is a row at another time.
func moved(i *delivery.Item, start int64) *delivery.Item {
	to := *i
	to.Start = start
	switch {
	case i.Queue != nil:
		row := *i.Queue
		row.IntervalStart, to.Queue = start, &row
	case i.AgentQueue != nil:
		row := *i.AgentQueue
		row.IntervalStart, to.AgentQueue = start, &row
	case i.Agent != nil:
		row := *i.Agent
		row.IntervalStart, to.Agent = start, &row
	}
	return &to
}

// wants says whether a row belongs into the files.
func (s *sheet) wants(i *delivery.Item) (bool, error) {
	if s.where == nil {
		return true, nil
	}
	values, err := s.where.Values(nil, i)
	return err == nil && values[0].True(), err
}

// texts are the values of a row's columns, without quotes.
func (s *sheet) texts(i *delivery.Item) ([]string, error) {
	values, err := s.table.Values(nil, i)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(values))
	for n, v := range values {
		table := cmp.Or(s.layouts[n], s.table)
		texts[n] = strings.ToValidUTF8(table.Text(v), "\uFFFD")
		if s.config.Decimals >= 0 {
			texts[n] = s.rounded(v, texts[n])
		}
	}
	return texts, nil
}

// rounded has as many digits behind the point as the options say.
func (s *sheet) rounded(v expression.Value, text string) string {
	switch {
	case v.Kind == expression.Duration && s.config.Durations == "minutes":
		return decimal(v.Milliseconds(), 60_000, s.config.Decimals)
	case v.Kind == expression.Float && !math.IsInf(v.Number(), 0) && !math.IsNaN(v.Number()):
		return strconv.FormatFloat(v.Number(), 'f', s.config.Decimals, 64)
	}
	return text
}

// decimal is n/unit with so many digits behind the point, rounded half to even. unit is less than a million, digits at most 9.
func decimal(n, unit int64, digits int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	scale := int64(1)
	for range digits {
		scale *= 10
	}
	all, rest := n/unit*scale+n%unit*scale/unit, n%unit*scale%unit
	if 2*rest > unit || 2*rest == unit && all%2 != 0 {
		all++
	}
	if digits == 0 {
		return sign + strconv.FormatInt(all, 10)
	}
	return fmt.Sprintf("%s%d.%0*d", sign, all/scale, digits, all%scale)
}

// content is what a file has: its rows in order.
type content struct {
	keys  []string          // of the rows
	lines []string          // of the rows, ends included
	of    map[string]string // the row that the row of a key is part of, where it is not its own
}

// content makes the rows of a file.
func (s *sheet) content(rows []entry) (*content, error) {
	items := make([]*delivery.Item, 0, len(rows))
	for n := range rows {
		i := rows[n].item()
		wanted, err := s.wants(i)
		if err != nil {
			return nil, err
		}
		if wanted {
			items = append(items, i)
		}
	}
	c := new(content)
	if s.together {
		items, c.of = summed(items)
	}
	slices.SortFunc(items, func(a, b *delivery.Item) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Key, b.Key)) })
	for _, i := range items {
		texts, err := s.texts(i)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", i.Key, err)
		}
		var b strings.Builder
		s.line(&b, texts)
		c.keys, c.lines = append(c.keys, i.Key), append(c.lines, b.String())
	}
	return c, nil
}

// render writes a file.
func (s *sheet) render(c *content) []byte {
	var b strings.Builder
	if s.config.Header {
		s.line(&b, s.table.Names)
	}
	for _, line := range c.lines {
		b.WriteString(line)
	}
	return s.encoder.encode(b.String())
}

var lineEnds = map[string]string{"crlf": "\r\n", "lf": "\n"}

func (s *sheet) line(b *strings.Builder, texts []string) {
	for n, text := range texts {
		if n > 0 {
			b.WriteString(s.config.Delimiter)
		}
		special := strings.Contains(text, s.config.Delimiter) || strings.ContainsAny(text, "\"\r\n")
		switch {
		case s.config.Quotes == "never" && special:
			b.WriteString(strings.NewReplacer(s.config.Delimiter, " ", "\"", " ", "\r", " ", "\n", " ").Replace(text))
		case s.config.Quotes == "always" || special:
			b.WriteString(`"` + strings.ReplaceAll(text, `"`, `""`) + `"`)
		default:
			b.WriteString(text)
		}
	}
	b.WriteString(lineEnds[s.config.LineEnd])
}
