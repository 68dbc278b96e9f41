package flow

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"

	"github.com/quarterhour/quarterhour/ingest"
)

// rawBlock is how much of an answer is held, in bytes, until it is kept: an answer of any size takes no more.
const rawBlock = 256 << 10

// Keeper keeps one answer as the vendor gave it, in parts, while it is read. A nil Keeper keeps nothing. Not safe for concurrent use.
type Keeper struct {
	ctx         context.Context //nolint:containedctx // of the read
	read        *Read
	contentType string
	answer      string
	part        int
	block       []byte
	err         error
}

// Keep begins to keep an answer; nil where the source's option does not ask for that.
func (r *Read) Keep(ctx context.Context, contentType string) *Keeper {
	if n := r.worker.run; n.keepRaw <= 0 || n.deps.Raw == nil {
		return nil
	}
	return &Keeper{ctx: ctx, read: r, contentType: contentType, answer: rand.Text()}
}

// Raw keeps an answer that is there as a whole.
func (r *Read) Raw(ctx context.Context, contentType string, payload []byte) error {
	k := r.Keep(ctx, contentType)
	if k == nil {
		return nil
	}
	_, err := k.Write(payload)
	return k.End(err)
}

// Reader is what it is given, kept as it is read. What cannot be kept ends the reading.
func (k *Keeper) Reader(from io.Reader) io.Reader {
	if k == nil {
		return from
	}
	return io.TeeReader(from, k)
}

// Write takes more of the answer.
func (k *Keeper) Write(p []byte) (int, error) {
	if k == nil {
		return len(p), nil
	}
	for rest := p; len(rest) > 0; {
		if len(k.block) == rawBlock {
			if k.keep(false); k.err != nil {
				return 0, k.err
			}
		}
		n := min(len(rest), rawBlock-len(k.block))
		k.block, rest = append(k.block, rest[:n]...), rest[n:]
	}
	return len(p), k.err
}

// End keeps what is left. err is why the answer was not read to its end, and comes back: what there is of it is kept, without a last part.
func (k *Keeper) End(err error) error {
	if k == nil {
		return err
	}
	if k.err == nil && (err == nil || len(k.block) > 0) {
		k.keep(err == nil)
	}
	if err == nil {
		err = k.err
	}
	return err
}

func (k *Keeper) keep(last bool) {
	k.part++
	n := k.read.worker.run
	err := n.deps.Raw(k.ctx, ingest.Raw{
		Stream: k.read.worker.flow.Name, From: k.read.From, To: k.read.To, ContentType: k.contentType, Keep: n.keepRaw,
		Answer: k.answer, Part: k.part, Last: last, Payload: k.block,
	})
	if err != nil {
		k.err = fmt.Errorf("keep the raw answer: %w", err)
	}
	k.block = k.block[:0]
}
