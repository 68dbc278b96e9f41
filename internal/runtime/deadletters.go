package runtime

import (
	"context"
	"time"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/schemas"
)

// deadLetterRecord is the message for an input that could not be used. Its key says where the input stood, so that refusing
// it again after a replay replaces the letter instead of adding one.
func (p *pipeline) deadLetterRecord(d *schemas.DeadLetter) broker.Record {
	now := p.now()
	d.Tenant, d.Pipeline, d.RejectedAt = p.file.Tenant, p.file.Name, now.UnixMilli()
	p.metrics.Rejected(d.Stage, d.Reason)
	return letterRecord(d, p.write.deadLetter)
}

func letterRecord(d *schemas.DeadLetter, w writer[schemas.DeadLetter]) broker.Record {
	return broker.Record{
		Key:   []byte(d.Stage + "\x00" + d.Source + "\x00" + d.Location),
		Value: w.append(nil, d),
		Time:  time.UnixMilli(d.RejectedAt),
	}
}

func (p *pipeline) produceDeadLetters(ctx context.Context, records []broker.Record) error {
	if len(records) == 0 {
		return nil
	}
	if _, err := p.producer.Produce(ctx, p.topics.deadLetters(), 0, records); err != nil {
		return err
	}
	if p.setAside.Add(int64(len(records))) == int64(len(records)) {
		p.log.Warn("the first input that could not be used: `quarterhour deadletters list` shows it, and those that follow")
	}
	return nil
}

// sumUp says at the end of a run how much could not be used, so that nobody has to look for it.
func (p *pipeline) sumUp() {
	if n := p.setAside.Load(); n > 0 {
		p.log.Warn("inputs that could not be used: `quarterhour deadletters list` shows them", "inputs", n)
	}
}
