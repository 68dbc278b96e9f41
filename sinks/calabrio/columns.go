package calabrio

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks/columns"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// The kinds of record that the doors take.
const (
	kindQueue      = "queue_interval"
	kindAgentQueue = "agent_queue_interval"
	kindAgent      = "agent_interval"
	kindState      = "agent_state"
)

// ordered puts kinds into the order in which Calabrio should meet them: queues and agents come by name with any of them.
func ordered(kinds []string) []string {
	order := []string{kindQueue, kindAgentQueue, kindAgent, kindState}
	slices.SortFunc(kinds, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	return kinds
}

// form is what a contract lets a column be.
type form int

const (
	anything form = iota // a further field: as the expression has it
	instant              // start of the interval
	name                 // text of 1 to 100 characters
	count                // int32, not negative
	nullable             // count, or null
	within               // count of seconds that are within the interval
)

// column is a column of a contract, and the expression that it has unless the pipeline file says otherwise.
type column struct {
	name, expr string
	form       form
}

// merge puts the expressions of the pipeline file in the place of the usual ones. Names that the contract does not have come last.
func merge(usual []column, given spec.Exprs) (list []column, exprs spec.Exprs) {
	list = slices.Clone(usual)
	for _, c := range list {
		exprs = append(exprs, spec.NamedExpr{Name: c.name, Expr: spec.Expr{Source: c.expr}})
	}
	for _, g := range given {
		if n := slices.IndexFunc(list, func(c column) bool { return c.name == g.Name }); n >= 0 {
			exprs[n] = g
			continue
		}
		list, exprs = append(list, column{name: g.Name}), append(exprs, g)
	}
	return list, exprs
}

// checkColumns reports columns that there are not, where further ones are not allowed, and expressions that are none.
func checkColumns(kind string, usual []column, given spec.Exprs, path string, further bool, problem func(path, message string)) {
	if path != "" {
		path += "."
	}
	for _, g := range given {
		at := slices.IndexFunc(usual, func(c column) bool { return c.name == g.Name })
		switch {
		case at < 0 && !further:
			names := make([]string, 0, len(usual))
			for _, c := range usual {
				if c.form != instant {
					names = append(names, c.name)
				}
			}
			problem(path+g.Name, fmt.Sprintf("is no column of this file%s", spec.Suggest(g.Name, names)))
			continue
		case at >= 0 && usual[at].form == instant:
			problem(path+g.Name, "is always the start of the interval: leave it out")
			continue
		}
		if _, err := columns.New(kind, spec.Exprs{g}, columns.Format{}); err != nil {
			var wrong *expression.Error
			message := err.Error()
			if errors.As(err, &wrong) {
				message = wrong.Message
			}
			problem(path+g.Name, message)
		}
	}
}

// A table computes the columns of one kind of record.
type table struct {
	columns []column
	*columns.Table
}

func newTable(kind string, usual []column, given spec.Exprs) (*table, error) {
	list, exprs := merge(usual, given)
	t, err := columns.New(kind, exprs, columns.Format{})
	return &table{list, t}, err
}

// wrongField is a value that the contract has no place for.
type wrongField struct{ field, what string }

func (w *wrongField) Error() string { return fmt.Sprintf("field %q %s", w.field, w.what) }

// refused is what becomes of an item whose columns cannot be computed.
func refused(index int, err error) delivery.RefusedItem {
	return delivery.RefusedItem{Index: index, Reason: "field", Detail: err.Error()}
}

// whole is a value as a whole number: durations in seconds, rounded half to even.
func (c *column) whole(v expression.Value, seconds int) (n int64, err error) {
	switch v.Kind {
	case expression.Int:
		n = v.Milliseconds()
	case expression.Duration:
		n = columns.Seconds(v.Milliseconds())
	case expression.Float:
		f, err := strconv.ParseFloat(v.String(), 64)
		if err != nil || math.IsNaN(f) || math.Abs(f) > math.MaxInt32 {
			return 0, &wrongField{c.name, fmt.Sprintf("is %s, not a whole number of 32 bits", v)}
		}
		n = int64(math.RoundToEven(f))
	default:
		return 0, &wrongField{c.name, fmt.Sprintf("is %q, not a whole number: change its expression", v)}
	}
	if c.form == within {
		n = min(n, int64(seconds))
	}
	if n < 0 || n > math.MaxInt32 {
		return 0, &wrongField{c.name, fmt.Sprintf("is %d, not between 0 and %d", n, math.MaxInt32)}
	}
	return n, nil
}

// text is a value as text without blanks around it; absent is empty.
func (c *column) text(v expression.Value) (string, error) {
	switch v.Kind {
	case expression.Nil:
		return "", nil
	case expression.Text, expression.Int:
		return strings.TrimSpace(strings.ToValidUTF8(v.String(), "\uFFFD")), nil
	}
	return "", &wrongField{c.name, fmt.Sprintf("is %s, not text: change its expression", v.Kind)}
}
