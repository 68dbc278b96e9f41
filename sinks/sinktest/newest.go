package sinktest

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
)

// newest is what a destination must hold after these batches: of each key the greatest revision; of facts that have the same,
// the greater content, field by field; of the same fact, the last in the log.
func newest(without []string, batches ...*sinks.Batch) *sinks.Batch {
	all := &sinks.Batch{}
	for _, b := range batches {
		all.QueueIntervals = append(all.QueueIntervals, b.QueueIntervals...)
		all.AgentQueueIntervals = append(all.AgentQueueIntervals, b.AgentQueueIntervals...)
		all.AgentIntervals = append(all.AgentIntervals, b.AgentIntervals...)
		all.Completeness = append(all.Completeness, b.Completeness...)
		all.Contacts = append(all.Contacts, b.Contacts...)
		all.AgentStates = append(all.AgentStates, b.AgentStates...)
		all.DeadLetters = append(all.DeadLetters, b.DeadLetters...)
		all.Workers = append(all.Workers, b.Workers...)
		all.Deliveries = append(all.Deliveries, b.Deliveries...)
	}
	w := &sinks.Batch{
		QueueIntervals:      greatest(all.QueueIntervals, "Tenant IntervalSeconds IntervalStart QueueID Channel"),
		AgentQueueIntervals: greatest(all.AgentQueueIntervals, "Tenant IntervalSeconds IntervalStart AgentID QueueID Channel"),
		AgentIntervals:      greatest(all.AgentIntervals, "Tenant IntervalSeconds IntervalStart AgentID"),
		Completeness:        greatest(all.Completeness, "Tenant Pipeline"),
		Contacts:            greatest(all.Contacts, "Tenant Source InteractionID Segment"),
		AgentStates:         greatest(all.AgentStates, "Tenant Source AgentID StateID"),
		DeadLetters:         greatest(all.DeadLetters, "Tenant Pipeline Stage Source Location"),
		Workers:             greatest(all.Workers, "Tenant Source WorkerID"),
		Deliveries:          greatest(all.Deliveries, "Tenant Pipeline Sink RowKey Revision AttemptedAt Attempt Outcome"),
	}
	for _, name := range without {
		reflect.ValueOf(w).Elem().FieldByName(name).SetZero()
	}
	return w
}

func greatest[T any](records []T, key string) []T {
	best := make(map[string]T)
	for _, r := range records {
		k := keyOf(r, key)
		if b, ok := best[k]; !ok || compare(b, r) <= 0 {
			best[k] = r
		}
	}
	var all []T
	for _, r := range best {
		all = append(all, r)
	}
	return all
}

func keyOf(record any, key string) string {
	v := inner(record)
	var b strings.Builder
	for name := range strings.FieldsSeq(key) {
		fmt.Fprintf(&b, "%v\x00", v.FieldByName(name))
	}
	return b.String()
}

// inner is the record itself where it is wrapped into its place in the log.
func inner(record any) reflect.Value {
	v := reflect.ValueOf(record)
	if r := v.FieldByName("Record"); r.IsValid() {
		return r
	}
	return v
}

// compare orders records of one key.
func compare(a, b any) int {
	x, y := inner(a), inner(b)
	if _, ok := x.Interface().(schemas.DeadLetter); ok {
		return cmp.Compare(reflect.ValueOf(a).FieldByName("Offset").Int(), reflect.ValueOf(b).FieldByName("Offset").Int())
	}
	if d := cmp.Compare(x.FieldByName("Revision").Int(), y.FieldByName("Revision").Int()); d != 0 {
		return d
	}
	for i := range x.NumField() {
		if d := compareField(x.Field(i), y.Field(i)); d != 0 {
			return d
		}
	}
	if o := reflect.ValueOf(a).FieldByName("Offset"); o.IsValid() {
		return cmp.Compare(o.Int(), reflect.ValueOf(b).FieldByName("Offset").Int())
	}
	return 0
}

func compareField(a, b reflect.Value) int {
	switch a.Kind() {
	case reflect.String:
		return cmp.Compare(a.String(), b.String())
	case reflect.Bool:
		return cmp.Compare(fmt.Sprint(a.Bool()), fmt.Sprint(b.Bool()))
	case reflect.Uint8:
		return cmp.Compare(a.Uint(), b.Uint())
	case reflect.Int32, reflect.Int64:
		return cmp.Compare(a.Int(), b.Int())
	case reflect.Slice:
		if x, ok := a.Interface().([]byte); ok {
			return bytes.Compare(x, b.Bytes())
		}
	}
	return 0
}

// sortAll puts a batch into an order of its own, to compare.
func sortAll(b *sinks.Batch) {
	sorted(b.QueueIntervals)
	sorted(b.AgentQueueIntervals)
	sorted(b.AgentIntervals)
	sorted(b.Completeness)
	sorted(b.Contacts)
	sorted(b.AgentStates)
	sorted(b.DeadLetters)
	sorted(b.Workers)
	sorted(b.Deliveries)
}

func sorted[T any](all []T) {
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}
