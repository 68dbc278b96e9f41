package runtime

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/transform"
	"github.com/quarterhour/quarterhour/transform/expressions"
)

// The snapshots of all shards are in one compacted topic, so that whichever process gets a shard finds them:
//
//	partition 0      manifests, key SHARD/SLOT: which records make up a snapshot, and what it is of
//	partition 1 + n  the sections of the shards of partition n, key SHARD/SLOT/NUMBER, one section a record
//
// A manifest is written when all sections are acknowledged: what has no manifest does not exist. Each shard has two slots that take
// turns, so that writing one snapshot leaves the one before as it is.

// slots is how many snapshots of a shard are kept.
const slots = 2

// manifest says where a snapshot is and what it is of. It is JSON, to be readable for people and the next version.
type manifest struct {
	Shard    string `json:"shard"`
	Slot     int    `json:"slot"`
	Next     int64  `json:"next"` // offset of the log behind what the snapshot covers
	Facts    int    `json:"facts"`
	Stages   string `json:"stages"` // fingerprint of the filter and set stages: they decide what a shard is given
	Sections int    `json:"sections"`
	From     int64  `json:"from"` // offset of the first section
	To       int64  `json:"to"`   // offset behind the last
	Bytes    int64  `json:"bytes"`
	Written  int64  `json:"written_at"` // milliseconds since 1970
}

func (m *manifest) key() []byte { return fmt.Appendf(nil, "%s/%d", m.Shard, m.Slot) }

// sectionKey is the key of a section.
func (m *manifest) sectionKey(n int) []byte { return fmt.Appendf(nil, "%s/%d/%d", m.Shard, m.Slot, n) }

// partitionOfSections is the partition of the topic in which a shard's sections are.
func partitionOfSections(shard string) (int, error) {
	_, number, _ := strings.Cut(shard, "/")
	n, err := strconv.Atoi(number)
	return n + 1, err
}

// stagesPrint stands for the filter and set stages of the pipeline.
func (p *pipeline) stagesPrint() string {
	var text []byte
	for _, s := range p.file.Stages {
		stage, ok := expressions.StageOf(s.Options)
		if !ok {
			continue
		}
		text = fmt.Appendf(text, "filter %q\n", stage.Filter.Source)
		for _, set := range stage.Set {
			text = fmt.Appendf(text, "set %q %q\n", set.Name, set.Expr.Source)
		}
	}
	return strconv.FormatUint(xxhash.Sum64(text), 16)
}

// manifests are the snapshots there are of a shard, the newest first.
func (p *pipeline) manifests(ctx context.Context, shard string) ([]manifest, error) {
	ranges, err := p.cluster.Offsets(ctx, p.topics.snapshots())
	if err != nil {
		return nil, err
	}
	newest := map[string]manifest{}
	err = p.cluster.ReadAll(ctx, p.topics.snapshots(), 0, ranges[0].First, ranges[0].Next, func(b *broker.Batch) error {
		for _, r := range b.Records {
			var m manifest
			if delete(newest, string(r.Key)); json.Unmarshal(r.Value, &m) == nil && m.Shard == shard {
				newest[string(r.Key)] = m
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []manifest
	for _, m := range newest {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b manifest) int { return cmp.Or(-cmp.Compare(a.Next, b.Next), cmp.Compare(a.Slot, b.Slot)) })
	return all, nil
}

// restore makes the shard of its newest snapshot that can be used, and returns that snapshot; without one the shard is empty. A
// snapshot can be used only if it covers nothing beyond what is committed: of what lies behind that, nothing may have been handed
// on, and the shard of the snapshot would not know.
func (p *pipeline) restore(ctx context.Context, shard string, committed int64) (*transform.Shard, *manifest, error) {
	log := p.log.With("shard", shard)
	all, err := p.manifests(ctx, shard)
	if err != nil && ctx.Err() == nil {
		log.Warn("snapshots cannot be read, going on without", "error", err)
	}
	for _, m := range all {
		started := p.now()
		s, err := p.restoreFrom(ctx, &m, committed)
		if err == nil {
			crash.Point(crash.SnapshotRestored)
			p.metrics.Snapshot("restored")
			log.Info("shard restores from its snapshot", "facts", m.Facts, "from", m.Next, "to", committed, "took", p.now().Sub(started))
			return s, &m, nil
		}
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		p.metrics.Snapshot("refused")
		log.Warn("snapshot passed over", "slot", m.Slot, "offset", m.Next, "error", err)
	}
	s, err := transform.NewShard(shard, p.options)
	return s, nil, err
}

var errSnapshotAhead = errors.New("the snapshot covers more than is committed")

func (p *pipeline) restoreFrom(ctx context.Context, m *manifest, committed int64) (*transform.Shard, error) {
	switch {
	case m.Next > committed:
		return nil, errSnapshotAhead
	case m.Stages != p.stagesPrint():
		return nil, fmt.Errorf("%w: the filter and set stages differ", transform.ErrSnapshotOther)
	}
	partition, err := p.whereSections(ctx, m)
	if err != nil {
		return nil, err
	}
	sections, done := p.sections(ctx, m, partition)
	s, next, err := transform.Restore(m.Shard, p.options, sections)
	_ = sections.CloseWithError(io.ErrClosedPipe) // always nil; ends the reading
	<-done
	if err == nil && next != m.Next {
		return nil, fmt.Errorf("%w: its manifest says offset %d, itself %d", transform.ErrSnapshotDamaged, m.Next, next)
	}
	return s, err
}

// whereSections is the partition in which a snapshot's sections are. What a partition does not reach to, as after a loss, would be
// waited for in vain.
func (p *pipeline) whereSections(ctx context.Context, m *manifest) (int, error) {
	partition, err := partitionOfSections(m.Shard)
	if err != nil {
		return 0, err
	}
	ranges, err := p.cluster.Offsets(ctx, p.topics.snapshots())
	if err != nil {
		return 0, err
	}
	if partition >= len(ranges) || m.From < ranges[partition].First || m.To > ranges[partition].Next {
		return 0, fmt.Errorf("%w: records %d to %d of partition %d are not there", transform.ErrSnapshotDamaged, m.From, m.To, partition)
	}
	return partition, nil
}

// sections reads a snapshot while it is being restored. done is closed when nothing is read any more.
func (p *pipeline) sections(ctx context.Context, m *manifest, partition int) (*io.PipeReader, <-chan struct{}) {
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.CloseWithError(p.readSections(ctx, m, partition, w)) // always nil
	}()
	return r, done
}

func (p *pipeline) readSections(ctx context.Context, m *manifest, partition int, w io.Writer) error {
	n := 0
	want := m.sectionKey(n)
	return p.cluster.ReadAll(ctx, p.topics.snapshots(), partition, m.From, m.To, func(b *broker.Batch) error {
		for _, r := range b.Records {
			if string(r.Key) != string(want) {
				continue // another shard's
			}
			if _, err := w.Write(r.Value); err != nil {
				return err
			}
			n++
			want = m.sectionKey(n)
		}
		return nil
	})
}
