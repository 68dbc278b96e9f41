package pipkins

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// summed makes one row of those that differ in their channel only: a file has a queue once in an interval. of says in which row, by key, those
// are that have none of their own.
func summed(items []*delivery.Item) (list []*delivery.Item, of map[string]string) {
	first := map[string]*delivery.Item{}
	of = map[string]string{}
	slices.SortFunc(items, func(a, b *delivery.Item) int { return strings.Compare(a.Key, b.Key) })
	for _, i := range items {
		var key string
		switch {
		case i.Queue != nil:
			key = i.Queue.Tenant + "\x00" + i.Queue.QueueID
		case i.AgentQueue != nil:
			key = i.AgentQueue.Tenant + "\x00" + i.AgentQueue.QueueID + "\x00" + i.AgentQueue.AgentID
		default: // an agent's row has no channel
			list = append(list, i)
			continue
		}
		key += "\x00" + strconv.FormatInt(i.Start, 10)
		have := first[key]
		if have == nil {
			first[key] = i
			list = append(list, i)
			continue
		}
		of[i.Key] = have.Key
		if i.Queue != nil {
			add(have.Queue, i.Queue)
		} else {
			add(have.AgentQueue, i.AgentQueue)
		}
	}
	return list, of
}

// add sums the measures of rows: the longest wait and the revision are the greater, and what is absent in both stays absent.
func add[T any](to, from *T) {
	a, b := reflect.ValueOf(to).Elem(), reflect.ValueOf(from).Elem()
	for n := range a.NumField() {
		x, y := a.Field(n), b.Field(n)
		if x.Kind() != reflect.Int64 {
			continue
		}
		switch name := a.Type().Field(n).Tag.Get("avro"); {
		case name == "interval_start" || y.Int() == schemas.Null:
		case x.Int() == schemas.Null || strings.HasPrefix(name, "max_") || name == "revision":
			x.SetInt(max(x.Int(), y.Int()))
		default:
			x.SetInt(x.Int() + y.Int())
		}
	}
}
