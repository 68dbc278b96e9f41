package gladly

import (
	"context"

	"github.com/quarterhour/quarterhour/ingest/flow"
)

// rawBatch is how much of an answer is kept as one payload, bytes.
const rawBatch = 256 << 10

// keeper keeps lines as they came, in batches. A nil keeper keeps nothing.
type keeper struct {
	ctx         context.Context //nolint:containedctx // of the read
	read        *flow.Read
	contentType string
	batch       []byte
	err         error
}

// keep says who keeps the lines of a read; nil for nobody.
func (g *source) keep(ctx context.Context, r *flow.Read, contentType string) *keeper {
	if g.options.KeepRaw <= 0 {
		return nil
	}
	return &keeper{ctx: ctx, read: r, contentType: contentType}
}

func (k *keeper) line(line []byte) {
	if k == nil {
		return
	}
	k.batch = append(append(k.batch, line...), '\n')
	if len(k.batch) >= rawBatch {
		k.flush()
	}
}

func (k *keeper) flush() {
	if len(k.batch) > 0 && k.err == nil {
		k.err = k.read.Raw(k.ctx, k.contentType, k.batch)
	}
	k.batch = k.batch[:0]
}

// done keeps the rest, and says whether all was kept.
func (k *keeper) done() error {
	if k == nil {
		return nil
	}
	k.flush()
	return k.err
}

// Write keeps what passes by.
func (k *keeper) Write(p []byte) (int, error) {
	if k.batch = append(k.batch, p...); len(k.batch) >= rawBatch {
		k.flush()
	}
	return len(p), nil
}
