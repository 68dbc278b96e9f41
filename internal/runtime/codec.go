package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/registry"
	"github.com/quarterhour/quarterhour/schemas"
)

// kind is the record a message carries.
type kind uint8

const (
	unknownKind kind = iota
	contactKind
	agentStateKind
	shiftKind
	markKind
	queueKind
	agentQueueKind
	agentKind
	completenessKind
	shardMarkKind
	deadLetterKind
	workerKind
	deliveryKind
)

// writer encodes one kind of record under the id the registry gave its schema.
type writer[T schemas.Record] struct {
	id      int
	encoder *schemas.Encoder[T]
}

func newWriter[T schemas.Record](ctx context.Context, reg *registry.Client) (writer[T], error) {
	s := schemas.Of[T]()
	id, err := reg.Register(ctx, s.Full, s.JSON)
	if err != nil {
		return writer[T]{}, fmt.Errorf("register schema %q: %w", s.Full, err)
	}
	crash.Point(crash.SchemaRegistered)
	return writer[T]{id: id, encoder: schemas.NewEncoder[T]()}, nil
}

// append adds the record to dst in the Confluent wire format.
func (w writer[T]) append(dst []byte, rec *T) []byte { return w.encoder.AppendWire(dst, w.id, rec) }

// writers holds one encoder per kind of record. Safe for concurrent use once opened.
type writers struct {
	contact      writer[schemas.Contact]
	agentState   writer[schemas.AgentState]
	shift        writer[schemas.Shift]
	worker       writer[schemas.Worker]
	delivery     writer[schemas.Delivery]
	mark         writer[schemas.Mark]
	queue        writer[schemas.QueueInterval]
	agentQueue   writer[schemas.AgentQueueInterval]
	agent        writer[schemas.AgentInterval]
	completeness writer[schemas.Completeness]
	shardMark    writer[schemas.ShardMark]
	deadLetter   writer[schemas.DeadLetter]
}

func openWriters(ctx context.Context, reg *registry.Client) (*writers, error) {
	w := &writers{}
	for _, open := range []func() error{
		func() (err error) { w.contact, err = newWriter[schemas.Contact](ctx, reg); return },
		func() (err error) { w.agentState, err = newWriter[schemas.AgentState](ctx, reg); return },
		func() (err error) { w.shift, err = newWriter[schemas.Shift](ctx, reg); return },
		func() (err error) { w.worker, err = newWriter[schemas.Worker](ctx, reg); return },
		func() (err error) { w.delivery, err = newWriter[schemas.Delivery](ctx, reg); return },
		func() (err error) { w.mark, err = newWriter[schemas.Mark](ctx, reg); return },
		func() (err error) { w.queue, err = newWriter[schemas.QueueInterval](ctx, reg); return },
		func() (err error) { w.agentQueue, err = newWriter[schemas.AgentQueueInterval](ctx, reg); return },
		func() (err error) { w.agent, err = newWriter[schemas.AgentInterval](ctx, reg); return },
		func() (err error) { w.completeness, err = newWriter[schemas.Completeness](ctx, reg); return },
		func() (err error) { w.shardMark, err = newWriter[schemas.ShardMark](ctx, reg); return },
		func() (err error) { w.deadLetter, err = newWriter[schemas.DeadLetter](ctx, reg); return },
	} {
		if err := open(); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// reader decodes messages by the schema they were written with. Not safe for concurrent use.
type reader struct {
	ctx    context.Context
	reg    *registry.Client
	byID   map[int]entry
	lastID int
	last   entry
}

// entry is what a schema id stands for: the kind of record, and the decoder from that writer's schema to our record.
type entry struct {
	kind    kind
	name    string
	decoder any
}

func newReader(ctx context.Context, reg *registry.Client) *reader {
	return &reader{ctx: ctx, reg: reg, byID: map[int]entry{}, lastID: -1}
}

// errAway is the end of an error that is about the registry and not about the record: the record is to be read again.
var errAway = errors.New("cannot ask for the schema")

// open splits a message into what it is and its payload.
func (r *reader) open(msg []byte) (entry, []byte, error) {
	id, payload, err := schemas.SplitWire(msg)
	if err != nil {
		return entry{}, nil, err
	}
	if id != r.lastID {
		e, ok := r.byID[id]
		if !ok {
			if e, err = r.resolve(id); err != nil {
				return entry{}, nil, err
			}
			r.byID[id] = e
		}
		r.lastID, r.last = id, e
	}
	return r.last, payload, nil
}

func (r *reader) resolve(id int) (entry, error) {
	text, err := r.reg.Schema(r.ctx, id)
	if err != nil && !errors.Is(err, registry.ErrUnknown) {
		err = fmt.Errorf("%w: %w", errAway, err)
	}
	if err != nil {
		return entry{}, fmt.Errorf("schema %d: %w", id, err)
	}
	name, err := schemas.NameOf(text)
	if err != nil {
		return entry{}, fmt.Errorf("schema %d: %w", id, err)
	}
	e := entry{name: name}
	switch name {
	case "quarterhour.contact":
		e.kind, e.decoder, err = decoderFor[schemas.Contact](contactKind, text)
	case "quarterhour.agent_state":
		e.kind, e.decoder, err = decoderFor[schemas.AgentState](agentStateKind, text)
	case "quarterhour.shift":
		e.kind, e.decoder, err = decoderFor[schemas.Shift](shiftKind, text)
	case "quarterhour.worker":
		e.kind, e.decoder, err = decoderFor[schemas.Worker](workerKind, text)
	case "quarterhour.delivery":
		e.kind, e.decoder, err = decoderFor[schemas.Delivery](deliveryKind, text)
	case "quarterhour.mark":
		e.kind, e.decoder, err = decoderFor[schemas.Mark](markKind, text)
	case "quarterhour.queue_interval":
		e.kind, e.decoder, err = decoderFor[schemas.QueueInterval](queueKind, text)
	case "quarterhour.agent_queue_interval":
		e.kind, e.decoder, err = decoderFor[schemas.AgentQueueInterval](agentQueueKind, text)
	case "quarterhour.agent_interval":
		e.kind, e.decoder, err = decoderFor[schemas.AgentInterval](agentKind, text)
	case "quarterhour.completeness":
		e.kind, e.decoder, err = decoderFor[schemas.Completeness](completenessKind, text)
	case "quarterhour.shard_mark":
		e.kind, e.decoder, err = decoderFor[schemas.ShardMark](shardMarkKind, text)
	case "quarterhour.dead_letter":
		e.kind, e.decoder, err = decoderFor[schemas.DeadLetter](deadLetterKind, text)
	}
	if err != nil {
		return entry{}, fmt.Errorf("schema %d (%s): %w", id, name, err)
	}
	return e, nil
}

func decoderFor[T schemas.Record](k kind, writerJSON string) (kind, any, error) {
	d, err := schemas.NewDecoder[T](writerJSON)
	return k, d, err
}

// decode fills rec from a payload of the entry's schema. Strings in rec alias the payload.
func decode[T schemas.Record](e entry, payload []byte, rec *T) error {
	return e.decoder.(*schemas.Decoder[T]).Decode(payload, rec)
}
