package sinktest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"unsafe"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
)

// made is a run of records as a log might hold them: few keys, many revisions in no order, some twice. Histories share keys,
// so that what one wrote meets what another writes.
type made struct{ steps []func(b *sinks.Batch) }

// batch is the records from one place of the run to another.
func (h made) batch(token string, from, to int) *sinks.Batch {
	b := &sinks.Batch{Token: token}
	for _, step := range h.steps[from:to] {
		step(b)
	}
	return b
}

const steps = 100

func history(seed int) made {
	r := rand.New(rand.NewPCG(uint64(seed), 7))
	var h made
	for i := range steps {
		key, revision, offset := r.IntN(5), int64(r.IntN(6)), int64(seed*steps+i)
		content := r.Int64N(3)
		h.steps = append(h.steps, []func(*sinks.Batch){
			func(b *sinks.Batch) {
				b.QueueIntervals = append(b.QueueIntervals, rowOf[schemas.QueueInterval](key, revision))
			},
			func(b *sinks.Batch) {
				b.AgentQueueIntervals = append(b.AgentQueueIntervals, rowOf[schemas.AgentQueueInterval](key, revision))
			},
			func(b *sinks.Batch) {
				b.AgentIntervals = append(b.AgentIntervals, rowOf[schemas.AgentInterval](key, revision))
			},
			func(b *sinks.Batch) {
				b.Completeness = append(b.Completeness, rowOf[schemas.Completeness](key, revision))
			},
			func(b *sinks.Batch) {
				b.Contacts = append(b.Contacts, factOf[schemas.Contact](key, revision, content, offset))
			},
			func(b *sinks.Batch) {
				b.AgentStates = append(b.AgentStates, factOf[schemas.AgentState](key, revision, content, offset))
			},
			func(b *sinks.Batch) {
				b.DeadLetters = append(b.DeadLetters, factOf[schemas.DeadLetter](key, 0, offset, offset))
			},
			func(b *sinks.Batch) {
				b.Deliveries = append(b.Deliveries, rowOf[schemas.Delivery](key, revision))
			},
			func(b *sinks.Batch) {
				b.Workers = append(b.Workers, factOf[schemas.Worker](key, revision, content, offset))
			},
		}[i%9])
	}
	return h
}

// base is 31 March 2024, 00:00 UTC.
const base = 1_711_843_200_000

// rowOf is a row of the key; its content follows from key and revision, as that of rows does.
func rowOf[T any](key int, revision int64) T {
	var row T
	fill(reflect.ValueOf(&row).Elem(), key, revision, revision)
	return row
}

// factOf is a fact of the key. Two facts of one revision may differ in content: a source that forgot to count.
func factOf[T any](key int, revision, content, offset int64) sinks.Logged[T] {
	l := sinks.Logged[T]{Topic: "t", Partition: key, Offset: offset, ArrivedAt: base + offset}
	fill(reflect.ValueOf(&l.Record).Elem(), key, revision, content)
	return l
}

// identity are the fields that say which record it is, besides tenant and source.
var identity = map[string]bool{
	"IntervalStart": true, "IntervalSeconds": true, "QueueID": true, "AgentID": true, "Channel": true, "InteractionID": true,
	"Segment": true, "StateID": true, "Pipeline": true, "Stage": true, "Location": true, "Tenant": true, "Source": true, "WorkerID": true, "Sink": true,
}

// described are the kinds of record whose queue, agent and channel are content; of others they are part of the key.
var described = map[reflect.Type]bool{reflect.TypeFor[schemas.Contact](): true, reflect.TypeFor[schemas.Worker](): true}

// fill sets every field from the key and the content, so that a column that is lost or swapped shows.
func fill(v reflect.Value, key int, revision, content int64) {
	for i := range v.NumField() {
		f, field := v.Field(i), v.Type().Field(i)
		seed := content*31 + int64(i)
		if identity[field.Name] && (!described[v.Type()] || field.Name[0] != 'Q' && field.Name[0] != 'A' && field.Name[0] != 'C') {
			seed = int64(key)
		}
		switch {
		case field.Name == "Revision":
			f.SetInt(revision)
		case field.Name == "IntervalStart":
			f.SetInt(base + int64(key/2)*900_000)
		case field.Name == "IntervalSeconds":
			f.SetInt(900)
		case field.Name == "Timezone":
			f.SetString("Europe/Berlin")
		case f.Kind() == reflect.String:
			f.SetString(fmt.Sprintf("%s é\t%d", field.Name, seed%7))
		case f.Kind() == reflect.Bool:
			f.SetBool(seed%2 == 0)
		case f.Kind() == reflect.Uint8:
			f.SetUint(uint64(seed) % 4)
		case f.Kind() == reflect.Int64 && nullable(v.Type(), field.Name) && seed%3 == 0:
			f.SetInt(schemas.Null)
		case f.Kind() == reflect.Int64 || f.Kind() == reflect.Int32:
			f.SetInt(base%1_000_000_000 + seed)
		case f.Type() == reflect.TypeFor[[]byte]():
			f.SetBytes([]byte{0, 1, 0xff, byte(seed)})
		case f.Type() == reflect.TypeFor[[]schemas.NamedValue]():
			var all []schemas.NamedValue
			for n := range seed % 3 {
				all = append(all, schemas.NamedValue{Name: fmt.Sprint("reason ", n), Value: seed})
			}
			f.Set(reflect.ValueOf(all))
		}
	}
}

// nullable says whether a field may be absent.
func nullable(t reflect.Type, field string) bool {
	switch t {
	case reflect.TypeFor[schemas.Contact]():
		return field != "Revision"
	case reflect.TypeFor[schemas.AgentState]():
		return field == "StartedAt" || field == "EndedAt"
	}
	return field == "Completed" || field == "ScheduledMs" || field == "AdherentMs" || field == "CompleteThrough"
}

// borrow copies a batch so that all its strings lie in memory that scribble overwrites, as a log's buffer is.
func borrow(b *sinks.Batch) (copied *sinks.Batch, scribble func()) {
	c := *b
	var memory [][]byte
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Slice {
			fresh := reflect.MakeSlice(f.Type(), f.Len(), f.Len())
			reflect.Copy(fresh, f)
			for n := range fresh.Len() {
				memory = append(memory, borrowStrings(fresh.Index(n))...)
			}
			f.Set(fresh)
		}
	}
	return &c, func() {
		for _, m := range memory {
			for i := range m {
				m[i] = '#'
			}
		}
	}
}

func borrowStrings(v reflect.Value) (memory [][]byte) {
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			m := []byte(f.String())
			f.SetString(unsafe.String(unsafe.SliceData(m), len(m)))
			memory = append(memory, m)
		case reflect.Struct:
			memory = append(memory, borrowStrings(f)...)
		}
	}
	return memory
}
